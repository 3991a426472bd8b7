from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from experiment import intervals
from experiment.intervals import (
    ALIGNED,
    Contrast,
    Observation,
    bootstrap_contrast,
    bootstrap_correlation,
    bootstrap_effect,
    contrast_permutation,
    correlation_permutation,
    difference,
    holm,
    label_permutation,
    mean_contrast,
    mean_effect,
    pair_permutation,
    rank_correlation,
    relative_difference,
)


def pair(stratum, seed, first, second):
    return Observation(stratum, seed, tuple(np.atleast_1d(first)), tuple(np.atleast_1d(second)))


THREE_SEEDS = [pair("depth 20", seed, 1 + seed, 4 + seed) for seed in range(3)]


def test_strata_weigh_the_same_however_many_seeds_they_have():
    observations = [*THREE_SEEDS, pair("depth 56", 0, 9, 2)]
    assert mean_effect(observations, difference) == pytest.approx((-3 + 7) / 2)


@pytest.mark.parametrize(
    ("first", "second", "expected"), [(3, 1, 1), (1, 3, -1), (-1, 1, -2), (0, 0, 0), (5, 5, 0), (1, 0, 2)]
)
def test_relative_difference(first, second, expected):
    assert relative_difference(first, second) == expected
    assert relative_difference(10 * first, 10 * second) == expected


def test_interval_of_a_constant_difference_is_that_difference():
    assert bootstrap_effect(THREE_SEEDS, difference, 0.95, 200, 0) == pytest.approx((-3, -3))


def test_nothing_varies_with_one_seed_and_one_draw():
    assert bootstrap_effect([pair("a", 0, 1, 2), pair("b", 0, 3, 5)], difference, 0.95, 200, 0) is None


def test_matched_draws_are_drawn_together():
    """Sides that differ by a constant in every direction have an exact interval, however far directions differ."""
    draws = np.array([1.0, 50.0, -20.0, 7.0])
    assert bootstrap_effect([pair("a", 0, draws, draws - 2)], difference, 0.95, 300, 0) == pytest.approx(
        (2, 2)
    )


