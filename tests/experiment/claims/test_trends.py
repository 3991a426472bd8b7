"""Trends within strata: against SciPy, and by what they must not see."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from experiment.claims.samples import Point
from experiment.claims.trends import bootstrap_trend, kendall, mean_trend, trend_permutation


def points(values: dict[str, list[float]], seed: int = 0) -> list[Point]:
    """One point for each dose 0, 1, 2 ... of each stratum."""
    return [Point("run", seed, x, y, stratum) for stratum, ys in values.items() for x, y in enumerate(ys)]


@pytest.mark.parametrize("draw", range(5))
def test_kendalls_coefficient_is_scipys_ties_included(draw):
    x, y = np.random.default_rng(draw).integers(0, 4, (2, 9))
    assert kendall(x, y) == pytest.approx(kendalltau(x, y).statistic)


@pytest.mark.parametrize(("x", "y"), [([0, 1], [0, 1]), ([0, 1, 2], [3, 3, 3]), ([1, 1, 1], [0, 1, 2])])
def test_few_points_and_constants_have_no_coefficient(x, y):
    assert np.isnan(kendall(x, y))


def test_the_mean_is_of_strata_whatever_their_levels_and_their_sizes():
    assert mean_trend(points({"a": [0, 1, 2], "b": [9, 8, 7, 6, 5]})) == 0
    assert mean_trend(points({"a": [2, 1, 0], "b": [102, 101, 100]})) == -1
    assert mean_trend(points({"a": [2, 1, 0], "constant": [5, 5, 5]})) == -1
    assert np.isnan(mean_trend(points({"constant": [5, 5, 5]})))


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_strict_fall_in_every_seed_is_minus_one(seeds):
    falls = [point for seed in range(seeds) for point in points({"a": [4 + seed, 2, 1 - seed]}, seed)]
    assert mean_trend(falls) == -1
    assert bootstrap_trend(falls, 0.95, 50, 0) == (None if seeds == 1 else (-1, -1))


def test_permutations_stay_within_their_stratum():
    """A dose that only one stratum has says nothing, however far the strata lie apart."""
    apart = [Point("run", 0, x, y, "a") for x, y in ((0, 0), (1, 1), (2, 0.5))]
    apart += [Point("run", 0, x, y, "b") for x, y in ((10, 100), (11, 101), (12, 100.5))]
    assert trend_permutation(apart, 500, 0) > 0.2
    trend = points({"a": [*range(6)], "b": [*range(6)]})
    assert trend_permutation(trend, 500, 0) == pytest.approx(1 / 501)
    assert trend_permutation(points({"constant": [5, 5, 5]}), 500, 0) is None


def test_intervals_draw_seeds():
    up, down = points({"a": [0, 1, 2], "b": [0, 1, 2]}), points({"a": [2, 1, 0], "b": [2, 1, 0]}, seed=1)
    assert bootstrap_trend(up, 0.95, 200, 0) is None
    assert bootstrap_trend(up + down, 0.95, 200, 0) == (-1, 1)
