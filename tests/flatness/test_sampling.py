import numpy as np
import pytest
import torch
from toys import FLOAT32, TwoLogits, disturb_batch_norm, parameters_of, random_images

from flatness.directions import random_direction
from flatness.evaluation import evaluate
from flatness.execution import choose_execution
from flatness.grids import axis, grid_points
from flatness.networks import build_network
from flatness.sampling import (
    LossSampler,
    Sampling,
    loss_at_points,
    precision_difference,
    sample_loss,
    shuffled,
)
from flatness.statistics import recompute_batch_norm


def test_every_point_is_that_of_a_network_moved_there_by_hand(network, data):
    directions = [random_direction(parameters_of(network), seed) for seed in (1, 2)]
    sampler = LossSampler(network, {"train": data}, FLOAT32)
    points = grid_points(axis(1, 3), axis(1, 3))
    measured = loss_at_points(sampler, directions, points)[:, 0, 0]
    for (alpha, beta), loss in zip(points, measured, strict=True):
        moved = disturb_batch_norm(build_network("resnet8", 0)).eval()
        with torch.no_grad():
            for name, parameter in moved.named_parameters():
                if name in directions[0]:
                    parameter += alpha * directions[0][name] + beta * directions[1][name]
        assert loss == pytest.approx(evaluate(moved, data).loss, rel=1e-4)


def test_recomputed_statistics_are_those_of_the_displaced_network(network, data):
    direction = random_direction(parameters_of(network), 1)
    calibration = random_images(40, 5)
    sampler = LossSampler(network, {"train": data}, FLOAT32, Sampling(40), calibration)
    measured = sampler.at([direction], [0.5])["train"].loss
    with torch.no_grad():
        for name, step in direction.items():
            network.get_parameter(name).add_(step, alpha=0.5)
    recompute_batch_norm(network, calibration, 40)
    assert measured == pytest.approx(evaluate(network.eval(), data).loss, rel=1e-4)
    running = LossSampler(network, {"train": data}, FLOAT32).at([direction], [0.5])["train"].loss
    assert abs(running - measured) > 1e-3


def test_the_fast_path_agrees_with_float32(network, data):
    directions = [random_direction(parameters_of(network), seed) for seed in (1, 2)]
    points = grid_points(axis(1, 3), axis(1, 3))
    folded = precision_difference(network, data, directions, points, FLOAT32)
    fast = precision_difference(network, data, directions, points, choose_execution("cpu", "bfloat16"))
    assert folded < 1e-5 < fast < 0.02


@pytest.mark.parametrize("relative_error", [0.3, 0.1, 0.03])
def test_adaptive_sampling_stops_at_the_declared_error(network, relative_error):
    data = random_images(2000)
    tally = sample_loss(network.eval(), data, Sampling(50, relative_error))
    assert tally.standard_error <= relative_error * tally.loss
    if tally.samples > 50:
        shorter = sample_loss(network, data.take(torch.arange(tally.samples - 50)), Sampling(50))
        error = np.sqrt((shorter.squared_sum / shorter.samples - shorter.loss**2) / shorter.samples)
        assert error > 0.9 * relative_error * shorter.loss


def test_adaptive_sampling_ends_with_the_data_and_at_once_where_the_loss_is_not_finite(network):
    data = random_images(120)
    assert sample_loss(network.eval(), data, Sampling(50, 1e-9)).samples == 120
    assert (
        sample_loss(TwoLogits(float("nan"), 0), random_images(120, classes=1), Sampling(50, 0.1)).samples
        == 50
    )


def test_all_points_share_one_random_order():
    data = random_images(30)
    assert torch.equal(shuffled(data, 1).images, shuffled(data, 1).images)
    assert not torch.equal(shuffled(data, 1).images, shuffled(data, 2).images)
    assert torch.equal(shuffled(data, 1).labels.sort().values, data.labels.sort().values)


def test_a_stopped_grid_goes_on_and_ends_the_same(network, data):
    directions = [random_direction(parameters_of(network), seed) for seed in (1, 2)]
    sampler = LossSampler(network, {"train": data}, FLOAT32)
    points, log = grid_points(axis(1, 3), axis(1, 3)), {}

    def stop_after_four(index, rows):
        log[index] = rows
        if len(log) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loss_at_points(sampler, directions, points, log, stop_after_four)
    fresh = []
    resumed = loss_at_points(sampler, directions, points, log, lambda index, rows: fresh.append(index))
    assert fresh == [4, 5, 6, 7, 8]
    np.testing.assert_array_equal(resumed, loss_at_points(sampler, directions, points))


def test_a_limited_sample_is_an_estimate_for_the_whole_set(data):
    network = build_network("resnet8", 0).eval()
    limited = sample_loss(network, data, Sampling(batch_size=20, most_samples=50))
    assert limited.samples == 50 and limited.population == 64
    assert limited.loss == pytest.approx(evaluate(network, data.take(torch.arange(50))).loss, rel=1e-6)
    assert limited.standard_error > 0


def test_where_the_loss_is_no_number_the_accuracy_is_none():
    sampler = LossSampler(TwoLogits(0.5, 0.0), {"train": random_images(20, classes=1)}, FLOAT32)
    direction = {"weight": torch.tensor([[1.0, float("nan")]])}
    rows = loss_at_points(sampler, [direction], np.array([[0.0], [1.0]]))[:, 0]
    assert rows[0, 1] == 1.0 and np.isnan(rows[1, :3]).all()


@pytest.mark.parametrize("most_samples", [0, -5])
def test_a_sample_of_nothing_is_refused(most_samples):
    with pytest.raises(ValueError, match=f"expected most_samples of at least 1, found {most_samples}"):
        Sampling(most_samples=most_samples)


@pytest.mark.parametrize("fold", [True, False])
def test_losses_are_those_of_evaluation_mode_though_the_network_trains_between(network, data, fold):
    sampler = LossSampler(network.eval(), {"train": data}, FLOAT32, fold=fold)
    before = sampler.at([], [])["train"].loss
    network.train()
    assert sampler.at([], [])["train"].loss == before
    assert all(module.training for module in network.modules())


@pytest.mark.parametrize("fold", [True, False])
def test_in_a_callers_autocast_every_point_has_statistics_of_its_own_weights(network, data, fold):
    execution = choose_execution("cpu", "bfloat16")
    direction = random_direction(parameters_of(network), 1)
    sampler = LossSampler(network, {"train": data}, execution, calibration=data, fold=fold)
    expected = [sampler.at([direction], [alpha])["train"].loss for alpha in (0.0, 1.0)]
    with torch.autocast("cpu", torch.bfloat16):
        found = [sampler.at([direction], [alpha])["train"].loss for alpha in (0.0, 1.0)]
    assert found == expected


def test_an_unfolded_network_that_keeps_a_tensor_can_be_trained_afterwards():
    class Keeping(TwoLogits):
        factor = None

        def forward(self, images):
            if self.factor is None:
                self.factor = torch.ones(len(images), 1)
            return super().forward(images) * self.factor

    network = Keeping(0.5, -0.25)
    data = random_images(20, classes=1)
    LossSampler(network, {"train": data}, FLOAT32, fold=False).at([], [])
    network(data.batch(slice(None))[0]).sum().backward()
    assert network.weight.grad is not None