def test_interval_of_many_draws_is_that_of_scipy():
    """scipy's percentile bootstrap, whose ends the number of draws, 40, moves away from the mean."""
    random = np.random.default_rng(1)
    first, second = random.normal(3, 1, 40), random.normal(0, 1, 40)
    low, high = bootstrap_effect([pair("a", 0, first, second)], difference, 0.95, 4000, 0)
    reference = stats.bootstrap(
        (first - second,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    reach, mean = stats.t.ppf(0.975, 39) / stats.norm.ppf(0.975) * (40 / 39) ** 0.5, (first - second).mean()
    ends = [mean + reach * (end - mean) for end in reference]
    assert reach > 1.04
    assert (low, high) == pytest.approx(ends, abs=0.04)


def test_interval_of_a_mean_is_about_students():
    """The bootstrap's shape is kept: of symmetric values its ends are those of the t test, of few values too."""
    values = np.array([0.1, 0.6, 1.0, 1.4, 1.9])
    runs = [pair("a", seed, value, 0) for seed, value in enumerate(values)]
    reference = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = bootstrap_effect(runs, difference, 0.95, 20_000, 0)
    assert found == pytest.approx((reference.low, reference.high), abs=0.06)


def test_two_strata_have_the_degrees_of_freedom_of_welch():
    """The interval of the mean of two strata is half Welch's of their sum, whose variances need not be equal."""
    a, b = np.linspace(0, 1, 12), np.linspace(3, -5, 8)
    runs = [pair(s, seed, v, 0) for s, values in (("a", a), ("b", b)) for seed, v in enumerate(values)]
    reference = stats.ttest_ind(a, -b, equal_var=False).confidence_interval(0.95)
    found = bootstrap_effect(runs, difference, 0.95, 20_000, 0)
    assert found == pytest.approx((reference.low / 2, reference.high / 2), abs=0.03)


@pytest.mark.parametrize(("seeds", "directions"), [(3, 1), (6, 1), (3, 5), (1, 5), (6, 5)])
@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_interval_covers_the_truth_about_as_often_as_it_says(seeds, directions, shared):
    """Two depths of effect 1. Runs differ by seed, and by direction: alone, or all seeds alike (`shared`)."""
    trials, hits, widths = 300, 0, []
    for trial in range(trials):
        random = np.random.default_rng(trial)
        runs = []
        for depth, spread in (("20", 0.5 * (seeds > 1)), ("56", 1.0 * (seeds > 1))):
            common = shared * (directions > 1) * random.normal(0, 1, directions)
            runs += [
                pair(
                    depth, seed, random.normal(1 + spread * random.normal() + common, 1), np.zeros(directions)
                )
                for seed in range(seeds)
            ]
        low, high = bootstrap_effect(runs, difference, 0.95, 500, trial)
        hits += low <= 1 <= high
        if seeds > 1:
            means = [[np.mean(run.first) for run in runs if run.stratum == depth] for depth in ("20", "56")]
            of_seeds = stats.t.ppf(0.975, seeds - 1) * np.hypot(*(stats.sem(side) for side in means)) / 2
            widths.append((high - low) / 2 / of_seeds)
    assert 0.92 <= hits / trials <= (0.985 if directions == 1 else 0.995)
    if seeds > 1:  # in units of the seeds' means alone, which leave out what directions share
        assert np.median(widths) < (1.8 if shared and directions > 1 else 1.25)


def test_interval_of_many_seeds_covers_the_truth_about_as_often_as_it_says():
    hits = 0
    for trial in range(200):
        values = np.random.default_rng(trial).normal(1, 1, 25)
        runs = [pair("a", seed, value, 0) for seed, value in enumerate(values)]
        low, high = bootstrap_effect(runs, difference, 0.9, 400, trial)
        hits += low <= 1 <= high
    assert 0.82 <= hits / 200 <= 0.96


def test_a_stratum_of_one_seed_among_others_leaves_no_interval():
    runs = [*THREE_SEEDS, pair("depth 56", 0, 9, 2)]
    assert bootstrap_effect(runs, difference, 0.95, 100, 0) is None
    contrasts = [*CONTRASTS, Contrast("other", 0, (5.0, 2.0), (2.0, 1.0))]
    assert bootstrap_contrast(contrasts, difference, 0.95, 100, 0) is None


def test_interval_holds_its_estimate():
    low, high = intervals.widened([np.full(100, 3.0) + np.linspace(0, 1, 100)], [3], 2.0, 0.95)
    assert low == 2.0 < high


def test_label_permutation_is_that_of_scipy():
    first, second = [1.0, 2.5, 2.0], [3.0, 4.5, 2.2]
    observations = [pair("a", seed, *values) for seed, values in enumerate(zip(first, second, strict=True))]
    reference = stats.permutation_test(
        (first, second), lambda a, b, axis: np.abs(np.mean(a, axis) - np.mean(b, axis)), vectorized=True,
        permutation_type="independent", alternative="greater", n_resamples=np.inf,
    )  # fmt: skip
    assert label_permutation(observations, difference, 10_000, 0) == pytest.approx(reference.pvalue)


def test_exchanges_within_pairs_are_those_of_scipy(monkeypatch):
    first, second = [1.0, 2.5, 2.0, 4.1], [3.0, 4.5, 2.2, 4.0]
    observations = [pair("a", seed, *values) for seed, values in enumerate(zip(first, second, strict=True))]
    reference = stats.permutation_test(
        (np.subtract(first, second),), lambda d, axis: np.abs(np.mean(d, axis)), vectorized=True,
        permutation_type="samples", alternative="greater", n_resamples=np.inf,
    )  # fmt: skip
    assert pair_permutation(observations, difference, 10_000, 0) == pytest.approx(reference.pvalue)
    assert pair_permutation(observations[:1], difference, 100, 0) is None
    monkeypatch.setattr(intervals, "ALL_WAYS", 0)
    assert pair_permutation(observations, difference, 20_000, 0) == pytest.approx(reference.pvalue, abs=0.02)


def test_pairs_of_two_strata_that_all_lean_one_way_are_the_most_extreme():
    """Strata weigh the same: of 2^5 ways two are as extreme, all as they are and all exchanged."""
    runs = [pair("a", seed, 1 + seed, 4 + seed) for seed in range(3)] + [
        pair("b", s, 9, 10 + s) for s in range(2)
    ]
    assert pair_permutation(runs, difference, 10, 0) == pytest.approx(2 / 32)


def test_strata_are_permuted_apart():
    """Two strata of two clear pairs each: 6 x 6 assignments, of which the observed one and its mirror are extreme."""
    observations = [
        pair(s, seed, base + seed, base + 10 + seed) for s, base in (("a", 0), ("b", 100)) for seed in (0, 1)
    ]
    for resamples in (5, 100):  # all are taken, as the strata's effects add up
        assert label_permutation(observations, difference, resamples, 0) == pytest.approx(2 / 36)
        assert label_permutation(observations, relative_difference, resamples, 0) is not None


def test_random_permutations_agree_with_all_of_them(monkeypatch):
    observations = [pair(s, seed, seed, seed + 2.2) for s in "ab" for seed in range(4)]
    exact = label_permutation(observations, difference, 10, 0)
    monkeypatch.setattr(intervals, "ALL_WAYS", 0)
    assert label_permutation(observations, difference, 70**2, 0) == pytest.approx(exact, abs=1e-12)
    drawn = label_permutation(observations, difference, 251, 0)
    assert drawn != exact
    assert drawn == pytest.approx(exact, abs=0.08)


def test_permutation_never_gives_zero():
    """Nor where the ways are too many to take all."""
    observations = [pair("a", seed, 0.0, 100.0 + seed) for seed in range(30)]
    assert 0 < label_permutation(observations, difference, 100, 0) <= 2 / 101


def test_one_observation_has_no_p():
    assert label_permutation(THREE_SEEDS[:1], difference, 100, 0) is None


CONTRASTS = [  # residual and plain at both levels; the shortcut's effect is 3 + seed at the first and 1 at the second
    Contrast("decay", seed, (5.0 + seed, 2.0), (2.0, 1.0)) for seed in range(3)
]


def test_a_contrast_is_the_difference_of_two_effects_of_means():
    assert mean_contrast(CONTRASTS, difference) == pytest.approx((3 + 4 + 5) / 3 - 1)
    doubled = [
        Contrast("decay", c.seed, *(tuple(2 * v for v in s) for s in (c.first, c.second))) for c in CONTRASTS
    ]
    relative = [mean_contrast(contrasts, relative_difference) for contrasts in (CONTRASTS, doubled)]
    assert relative[0] == pytest.approx(relative[1]) == pytest.approx(2 * (6 - 2) / 8 - 2 * 1 / 3)


def test_interval_of_a_contrast_runs_over_seeds():
    """Contrasts 2, 3 and 4: the least of 27 ways to draw seeds is 2, thrice, with more than 2.5 % of all, the largest 4."""
    reach = stats.t.ppf(0.975, 2) / stats.norm.ppf(0.975) * 1.5**0.5
    assert bootstrap_contrast(CONTRASTS, difference, 0.95, 2000, 0) == pytest.approx((3 - reach, 3 + reach))
    assert bootstrap_contrast(CONTRASTS[:1], difference, 0.95, 100, 0) is None


def test_contrast_permutation_exchanges_levels_within_each_side():
    pools = [
        [1.0, 2.0, 3.0, 0.5, 0.5, 0.5],
        [-2.0, -2.0, -2.0, -0.5, -0.5, -0.5],
    ]  # about the levels' means, 4 and 1.5
    splits = list(combinations(range(6), 3))

    def gap(pool, chosen):
        return np.mean([pool[i] for i in chosen]) - np.mean([pool[i] for i in range(6) if i not in chosen])

    every = [abs(gap(pools[0], a) - gap(pools[1], b)) for a, b in product(splits, splits)]
    expected = np.mean(np.array(every) >= 3 - 1e-12)
    assert contrast_permutation(CONTRASTS, difference, 400, 0) == pytest.approx(expected)
    assert contrast_permutation(CONTRASTS[:1], difference, 400, 0) is None


def test_three_seeds_can_tell_a_clear_contrast():
    """Were the signs of the three contrasts flipped instead, no p could lie below a quarter."""
    clear = [Contrast("decay", s, (10.0 + 0.1 * s, 0.1 * s), (0.1 * s, 0.1 * s)) for s in range(3)]
    assert contrast_permutation(clear, difference, 400, 0) < 0.1


@pytest.mark.parametrize("factor", [1.0, 5.0, 100.0])
def test_what_a_level_does_to_both_sides_alike_hides_no_contrast(factor):
    random = np.random.default_rng(0)

    def level(a: float, b: float) -> tuple[float, float]:
        return tuple(factor_of * random.normal(1, 0.02) for factor_of in (a, b))

    contrasts = [
        Contrast(stratum, seed, level(2 * factor, factor), level(1.0, 1.0))
        for stratum in ("decay 0", "decay 0.1")
        for seed in range(3)
    ]
    assert contrast_permutation(contrasts, relative_difference, 1000, 0) < 0.01


@pytest.mark.parametrize("effect", [difference, relative_difference])
def test_taking_out_what_sides_share_leaves_the_effect(effect):
    values = np.array([[5.0, 2.0], [7.0, 3.0]])
    assert effect(*ALIGNED[effect](values).mean(0)) == pytest.approx(effect(*values.mean(0)))


def test_rank_correlation_is_spearmans():
    random = np.random.default_rng(0)
    x, y = random.integers(0, 5, 30), random.normal(size=30)
    assert rank_correlation(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)


@pytest.mark.parametrize(("x", "y"), [([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [2, 2, 2]), ([1, 2], [1, 2])])
def test_rank_correlation_of_nothing_that_varies_is_not_a_number(x, y):
    assert np.isnan(rank_correlation(x, y))
    assert correlation_permutation(x, y, 100, 0) is None


def test_permutation_of_a_correlation_is_that_of_scipy():
    x, y = [1.0, 2, 3, 4, 5, 6], [2.0, 1, 4, 3, 6, 5]
    reference = stats.permutation_test(
        (y,), lambda values: abs(stats.spearmanr(x, values).statistic), permutation_type="pairings",
        alternative="greater", n_resamples=np.inf,
    )  # fmt: skip
    assert correlation_permutation(x, y, 4000, 0) == pytest.approx(reference.pvalue)  # all 720 orders
    assert correlation_permutation(x, y, 700, 0) == pytest.approx(reference.pvalue, abs=0.03)


def test_two_groups_apart_have_the_p_of_all_their_assignments():
    """Six shallow and six deep runs, wholly apart: two of the 12! / (6! 6!) = 924 assignments are as extreme."""
    depth = [20.0] * 6 + [56.0] * 6
    error = [0.147, 0.145, 0.149, 0.146, 0.15, 0.144, 0.39, 0.41, 0.36, 0.43, 0.35, 0.4]
    assert correlation_permutation(depth, error, 1000, 0) == pytest.approx(2 / 924)


def test_correlation_has_an_interval_with_several_seeds_alone():
    x, y = [1, 2, 3] * 3, [1.0, 2.0, 3.0, 1.1, 2.2, 2.9, 0.9, 3.1, 3.0]
    seeds = [0] * 3 + [1] * 3 + [2] * 3
    low, high = bootstrap_correlation(x, y, seeds, 0.95, 500, 0)
    assert -1 <= low <= rank_correlation(x, y) <= high <= 1
    assert bootstrap_correlation(x[:3], y[:3], [0, 0, 0], 0.95, 500, 0) is None


def test_holm_by_hand():
    """Holm's own rule: the smallest times 3, the next times 2 and not below it, the largest as it is."""
    assert holm([0.01, None, 0.04, 0.03]) == [
        pytest.approx(0.03),
        None,
        pytest.approx(0.06),
        pytest.approx(0.06),
    ]
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([None]) == [None]


def test_the_same_seed_gives_the_same_interval():
    observations = [pair("a", seed, np.arange(5.0) * seed, np.ones(5)) for seed in range(3)]
    runs = [bootstrap_effect(observations, relative_difference, 0.95, 100, seed) for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]
    assert not any(np.isnan(runs[0]))


def test_what_levels_share_leaves_an_effect_as_it_is_whatever_its_sign():
    for effect, aligned in intervals.ALIGNED.items():
        for values in ([[-3.0, 1.0]], [[3.0, -1.0]], [[-3.0, -1.0]], [[3.0, 1.0]]):
            assert effect(*aligned(np.array(values))[0]) == pytest.approx(effect(*values[0]))
