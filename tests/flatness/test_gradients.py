"""Closed forms on quadratic losses and made-up gradients, finite differences, restoration."""

from itertools import pairwise
from math import nan, sqrt

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from toys import TwoLogits, assert_same_state, disturb_batch_norm, random_images, state_copy

import flatness.gradients
from flatness.gradients import (
    LIFT,
    Slope,
    StepMeasures,
    along_step,
    autocorrelation,
    batch_statistics,
    input_gradients,
    layer_norms,
    line_between,
    loss_slope,
    shattering,
)
from flatness.networks import build_network

DATA = random_images(12, classes=1)
HESSIAN = torch.tensor([[3.0, 1.0], [1.0, 2.0]], dtype=torch.float64)


class Quadratic(nn.Module):
    """Logits whose cross-entropy is w^T H w / 2, up to a constant, for every image: its gradient is H w."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[0.4, -0.7]], dtype=torch.float64))

    def forward(self, images: Tensor) -> Tensor:
        energy = self.weight[0] @ HESSIAN @ self.weight[0] / 2
        first = -torch.log(torch.expm1(energy + 1))  # log(1 + exp(-first)) = energy + 1
        return torch.stack([first, torch.zeros_like(first)]).expand(len(images), 2)


def test_along_a_step_of_a_quadratic_the_gradient_changes_by_h_times_the_step():
    network = Quadratic()
    slope = loss_slope(network, DATA)
    gradient = slope.gradient["weight"][0]
    torch.testing.assert_close(gradient, HESSIAN @ network.weight[0].detach())
    steps = [0.01, 0.1, 1.0]
    found = along_step(network, DATA, slope, steps)
    size, bent = gradient.norm(), (HESSIAN @ gradient).norm()
    assert found.gradient_change == pytest.approx([float(eta * bent / size) for eta in steps])
    curvature = gradient @ HESSIAN @ gradient
    assert found.loss_change == pytest.approx(
        [float(-eta * size**2 + eta**2 * curvature / 2) for eta in steps]
    )
    assert found.smoothness == pytest.approx(float(bent / size))
    assert found.smoothness <= torch.linalg.eigvalsh(HESSIAN)[-1]


def test_smoothness_is_the_largest_ratio_and_unknown_where_a_change_is():
    assert StepMeasures([0.1, 0.5], [0, 0], [0.3, 1.0]).smoothness == pytest.approx(3)
    assert np.isnan(StepMeasures([0.1, 0.5], [0, nan], [0.3, nan]).smoothness)


@pytest.mark.parametrize("network", ["resnet8", "plain8-tanh-nonorm"])
def test_gradients_are_those_of_finite_differences_in_float64(network):
    network = disturb_batch_norm(build_network(network, 0)).double()
    data = random_images(10)
    slope = loss_slope(network, data)
    parameters, width = dict(network.named_parameters()), 1e-5
    for name in ("conv.weight", "stages.1.0.conv2.weight", "head.weight", "head.bias"):
        flat, index = parameters[name].data.view(-1), 3
        ends = []
        for sign in (1, -1):
            flat[index] += sign * width
            ends.append(loss_slope(network, data).loss)
            flat[index] -= sign * width
        expected = (ends[0] - ends[1]) / (2 * width)
        assert float(slope.gradient[name].reshape(-1)[index]) == pytest.approx(expected, rel=1e-4, abs=1e-8)


def test_norms_are_those_of_autograd_on_one_batch_in_training_mode():
    network, data = build_network("resnet8", 0), random_images(20)
    slope = loss_slope(network, data)
    norms = layer_norms(network, data, slope)
    images, labels = data.batch(slice(None))
    loss = functional.cross_entropy(network.train()(images), labels)
    gradients = dict(
        zip(
            dict(network.named_parameters()),
            torch.autograd.grad(loss, list(network.parameters())),
            strict=True,
        )
    )
    weights = [name for name, parameter in network.named_parameters() if parameter.ndim > 1]
    assert list(norms) == weights
    assert norms == pytest.approx({name: float(gradients[name].norm()) for name in weights}, rel=1e-4)
    assert slope.loss == pytest.approx(float(loss.detach()), rel=1e-5)
    assert slope.norm == pytest.approx(sqrt(sum(float(g.norm()) ** 2 for g in gradients.values())), rel=1e-4)


def test_a_set_is_split_into_even_batches():
    sizes = []

    class Watched(TwoLogits):
        def forward(self, images):
            sizes.append(len(images))
            return super().forward(images)

    whole, split = (loss_slope(Watched(0.5, -0.25), DATA, size) for size in (12, 5))
    assert sizes == [12, 4, 4, 4]
    assert split.loss == pytest.approx(whole.loss) and split.norm == pytest.approx(whole.norm)


def test_a_vanishing_gradient_is_measured_below_what_float32_holds(monkeypatch):
    network, data = build_network("plain110-sigmoid-nonorm", 0), random_images(4)
    assert float(loss_slope(network, data).gradient["conv.weight"].abs().max()) == 0
    found = layer_norms(network, data, loss_slope(network, data))
    network = network.double()
    exact = layer_norms(network, data, loss_slope(network, data))
    assert 0 < exact["conv.weight"] < 1e-50
    assert found == pytest.approx(exact, rel=0.2, abs=0)  # rounding of the forward pass is drawn out by depth
    monkeypatch.setattr(flatness.gradients, "SMALL", 0.0)
    unlifted = layer_norms(network, data, loss_slope(network, data))
    assert unlifted == pytest.approx(exact, rel=1e-9, abs=0)


def test_lifting_does_not_change_a_correlation(monkeypatch):
    network, images = build_network("resnet8", 0), torch.randn(8, 3, 8, 8)
    readout = torch.randn(10)
    plain = shattering(network, images, readout)
    assert shattering(network, images, readout * 1e-30) == pytest.approx(plain, rel=1e-4)
    one = input_gradients(network, images, readout * 1e-30, lift=LIFT)
    assert float(one.abs().max()) > 1e-3


def test_input_gradients_are_those_of_each_image_alone():
    network = disturb_batch_norm(build_network("plain8", 0))
    inputs, readout = torch.randn(5, 3, 8, 8), torch.randn(10)
    found = input_gradients(network, inputs, readout, batch_size=2)
    for image, gradient in zip(inputs, found, strict=True):
        single = image[None].clone().requires_grad_()
        (expected,) = torch.autograd.grad(network.eval()(single)[0] @ readout, single)
        torch.testing.assert_close(gradient, expected.flatten(), rtol=1e-4, atol=1e-6)


def test_a_linear_network_has_one_gradient_everywhere():
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 10))
    line = line_between(torch.zeros(3, 8, 8), torch.ones(3, 8, 8), 9)
    assert line[:, 0, 0, 0].tolist() == pytest.approx([k / 8 for k in range(9)])
    assert shattering(network, line, torch.randn(10)) == pytest.approx([1.0] * 5)


def test_correlation_of_noise_and_of_known_signals():
    generator = torch.Generator().manual_seed(0)
    noise = autocorrelation(torch.randn(64, 500, generator=generator))
    assert noise[0] == 1 and np.abs(noise[1:]).max() < 5 / sqrt(32 * 500)
    signs = torch.tensor([1.0, -1.0]).repeat(8)[:, None] * torch.ones(3)
    assert autocorrelation(signs) == pytest.approx([(-1) ** lag for lag in range(9)])
    angles = torch.arange(40) * 0.1
    turning = torch.stack([angles.cos(), angles.sin()], 1)
    assert autocorrelation(turning) == pytest.approx([np.cos(0.1 * lag) for lag in range(21)], abs=1e-6)


def test_brown_noise_keeps_its_correlation_where_white_noise_loses_it():
    """Balduzzi et al. 2017, figure 1: gradients of deep plain networks resemble white noise, shallow ones brown."""
    steps = torch.randn(64, 500, generator=torch.Generator().manual_seed(0))
    brown = autocorrelation(steps.cumsum(0))
    assert brown[1] > 0.98 and all(after < before for before, after in pairwise(brown))


@pytest.mark.parametrize("gradients", [torch.zeros(4, 3), torch.full((4, 3), nan)])
def test_a_correlation_of_nothing_is_refused(gradients):
    with pytest.raises(ValueError, match="not finite, or all zero"):
        autocorrelation(gradients)


def test_slopes_without_a_step_are_refused():
    network = Quadratic()
    for gradient in (0.0, nan):
        slope = Slope(1.0, {"weight": torch.full((1, 2), gradient)})
        with pytest.raises(ValueError, match="finite gradient that is not zero"):
            along_step(network, DATA, slope, [0.1])
    with pytest.raises(ValueError, match="not finite"):
        layer_norms(network, DATA, Slope(nan, {"weight": torch.ones(1, 2)}))


def test_a_step_into_the_infinite_is_not_a_number():
    network = build_network("plain8-nonorm", 0)
    data = random_images(4)
    found = along_step(network, data, loss_slope(network, data), [0.01, 1e30])
    assert np.isfinite(found.gradient_change[0])
    assert (
        np.isnan(found.gradient_change[1]) and np.isnan(found.loss_change[1]) and np.isnan(found.smoothness)
    )


def test_every_measure_leaves_the_network_as_it_was():
    network, data = disturb_batch_norm(build_network("resnet8", 0)).train(), random_images(16)
    before = state_copy(network)
    along_step(network, data, loss_slope(network, data), [0.1])
    assert_same_state(network, before)
    assert all(module.training for module in network.modules())
    with pytest.raises(KeyboardInterrupt), batch_statistics(network):
        raise KeyboardInterrupt
    assert all(module.training for module in network.modules()) and network.norm.track_running_stats


def test_input_gradients_are_those_of_evaluation_mode_and_leave_the_mode():
    network = disturb_batch_norm(build_network("resnet8", 0)).eval()
    images, readout = torch.randn(5, 3, 8, 8), torch.randn(10)
    expected = input_gradients(network, images, readout)
    assert torch.equal(input_gradients(network.train(), images, readout), expected)
    assert all(module.training for module in network.modules())
