import pytest
import torch
from toys import assert_same_state, state_copy

from flatness.directions import (
    direction_between,
    displaced,
    evaluation_mode,
    random_direction,
    trainable_parameters,
    unchanged,
)
from flatness.networks import build_network


@pytest.fixture
def network():
    return build_network("resnet8", 0)


@pytest.fixture
def parameters(network):
    return {name: parameter.detach() for name, parameter in network.named_parameters()}


def slice_norms(tensor):
    return torch.linalg.vector_norm(tensor.flatten(1), dim=1)


def test_filters_have_the_norms_of_the_weights_filters(parameters):
    direction = random_direction(parameters, 1)
    for name, step in direction.items():
        torch.testing.assert_close(slice_norms(step), slice_norms(parameters[name]))


def test_layers_have_the_norms_of_the_weights_layers(parameters):
    direction = random_direction(parameters, 1, "layer")
    for name, step in direction.items():
        torch.testing.assert_close(step.norm(), parameters[name].norm())
    filters = random_direction(parameters, 1, "filter")
    assert not torch.allclose(slice_norms(direction["head.weight"]), slice_norms(filters["head.weight"]))


def test_biases_and_batch_norm_stay_put(parameters):
    assert set(random_direction(parameters, 1)) == {
        name for name, value in parameters.items() if value.ndim > 1
    }


def test_directions_of_two_seeds_are_gaussian_and_nearly_orthogonal(parameters):
    first, second = (
        torch.cat([step.flatten() for step in random_direction(parameters, seed).values()]) for seed in (1, 2)
    )
    again = torch.cat([step.flatten() for step in random_direction(parameters, 1).values()])
    assert torch.equal(first, again)
    cosine = torch.nn.functional.cosine_similarity(first, second, dim=0)
    assert abs(cosine) < 0.03  # uniform draws from [0, 1] would give 0.75
    drawn = random_direction({"w": torch.ones(1, 50_000)}, 3)["w"]
    assert abs(drawn.mean()) < 0.02 and (drawn**4).mean() / (drawn**2).mean() ** 2 == pytest.approx(
        3, abs=0.15
    )


@pytest.mark.parametrize("seed", [0, 1, 2, 7])
def test_no_direction_is_a_networks_own_start(seed):
    start = dict(build_network("resnet8", seed).named_parameters())
    for name, step in random_direction(start, seed).items():
        cosine = torch.nn.functional.cosine_similarity(step.flatten(), start[name].detach().flatten(), dim=0)
        assert abs(cosine) < 5 / step.numel() ** 0.5


def test_a_zero_filter_is_not_moved():
    weight = torch.zeros(2, 3, 3, 3)
    weight[0] = 1
    step = random_direction({"w": weight}, 0)["w"]
    assert step[1].abs().sum() == 0 and step[0].norm() == pytest.approx(weight[0].norm())


def test_unknown_normalisation_is_refused(parameters):
    with pytest.raises(ValueError, match="filter, layer"):
        random_direction(parameters, 0, "none")


def test_displacement_is_computed_from_the_saved_copy_and_undone_bit_for_bit(network, parameters):
    before, parameters = state_copy(network), {name: value.clone() for name, value in parameters.items()}
    d, e = random_direction(parameters, 1), random_direction(parameters, 2)
    for alpha, beta in ((0.3, -0.7), (1e4, 1e-4), (0.0, 0.0)):
        with displaced(network, [d, e], [alpha, beta]):
            for name, parameter in network.named_parameters():
                expected = parameters[name]
                if name in d:
                    expected = parameters[name] + alpha * d[name] + beta * e[name]
                torch.testing.assert_close(parameter.detach(), expected, rtol=1e-4, atol=1e-5)
        assert_same_state(network, before)


def test_an_exception_and_changed_statistics_leave_no_trace(network, parameters):
    before = state_copy(network)
    direction = random_direction(parameters, 1)
    with pytest.raises(RuntimeError, match="inside"):
        with displaced(network, [direction], [0.5]):
            network.train()(torch.randn(2, 3, 8, 8))
            raise RuntimeError("inside")
    assert_same_state(network, before)
    with pytest.raises(KeyError), displaced(network, [{"absent": torch.ones(1)}], [1.0]):
        pass
    with pytest.raises(ValueError), displaced(network, [direction], [1.0, 2.0]):
        pass
    assert_same_state(network, before)


def test_the_line_between_two_networks_ends_at_the_second(network, parameters):
    other = {name: p.detach() for name, p in build_network("resnet8", 9).named_parameters()}
    with displaced(network, [direction_between(parameters, other)], [1.0]):
        for name, parameter in network.named_parameters():
            torch.testing.assert_close(parameter.detach(), other[name])
    with pytest.raises(ValueError, match="differ in their parameters"):
        direction_between(parameters, {name: value for name, value in other.items() if name != "head.bias"})


def test_modes_are_restored_one_by_one_also_after_an_exception(network):
    network.train()
    network.norm.eval()
    modes = [module.training for module in network.modules()]
    with evaluation_mode(network):
        assert not any(module.training for module in network.modules())
    assert [module.training for module in network.modules()] == modes
    with pytest.raises(RuntimeError, match="inside"), unchanged(network):
        network.train()
        raise RuntimeError("inside")
    assert [module.training for module in network.modules()] == modes


def test_a_callers_autocast_sees_the_displaced_weights():
    layer, images = torch.nn.Linear(3, 2), torch.ones(1, 3)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        before = layer(images)
        with displaced(layer, [{"weight": torch.ones(2, 3)}], [8.0]):
            torch.testing.assert_close(layer(images), before + 24, atol=0.5, rtol=0)
        assert torch.equal(layer(images), before)


def test_a_network_without_trainable_parameters_is_refused(network):
    network.requires_grad_(False)
    with pytest.raises(ValueError, match="expected trainable parameters, found none among 23"):
        trainable_parameters(network)


def test_filters_are_slices_along_the_first_dimension_of_whatever_has_more():
    layers = [torch.nn.ConvTranspose2d(3, 4, 2), torch.nn.LayerNorm((4, 5)), torch.nn.BatchNorm2d(4)]
    weights = dict(torch.nn.Sequential(*layers).named_parameters())
    direction = random_direction(weights, 1)
    assert list(direction) == ["0.weight", "1.weight", "1.bias"]
    torch.testing.assert_close(slice_norms(direction["0.weight"]), slice_norms(weights["0.weight"].detach()))
    assert len(slice_norms(direction["0.weight"])) == 3
