import numpy as np
import pytest

from flatness.roughness import (
    barrier,
    bumps,
    edge_rise,
    excess_variation,
    halfway_distance,
    line_measures,
    monotone_share,
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
    assert excess_variation(profile, ZERO) == pytest.approx(1)


@pytest.mark.parametrize(
    "losses, expected",
    [
        ([4.0, 2.0, 3.0, 0.0, 4.0], [(1, 2)]),
        ([0.0, 3.0, 1.0, 2.0, 0.5, 4.0], [(2, 3), (4, 1)]),
        ([1.0, 2.0, 0.0, 2.0, 1.0], [(0, 1), (4, 3)]),  # the ends are minima too
        ([3.0, 1.0, 1.0, 1.0, 3.0], []),  # a plateau is no bump
    ],
)
def test_each_minimum_but_the_lowest_is_paired_with_the_pass_to_a_lower_one(losses, expected):
    assert sorted(bumps(np.array(losses))) == expected


def test_without_noise_excess_variation_is_the_ratio_of_total_variations():
    for profile in np.random.default_rng(0).normal(size=(20, 15)):
        ratio = np.abs(np.diff(profile)).sum() / (profile[0] + profile[-1] - 2 * profile.min())
        assert excess_variation(profile, np.zeros(15)) == pytest.approx(ratio)
    assert np.isnan(excess_variation(np.ones(5), np.zeros(5)))


def test_sampling_noise_on_a_plateau_is_no_roughness():
    plateau = 2.3 - 0.8 * np.exp(-((ALPHAS / 0.2) ** 2))
    noise = np.random.default_rng(1).normal(scale=0.02, size=(50, len(ALPHAS)))
    assert np.mean([excess_variation(plateau + row, ZERO) for row in noise]) > 1.3
    assert np.mean([excess_variation(plateau + row, ZERO + 0.02) for row in noise]) < 1.02
    high = plateau + 0.5 * (np.arange(len(ALPHAS)) == 5)
    assert excess_variation(high, ZERO + 0.02) == pytest.approx(
        1 + 2 * 0.5 / (high[0] + high[-1] - 2 * high.min()), rel=0.01
    )


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
    assert np.isnan(measures["monotone_share"])
    assert measures["centre_loss"] == 0.5


def test_surface_measures_of_a_paraboloid():
    surface = 0.5 + 4 * (ALPHAS[:, None] ** 2 + ALPHAS[None, :] ** 2)
    measures = surface_measures(surface, np.zeros_like(surface), ALPHAS, 2.5)
    assert measures["centre_loss"] == 0.5
    rim = np.concatenate(
        [4 + 4 * ALPHAS**2, 4 + 4 * ALPHAS**2, 4 + 4 * ALPHAS[1:-1] ** 2, 4 + 4 * ALPHAS[1:-1] ** 2]
    )
    assert measures["edge_rise"] == pytest.approx(rim.mean())
    assert measures["halfway_distance"] == pytest.approx(0.5, abs=0.003)
    assert measures["excess_variation"] == pytest.approx(1) and measures["nonconvex_share"] == 0


@pytest.mark.parametrize(
    ("losses", "error", "expected"),
    [
        ([4, 2, 1, 3, 5], 0, 1),
        ([4, 2, 1, 3, 2.9], 0, 0.5),
        ([2, 4, 1, 3, 2], 0, 0),
        ([2, 2, 2, 2, 2], 0, 1),  # level is not falling
        ([2, 4, 1, 3, 2], 0.3, 0.5),  # the fall of 1 is less than 3 sqrt(2) 0.3 = 1.27, that of 2 is more
        ([2, 4, 1, 3, 2], 0.5, 1),
        ([1, 3, 9, 5, 7], 0, 0),
    ],
)
def test_a_half_ray_is_monotone_where_it_does_not_fall_beyond_its_error(losses, error, expected):
    assert monotone_share(np.array(losses, float), np.full(5, float(error))) == expected


def test_a_slow_descent_adds_up_to_a_fall():
    centre_high = np.concatenate([np.linspace(1, 2, 21), np.linspace(2, 1, 21)[1:]])
    assert monotone_share(centre_high, np.full(41, 0.1)) == 0  # each step falls by 0.05, all by 1
    assert monotone_share(centre_high, np.full(41, 0.25)) == 1


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([3, 2, 1], 0),
        ([1, 2, 3], 0),
        ([2, 5, 1, 1], 3),
        ([1, 2.5, 0, 2.25, 2], 0.5),
        ([1, 1, 1], 0),
    ],
)
def test_a_barrier_is_what_stands_above_the_larger_end(losses, expected):
    errors = np.full(len(losses), 0.3)
    assert barrier(np.array(losses, float), errors) == pytest.approx((expected, np.hypot(0.3, 0.3)))


def test_a_barrier_has_the_errors_of_its_top_and_of_its_larger_end():
    losses, errors = np.array([1.0, 5.0, 2.0, 0.5]), np.array([0.3, 0.4, 9.0, 9.0])
    assert barrier(losses, errors) == pytest.approx((4, 0.5))


def test_a_line_is_measured_between_its_ends_alone():
    alphas = np.linspace(-0.5, 1.5, 21)
    losses = 2 - alphas + np.where((alphas < -0.01) | (alphas > 1.01), 50, 0)
    hump = losses + 3 * np.exp(-(((alphas - 0.5) / 0.1) ** 2))
    assert line_measures(losses, 0 * alphas + 0.01, alphas) == pytest.approx(
        {"barrier": 0, "barrier_error": 0.01 * 2**0.5, "minima": 1}
    )
    found = line_measures(hump, 0 * alphas + 0.01, alphas)
    assert found["barrier"] == pytest.approx(2.5) and found["minima"] == 2
    assert line_measures(hump, 0 * alphas + 2, alphas)["minima"] == 1


@pytest.mark.parametrize("alphas", [np.linspace(-0.5, 1.5, 4), np.array([0.0, 1.0]), np.linspace(0, 0.9, 10)])
def test_a_line_without_its_ends_or_without_a_middle_is_not_measured(alphas):
    assert all(np.isnan(value) for value in line_measures(alphas, alphas, alphas).values())
    broken = np.array([1.0, np.nan, 2.0])
    assert np.isnan(line_measures(broken, ZERO[:3], np.array([0, 0.5, 1]))["barrier"])


@pytest.mark.parametrize("measure", [excess_variation, nonconvex_share, monotone_share])
@pytest.mark.parametrize("error", [np.nan, np.inf])
def test_an_error_that_is_not_known_is_no_smoothness(measure, error):
    rough = BOWL + np.where(np.arange(len(ALPHAS)) % 2, 5.0, 0.0)
    errors = np.where(np.arange(len(ALPHAS)) == 7, error, 0.01)
    assert np.isnan(measure(rough, errors))
    assert np.isnan(
        surface_measures(np.stack([rough] * 41), np.stack([errors] * 41), ALPHAS, 9.0)["nonconvex_share"]
    )


def test_a_line_of_unknown_errors_has_no_known_barrier_and_minima():
    alphas = np.linspace(0, 1, 5)
    errors = np.array([0.1, 0.1, np.nan, 0.1, 0.1])
    assert all(np.isnan(barrier(np.array([1.0, 3.0, 2.0, 3.0, 1.0]), errors)))
    assert all(np.isnan(value) for value in line_measures(alphas, errors, alphas).values())
