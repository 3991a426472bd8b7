"""Closed forms for a loss log(1 + exp(-w_1 - w_2)), invariance under rescaling, restoration."""

from math import exp, hypot, inf, isnan, log1p, nan, sqrt

import pytest
import torch
from torch import nn
from toys import TwoLogits, assert_same_state, disturb_batch_norm, random_images, state_copy

from flatness.neighbourhood import Neighbourhood, loss_and_gradient, mean_loss
from flatness.networks import build_network
from flatness.sharpness import (
    GEOMETRIES,
    Ascent,
    average_rises,
    box_rise,
    flat_radius,
    rescaled,
    worst_case_rise,
)

DATA = random_images(12, classes=1)
FIRST, SECOND = 0.5, -0.25


def known_loss(z: float) -> float:
    return log1p(exp(-z))


@pytest.fixture
def network():
    return TwoLogits(FIRST, SECOND).double()


@pytest.fixture
def near(network):
    return Neighbourhood(network, DATA)


def test_loss_and_gradient_of_the_mean(network):
    loss, gradient = loss_and_gradient(network, DATA, batch_size=5)
    assert loss == pytest.approx(known_loss(FIRST + SECOND)) == mean_loss(network, DATA, batch_size=7)
    slope = -1 / (1 + exp(FIRST + SECOND))
    torch.testing.assert_close(gradient["weight"], torch.full((1, 2), slope, dtype=torch.float64))


@pytest.mark.parametrize(
    "geometry, reach",
    [("l2", sqrt(2)), ("elementwise", hypot(FIRST, SECOND)), ("filter", hypot(FIRST, SECOND) * sqrt(2))],
)
def test_worst_case_is_the_farthest_point_of_the_ball(near, geometry, reach):
    radius = 0.3
    found = worst_case_rise(near, radius, geometry, Ascent(steps=20, restarts=2))
    assert found == pytest.approx(
        known_loss(FIRST + SECOND - radius * reach) - known_loss(FIRST + SECOND), rel=1e-3
    )


def test_box_sharpness_is_that_of_the_worst_corner(near):
    epsilon = 0.05
    centre = FIRST + SECOND
    rise = known_loss(centre - epsilon * (abs(FIRST) + abs(SECOND) + 2)) - known_loss(centre)
    found = box_rise(near, epsilon, Ascent(steps=4, restarts=1))
    assert found == pytest.approx(100 * rise / (1 + known_loss(centre)), rel=1e-6)


def test_average_rises_are_those_of_the_directions(near):
    rises = average_rises(near, 0.5, [1, 2, 3])
    assert len(set(rises)) == 3
    bound = 0.5 * hypot(FIRST, SECOND) * sqrt(2)
    assert all(abs(rise) <= known_loss(FIRST + SECOND - bound) - known_loss(FIRST + SECOND) for rise in rises)


def test_flat_radius_is_where_the_loss_has_risen(near):
    radii = {seed: flat_radius(near, 0.1, seed, extent=2.0) for seed in range(6)}
    assert any(radius < inf for radius in radii.values()) and inf in radii.values()  # uphill and downhill
    for seed, radius in radii.items():
        if radius < inf:
            assert average_rises(near, radius, [seed])[0] == pytest.approx(0.1, abs=1e-5)


@pytest.fixture
def normalised():
    return disturb_batch_norm(build_network("resnet8", 0)).double().eval()


def test_rescaling_leaves_the_function_as_it_is(normalised):
    images = torch.randn(4, 3, 8, 8, dtype=torch.float64)
    for factor in (0.5, 10.0):
        other = rescaled(normalised, factor)
        torch.testing.assert_close(other(images), normalised(images))
        assert float(other.conv.weight.detach().norm()) == pytest.approx(
            factor * float(normalised.conv.weight.detach().norm())
        )
    with pytest.raises(ValueError, match="found none"):
        rescaled(build_network("resnet8-nonorm", 0), 2.0)
    with pytest.raises(ValueError, match="too small"):
        rescaled(normalised, 1e-6)


@pytest.mark.parametrize("factor", [0.0, -1.0, nan, inf])
def test_a_factor_that_changes_the_function_is_refused(normalised, factor):
    with pytest.raises(ValueError, match="expected a positive finite factor, found"):
        rescaled(normalised, factor)


