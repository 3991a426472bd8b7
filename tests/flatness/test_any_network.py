"""Every instrument on a network with what a module may have and a convolutional network seldom has."""

import numpy as np
import pytest
import torch
from torch import nn
from toys import disturb_batch_norm, random_images

from flatness.curvature import extreme_eigenvalues
from flatness.directions import displaced, random_direction
from flatness.execution import Execution
from flatness.gradients import along_step, layer_norms, loss_slope
from flatness.hessian import HessianProduct
from flatness.neighbourhood import Neighbourhood
from flatness.robustness import AccuracyMeter
from flatness.sampling import LossSampler
from flatness.sharpness import worst_case_rise
from flatness.surface import loss_on_grid

FLOAT32 = Execution(torch.device("cpu"), torch.float32)
DATA = random_images(12)


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 10)

    def forward(self, images):
        return self.head(torch.tanh(self.norm(self.conv(images))).mean((2, 3)))


class Peculiar(Plain):
    """The same function, with parameters that are unused and frozen, state of its own, and buffers that the forward
    changes in place and by another tensor, one of which `state_dict` leaves out."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.ones(2, 2))
        self.frozen = nn.Parameter(torch.ones(2, 2), requires_grad=False)
        self.register_buffer("calls", torch.zeros(()), persistent=False)
        self.register_buffer("doubled", torch.ones(()))

    def get_extra_state(self):
        return {"text": "not a tensor"}

    def set_extra_state(self, state):
        pass

    def forward(self, images):
        self.calls.add_(1)
        self.doubled = 2 * self.doubled
        return super().forward(images) * self.frozen.mean()


def made(kind, dtype):
    torch.manual_seed(0)
    return disturb_batch_norm(kind()).to(dtype).eval()


def surface(network, calibration=None):
    weight = network.conv.weight.double()  # the same draws for both types
    drawn = [random_direction({"conv.weight": weight}, seed)["conv.weight"] for seed in (1, 2)]
    directions = [{"conv.weight": step.to(network.conv.weight.dtype)} for step in drawn]
    sampler = LossSampler(network, {"train": DATA}, FLOAT32, calibration=calibration)
    return loss_on_grid(sampler, directions, points=3).loss.values


def recomputed_surface(network):
    return surface(network, calibration=DATA)


def curvature(network):
    ends = extreme_eigenvalues(HessianProduct(network, DATA), tolerance=1e-4)
    return [ends.largest_algebraic.value, ends.smallest_algebraic.value]


def sharpness(network):
    return worst_case_rise(Neighbourhood(network, DATA), 0.1)


def gradients(network):
    slope = loss_slope(network, DATA)
    norms = layer_norms(network, DATA, slope)
    return [slope.loss, norms["conv.weight"], *along_step(network, DATA, slope, [0.1]).gradient_change]


def robustness(network):
    return AccuracyMeter(network, DATA, FLOAT32).on_disturbed("contrast", 0.5)


INSTRUMENTS = [surface, recomputed_surface, curvature, sharpness, gradients, robustness]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_what_does_not_change_the_function_does_not_change_the_measure(instrument, dtype):
    network = made(Peculiar, dtype)
    expected = torch.as_tensor(instrument(made(Plain, torch.float64)), dtype=torch.float64)
    found = torch.as_tensor(instrument(network), dtype=torch.float64)
    assert bool(expected.isfinite().all()) and bool((expected != 0).any())
    precision = {torch.float32: 1e-3, torch.float64: 1e-9}[dtype]
    torch.testing.assert_close(found, expected, rtol=precision, atol=precision)
    assert network.calls == 0 and network.doubled == 1


def test_all_buffers_are_restored():
    network = made(Peculiar, torch.float32)
    buffer = network.doubled
    with displaced(network, [{"conv.weight": torch.ones(4, 3, 3, 3)}], [0.5]), torch.inference_mode():
        network(DATA.batch(slice(None))[0])
        assert network.calls == 1 and network.doubled == 2
    assert network.calls == 0 and network.doubled == 1 and network.doubled is buffer


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_a_callers_autocast_changes_no_measure(instrument):
    network = made(Plain, torch.float32)
    expected = instrument(network)
    with torch.autocast("cpu", torch.bfloat16):
        found = instrument(network)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_a_network_may_be_in_any_mode_and_stays_in_it(instrument):
    network = made(Plain, torch.float32)
    expected = instrument(network)
    network.train()
    network.norm.eval()
    modes = [module.training for module in network.modules()]
    assert np.array_equal(instrument(network), expected)
    assert [module.training for module in network.modules()] == modes
