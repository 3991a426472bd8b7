import numpy as np
import pytest

from flatness.roughness import (
    edge_rise,
    excess_variation,
    halfway_distance,
    nonconvex_share,
    profile_measures,
    surface_measures,
)

ALPHAS = np.linspace(-1, 1, 41)
BOWL = 0.5 + 4 * ALPHAS**2
ZERO = np.zeros_like(ALPHAS)


def test_edge_rise_of_a_bowl():
    assert edge_rise(BOWL) == pytest.approx(4)


@pytest.mark.parametrize("chance", [1.5, 2.5])
def test_halfway_distance_of_a_bowl(chance):
    expected = np.sqrt((chance - 0.5) / 2 / 4)
    assert halfway_distance(BOWL, ALPHAS, chance) == pytest.approx(expected, abs=0.003)


def test_halfway_distance_is_absent_where_the_slice_never_gets_there():
    assert np.isnan(halfway_distance(BOWL, ALPHAS, 100))
    assert np.isnan(halfway_distance(BOWL, ALPHAS, 0.4))
    assert np.isnan(halfway_distance(np.where(ALPHAS < 0, BOWL, 0.5), ALPHAS, 2.5))


@pytest.mark.parametrize("profile", [BOWL, np.abs(ALPHAS), ALPHAS + 2, np.tanh(5 * (ALPHAS - 0.3) ** 2)])
def test_a_profile_with_one_minimum_has_no_excess_variation(profile):
    assert excess_variation(profile) == pytest.approx(1)


def test_each_bump_adds_twice_its_height():
    bumpy = np.array([4.0, 2.0, 3.0, 0.0, 4.0])
    assert excess_variation(bumpy) == pytest.approx((8 + 2) / 8)
    assert np.isnan(excess_variation(np.ones(5)))


def test_nonconvex_share_counts_only_what_the_error_resolves():
    assert nonconvex_share(BOWL, ZERO) == 0
    assert nonconvex_share(-BOWL, ZERO) == 1
    assert nonconvex_share(-BOWL, ZERO + 1) == 0
    share = nonconvex_share(np.cos(np.pi * ALPHAS), ZERO)
    assert share == pytest.approx(0.5, abs=0.05)


def test_what_is_not_finite_is_not_measured():
    broken = BOWL.copy()
    broken[3] = np.nan
    measures = profile_measures(broken, ZERO, ALPHAS, 2.5)
    assert np.isnan(measures["excess_variation"]) and np.isnan(measures["nonconvex_share"])
    assert measures["centre_loss"] == 0.5


def test_surface_measures_of_a_paraboloid():
    surface = 0.5 + 4 * (ALPHAS[:, None] ** 2 + ALPHAS[None, :] ** 2)
    measures = surface_measures(surface, np.zeros_like(surface), ALPHAS, 2.5)
    assert measures["centre_loss"] == 0.5
    rim = np.concatenate([4 + 4 * ALPHAS**2, 4 + 4 * ALPHAS**2, 4 + 4 * ALPHAS[1:-1] ** 2, 4 + 4 * ALPHAS[1:-1] ** 2])
    assert measures["edge_rise"] == pytest.approx(rim.mean())
    assert measures["halfway_distance"] == pytest.approx(0.5, abs=0.003)
    assert measures["excess_variation"] == pytest.approx(1) and measures["nonconvex_share"] == 0