class SkippedInTraining(nn.Module):
    """In training mode alone the norm follows the convolution at once: there is nothing to rescale."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, images):
        y = self.conv(images)
        return self.norm(y if self.training else y.square()).mean((2, 3))


def test_what_is_rescaled_is_that_of_evaluation_mode(normalised):
    with pytest.raises(ValueError, match="found none"):
        rescaled(SkippedInTraining().train(), 2.0)
    assert rescaled(normalised.train(), 2.0).training


@pytest.mark.parametrize("geometry, invariant", [("l2", False), ("elementwise", True), ("filter", True)])
def test_adaptive_measures_do_not_move_with_it(normalised, geometry, invariant):
    data, ascent = random_images(16), Ascent(steps=3, restarts=1)
    before, after = (
        worst_case_rise(Neighbourhood(network, data), 0.05, geometry, ascent)
        for network in (normalised, rescaled(normalised, 5.0))
    )
    assert before > 0
    assert (after == pytest.approx(before, rel=1e-6)) == invariant


def measure_all(near):
    for geometry in GEOMETRIES:
        worst_case_rise(near, 0.1, geometry, Ascent(steps=2, restarts=2))
    box_rise(near, 1e-3, Ascent(steps=2, restarts=2))
    average_rises(near, 0.1, [0])
    flat_radius(near, 0.1, 0, points=3, bisections=1)


def test_every_measure_restores_the_network(normalised):
    before = state_copy(normalised)
    measure_all(Neighbourhood(normalised, random_images(8)))
    assert_same_state(normalised, before)


def test_measures_share_the_centre_and_tell_of_every_pass(network):
    passes = []
    near = Neighbourhood(network, DATA, on_pass=lambda: passes.append(1))
    for geometry in GEOMETRIES:
        worst_case_rise(near, 0.1, geometry, Ascent(steps=4, restarts=2))
    # centre: loss and gradient; each geometry: 3 gradients and a loss, then from the random start 4 and a loss
    assert len(passes) == 2 + 3 * (4 + 5)
    average_rises(near, 0.1, [0, 1])
    assert len(passes) == 2 + 3 * 9 + 2


def test_more_restarts_only_raise_the_worst_case(normalised):
    near = Neighbourhood(normalised, random_images(8))
    rises = [worst_case_rise(near, 0.3, "filter", Ascent(steps=2, restarts=count)) for count in (1, 2, 4)]
    assert 0 < rises[0] <= rises[1] <= rises[2]


def test_no_value_depends_on_the_batch_size(normalised):
    data = random_images(11)
    values = [
        (near.base, worst_case_rise(near, 0.05, "filter", Ascent(2, 1)), flat_radius(near, 0.1, 0))
        for near in (Neighbourhood(normalised, data, batch_size) for batch_size in (0, 4))
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-9)


def test_a_loss_that_is_not_a_number_is_no_rise(network):
    network.weight.data.fill_(nan)
    near = Neighbourhood(network, DATA)
    assert all(isnan(worst_case_rise(near, 0.1, geometry)) for geometry in GEOMETRIES)
    assert isnan(box_rise(near, 0.1)) and isnan(average_rises(near, 0.1, [0])[0])
    assert isnan(flat_radius(near, 0.1, 0))


class Cliff(nn.Module):
    """Logits (-w^2, 0), not a number beyond |w| = 1.5: the loss of label 0 is log(1 + exp(w^2))."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[0.5]], dtype=torch.float64))

    def forward(self, images):
        z = torch.where(self.weight.abs() > 1.5, nan, -(self.weight**2)).sum().expand(len(images))
        return torch.stack([z, torch.zeros_like(z)], dim=1)


def test_losses_that_end_in_no_number_are_seen_on_the_way():
    near = Neighbourhood(Cliff(), DATA)
    assert isnan(worst_case_rise(near, 8.0, "l2", Ascent(steps=2, restarts=1)))
    # uphill (alpha 1 is 0.5 away): the loss never rises by 5 nats before the cliff at alpha 2
    assert min(flat_radius(near, 5.0, seed, extent=4.0) for seed in range(4)) == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize("steps, restarts", [(0, 1), (1, 0), (-1, 3)])
def test_an_ascent_takes_a_step_from_a_start(steps, restarts):
    with pytest.raises(
        ValueError, match=f"expected steps and restarts of at least 1, found {steps} and {restarts}"
    ):
        Ascent(steps, restarts)


def test_random_starts_are_on_the_sphere_and_in_the_box(near):
    starts = []

    def noted(direction):
        starts.append(direction["weight"].flatten())
        return 0.0, {"weight": torch.zeros(1, 2, dtype=torch.float64)}

    near.loss_and_gradient = noted
    worst_case_rise(near, 0.3, "l2", Ascent(steps=1, restarts=4))
    assert [float(start.norm()) for start in starts] == pytest.approx([0.3] * 3)
    starts.clear()
    box_rise(near, 0.1, Ascent(steps=1, restarts=8))
    edges = 0.1 * (near.parameters["weight"].detach().abs().flatten() + 1)
    shares = torch.stack(starts) / edges
    assert float(shares.abs().max()) == pytest.approx(1) and float(shares.abs().min()) < 0.9


def test_an_unknown_geometry_is_refused(near):
    with pytest.raises(ValueError, match="l2, elementwise, filter"):
        worst_case_rise(near, 0.1, "linf")
