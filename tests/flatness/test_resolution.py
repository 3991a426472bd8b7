import numpy as np
import pytest

from flatness.resolution import resolvable_bump, unfiltered_measures
from flatness.roughness import excess_variation

ALPHAS = np.linspace(-1, 1, 41)
BOWL = 0.5 + 4 * ALPHAS**2


def test_the_resolvable_bump_is_three_errors_of_a_difference():
    assert resolvable_bump(np.full(5, 0.1)) == pytest.approx(3 * np.sqrt(2) * 0.1)
    assert resolvable_bump(np.array([0.0, 0.3, 0.4, 9.0, 9.0])) == pytest.approx(
        (3 * 0.5 + 3 * np.hypot(0.4, 9)) / 2
    )


def test_a_bump_of_that_height_is_what_starts_to_count():
    errors = np.full(5, 0.1)
    height = resolvable_bump(errors)
    profiles = [np.array([4.0, 1.0, 1.0 + share * height, 0.0, 4.0]) for share in (0.99, 1.01)]
    assert excess_variation(profiles[0], errors) == 1 < excess_variation(profiles[1], errors)


def test_everything_is_counted_whatever_the_error():
    noise = np.random.default_rng(0).normal(scale=0.3, size=(8, 41))
    exact, noisy = (
        unfiltered_measures([BOWL + share * row for row in noise], [np.ones(41)] * 8) for share in (0, 1)
    )
    assert exact["raw_excess_variation"] == 1 and exact["raw_nonconvex_share"] == 0
    assert noisy["raw_excess_variation"] > 1.5 and 0.3 < noisy["raw_nonconvex_share"] < 0.6
    assert exact["resolvable_bump"] == noisy["resolvable_bump"] == pytest.approx(3 * np.sqrt(2))


def test_what_is_not_measured_stays_unmeasured():
    lost = unfiltered_measures([np.full(5, np.nan)], [np.full(5, np.nan)])
    assert len(lost) == 3 and all(np.isnan(value) for value in lost.values())


def test_errors_that_are_not_known_leave_what_needs_none():
    rough = BOWL + np.where(np.arange(len(ALPHAS)) % 2, 5.0, 0.0)
    unknown, exact = (unfiltered_measures([rough], [np.full(len(ALPHAS), error)]) for error in (np.nan, 0.0))
    assert unknown["raw_excess_variation"] == exact["raw_excess_variation"] > 1
    assert unknown["raw_nonconvex_share"] == exact["raw_nonconvex_share"] > 0
    assert np.isnan(unknown["resolvable_bump"])
