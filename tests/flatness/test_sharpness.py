"""Closed forms for a loss log(1 + exp(-w_1 - w_2)), invariance under rescaling, restoration."""

from math import exp, hypot, inf, log1p, sqrt

import pytest
import torch
from toys import TwoLogits, assert_same_state, disturb_batch_norm, random_images, state_copy

from flatness.networks import build_network
from flatness.sharpness import (
    GEOMETRIES,
    Ascent,
    average_rises,
    box_rise,
    flat_radius,
    loss_and_gradient,
    mean_loss,
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


def test_loss_and_gradient_of_the_mean(network):
    loss, gradient = loss_and_gradient(network, DATA, batch_size=5)
    assert loss == pytest.approx(known_loss(FIRST + SECOND)) == mean_loss(network, DATA, batch_size=7)
    slope = -1 / (1 + exp(FIRST + SECOND))
    torch.testing.assert_close(gradient["weight"], torch.full((1, 2), slope, dtype=torch.float64))


@pytest.mark.parametrize(
    "geometry, reach",
    [("l2", sqrt(2)), ("elementwise", hypot(FIRST, SECOND)), ("filter", hypot(FIRST, SECOND) * sqrt(2))],
)
def test_worst_case_is_the_farthest_point_of_the_ball(network, geometry, reach):
    radius = 0.3
    found = worst_case_rise(network, DATA, radius, geometry, Ascent(steps=20, restarts=2))
    assert found == pytest.approx(
        known_loss(FIRST + SECOND - radius * reach) - known_loss(FIRST + SECOND), rel=1e-3
    )


def test_box_sharpness_is_that_of_the_worst_corner(network):
    epsilon = 0.05
    centre = FIRST + SECOND
    rise = known_loss(centre - epsilon * (abs(FIRST) + abs(SECOND) + 2)) - known_loss(centre)
    found = box_rise(network, DATA, epsilon, Ascent(steps=4, restarts=1))
    assert found == pytest.approx(100 * rise / (1 + known_loss(centre)), rel=1e-6)


def test_average_rises_are_those_of_the_directions(network):
    rises = average_rises(network, DATA, 0.5, [1, 2, 3])
    assert len(set(rises)) == 3
    bound = 0.5 * hypot(FIRST, SECOND) * sqrt(2)
    assert all(abs(rise) <= known_loss(FIRST + SECOND - bound) - known_loss(FIRST + SECOND) for rise in rises)


def test_flat_radius_is_where_the_loss_has_risen(network):
    radii = {seed: flat_radius(network, DATA, 0.1, seed, extent=2.0, bisections=12) for seed in range(6)}
    assert any(radius < inf for radius in radii.values()) and inf in radii.values()  # uphill and downhill
    for seed, radius in radii.items():
        if radius < inf:
            assert average_rises(network, DATA, radius, [seed])[0] == pytest.approx(0.1, abs=1e-4)


@pytest.fixture
def normalised():
    return disturb_batch_norm(build_network("resnet8", 0)).double().eval()


def test_rescaling_leaves_the_function_as_it_is(normalised):
    images = torch.randn(4, 3, 8, 8, dtype=torch.float64)
    for factor in (0.5, 10.0):
        other = rescaled(normalised, factor)
        torch.testing.assert_close(other(images), normalised(images))
        assert float(other.conv.weight.detach().norm()) == pytest.approx(factor * float(normalised.conv.weight.detach().norm()))
    with pytest.raises(ValueError, match="found none"):
        rescaled(build_network("resnet8-nonorm", 0), 2.0)
    with pytest.raises(ValueError, match="too small"):
        rescaled(normalised, 1e-6)


@pytest.mark.parametrize("geometry, invariant", [("l2", False), ("elementwise", True), ("filter", True)])
def test_adaptive_measures_do_not_move_with_it(normalised, geometry, invariant):
    data, ascent = random_images(16), Ascent(steps=3, restarts=1)
    before, after = (
        worst_case_rise(network, data, 0.05, geometry, ascent)
        for network in (normalised, rescaled(normalised, 5.0))
    )
    assert before > 0
    assert (after == pytest.approx(before, rel=1e-6)) == invariant


def test_every_measure_restores_the_network(normalised):
    data, before = random_images(8), state_copy(normalised)
    for geometry in GEOMETRIES:
        worst_case_rise(normalised, data, 0.1, geometry, Ascent(steps=2, restarts=2))
    box_rise(normalised, data, 1e-3, Ascent(steps=2, restarts=2))
    average_rises(normalised, data, 0.1, [0])
    flat_radius(normalised, data, 0.1, 0, points=3, bisections=1)
    assert_same_state(normalised, before)


def test_an_unknown_geometry_is_refused(network):
    with pytest.raises(ValueError, match="l2, elementwise, filter"):
        worst_case_rise(network, DATA, 0.1, "linf")
