"""Estimates with their uncertainty: bootstrap intervals, permutation tests, Holm's correction.

A stratum holds matched observations of one kind (one depth, say). Each observation has values on two sides, one per
draw (per direction) where a quantity is drawn, else one in all; draws of the two sides are matched.

Percentiles of resampled means are too narrow for few observations: they lie sqrt((n - 1) / n) times as far from the
estimate as they should, and have the normal distribution's reach where n observations allow Student's (Hesterberg
2015). `widened` makes up for both. Of means that are about normal, intervals then cover about as often as they say.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import comb, factorial, inf, prod, sqrt

import numpy as np
from scipy.stats import norm, rankdata, t

Generator = np.random.Generator
ALL_WAYS = 10**6  # of exchanging labels, that are all taken where the effects of strata add up


@dataclass(frozen=True)
class Observation:
    """One matched pair: values [D] of the first and of the second side, D draws each."""

    stratum: str
    seed: int
    first: tuple[float, ...]
    second: tuple[float, ...]


@dataclass(frozen=True)
class Contrast:
    """An effect met twice, at one level of a condition and at another: the values (a, b) that it sets apart at each."""

    stratum: str
    seed: int
    first: tuple[float, float]
    second: tuple[float, float]


Effect = Callable[[float, float], float]  # of the two sides' means


def difference(first: float, second: float) -> float:
    """first - second."""
    return first - second


def relative_difference(first: float, second: float) -> float:
    """2 (first - second) / (|first| + |second|), in [-2, 2]; 0 where both are 0."""
    size = abs(first) + abs(second)
    return 2 * (first - second) / size if size else 0.0


def _about_mean(values: np.ndarray) -> np.ndarray:
    """Less what all values [S, 2] share by addition."""
    return values - values.mean()


def _over_mean(values: np.ndarray) -> np.ndarray:
    """Less what all values [S, 2] share as a factor, its sign kept: a relative difference sees that."""
    return values / abs(values.mean()) if values.mean() else values


ALIGNED = {
    difference: _about_mean,
    relative_difference: _over_mean,
}  # what an effect of values does not see of them


def mean_effect(observations: Sequence[Observation], effect: Effect) -> float:
    """Mean over strata of the mean over their observations of the effect, so that every stratum weighs the same."""
    strata: dict[str, list[float]] = {}
    for observation in observations:
        value = effect(float(np.mean(observation.first)), float(np.mean(observation.second)))
        strata.setdefault(observation.stratum, []).append(value)
    return float(np.mean([np.mean(values) for values in strata.values()]))


def bootstrap_effect(
    observations: Sequence[Observation], effect: Effect, confidence: float, resamples: int, seed: int
) -> tuple[float, float] | None:
    """Bootstrap interval of `mean_effect` over seeds and draws, `widened` for the smaller number of those that vary.

    Within each stratum seeds are drawn with replacement, and draws, which all of its seeds and both sides have in
    common: seeds and draws are crossed (Owen 2007, who shows that this is a little too wide rather than too narrow).
    None where there is neither a second seed nor a second draw, so that nothing varies, and where one stratum has
    a second seed and another has not, whose variance is then unknown.
    """
    strata = _by_stratum(observations)
    seeds = [len(members) for members in strata.values()]
    if max(seeds) > 1 and min(seeds) < 2:
        return None
    counts = [_varying(members) for members in strata.values()]
    if max(counts) < 2:
        return None
    random = np.random.default_rng(seed)
    drawn = [_drawn_means(members, resamples, random) for members in strata.values()]
    effects = [_elementwise(effect, first, second).mean(1) for first, second in drawn]
    return widened(effects, counts, mean_effect(observations, effect), confidence)


def _varying(members: Sequence[Observation]) -> int:
    """The smaller of the numbers of seeds and of draws of a stratum, of those above one; 1 where neither is."""
    return min((number for number in (len(members), _draws(members)) if number > 1), default=1)


def _draws(members: Sequence[Observation]) -> int:
    """Draws that both sides of all observations have."""
    return min(len(side) for observation in members for side in (observation.first, observation.second))


def _drawn_means(
    members: Sequence[Observation], resamples: int, random: Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Means of both sides [R, S]: S observations of a stratum drawn with replacement, and draws, the same of each."""
    count = _draws(members)
    sides = (np.array([getattr(o, side)[:count] for o in members]) for side in ("first", "second"))  # [S, D]
    chosen = random.integers(len(members), size=(resamples, len(members), 1))
    draws = random.integers(count, size=(resamples, 1, count))
    first, second = (values[chosen, draws].mean(2) for values in sides)
    return first, second


def _elementwise(effect: Effect, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.vectorize(effect, otypes=[float])(first, second)


def mean_contrast(contrasts: Sequence[Contrast], effect: Effect) -> float:
    """Mean over strata of the effect at the first level minus that at the second, each of means over the seeds."""
    strata = _by_stratum(contrasts)
    return _contrast([[np.mean(side, 0) for side in _levels(members)] for members in strata.values()], effect)


def _levels(members: Sequence[Contrast]) -> tuple[np.ndarray, np.ndarray]:
    """The values (a, b) at the first and at the second level, [S, 2] each."""
    return np.array([c.first for c in members]), np.array([c.second for c in members])


def _contrast(levels: Sequence[Sequence[Sequence[float]]], effect: Effect) -> float:
    """Of means (a, b) by stratum and level."""
    effects = [
        effect(float(first[0]), float(first[1])) - effect(float(second[0]), float(second[1]))
        for first, second in levels
    ]
    return float(np.mean(effects))


def bootstrap_contrast(
    contrasts: Sequence[Contrast], effect: Effect, confidence: float, resamples: int, seed: int
) -> tuple[float, float] | None:
    """Bootstrap interval of `mean_contrast`, `widened`; seeds are drawn within each stratum. None where one has a single seed."""
    strata = _by_stratum(contrasts)
    if min(len(members) for members in strata.values()) < 2:
        return None
    random = np.random.default_rng(seed)
    found = []
    for members in strata.values():
        chosen = random.integers(len(members), size=(resamples, len(members)))
        first, second = (level[chosen].mean(1).T for level in _levels(members))  # (a, b) of each resample
        found.append(_elementwise(effect, *first) - _elementwise(effect, *second))
    counts = [len(members) for members in strata.values()]
    return widened(found, counts, mean_contrast(contrasts, effect), confidence)


def contrast_permutation(
    contrasts: Sequence[Contrast], effect: Effect, resamples: int, seed: int
) -> float | None:
    """Two-sided p of a `mean_contrast` of 0: the levels of the runs of each side of each stratum are exchanged.

    What a level does to both sides alike is taken out before (ALIGNED), as far as the effect does not see it: left in,
    it would widen what the exchanges give, and hide any contrast. As `label_permutation`. None with fewer than two contrasts.
    """
    if len(contrasts) < 2:
        return None
    aligned = [
        [ALIGNED[effect](level) for level in _levels(members)] for members in _by_stratum(contrasts).values()
    ]
    pools = [np.concatenate([level[:, side] for level in levels]) for levels in aligned for side in (0, 1)]

    def statistic(means: Sequence[tuple[float, float]]) -> float:
        sides = zip(means[::2], means[1::2], strict=True)  # of each stratum: (a, b), both by level
        return abs(_contrast([list(zip(*both, strict=True)) for both in sides], effect))

    return _exchanged(pools, statistic, resamples, seed)


def _by_stratum(entries: Sequence) -> dict[str, list]:
    strata: dict[str, list] = {}
    for entry in entries:
        strata.setdefault(entry.stratum, []).append(entry)
    return strata


def widened(
    resampled: Sequence[Sequence[float] | np.ndarray],
    counts: Sequence[int],
    estimate: float,
    confidence: float,
) -> tuple[float, float]:
    """The central `confidence` share of the mean over strata of resampled estimates, its ends moved away from `estimate`.

    resampled: by stratum, [R] each, drawn independently; counts: of how many independent observations each is the mean.
    The ends' distances are multiplied by t / z sqrt(sum of v_k / sum of u_k): u_k are the variances of the resampled
    estimates, v_k = u_k n_k / (n_k - 1) those of which they fall short, z and t the quantiles of the normal and of
    Student's distribution with Welch's and Satterthwaite's degrees of freedom, (sum of v_k)^2 / sum of v_k^2 / (n_k - 1).
    A count of 1 stands for a stratum that does not vary. An end on the wrong side of the estimate becomes the estimate.
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.mean(resampled, 0), [tail, 1 - tail])
    varying = [
        (np.var(values), count - 1) for values, count in zip(resampled, counts, strict=True) if count > 1
    ]
    spread = sum(variance for variance, _ in varying)
    if not spread:
        return float(low), float(high)
    variances = [variance * (freedom + 1) / freedom for variance, freedom in varying]
    squares = sum(v**2 / freedom for v, (_, freedom) in zip(variances, varying, strict=True))
    reach = t.ppf(1 - tail, sum(variances) ** 2 / squares) / norm.ppf(1 - tail)
    factor = reach * sqrt(sum(variances) / spread)
    below, above = min(low - estimate, 0.0), max(high - estimate, 0.0)
    return float(estimate + factor * below), float(estimate + factor * above)


def widened_coefficient(
    resampled: Sequence[float], count: int, estimate: float, confidence: float
) -> tuple[float, float] | None:
    """`widened` interval of a rank correlation, within [-1, 1]; resamples without one are left out, None where none has one.

    Points that lie in order do so in every resample: of them the interval is the estimate, and p alone says how much that is.
    """
    known = [value for value in resampled if np.isfinite(value)]
    if not known:
        return None
    low, high = np.clip(widened([known], [count], estimate, confidence), -1, 1)
    return float(low), float(high)


def label_permutation(
    observations: Sequence[Observation], effect: Effect, resamples: int, seed: int
) -> float | None:
    """Two-sided p of no difference between the sides: sides are exchanged among the runs of each stratum.

    The statistic is |mean over strata of effect(mean of first, mean of second)|, runs entering by the mean of their draws.
    Strata add up, so that up to ALL_WAYS ways of all together are taken, every one; else `resamples` random ones as
    `_exchanged` does. None with fewer than two observations in all.
    """
    if len(observations) < 2:
        return None
    pools = [
        np.array([np.mean(o.first) for o in members] + [np.mean(o.second) for o in members])
        for members in _by_stratum(observations).values()
    ]
    if prod(comb(len(values), len(values) // 2) for values in pools) <= ALL_WAYS:
        sums = np.zeros(1)
        for values in pools:
            sums = np.add.outer(sums, _effects(values, effect)).ravel()
        return _share_as_large(np.abs(sums), abs(sums[0]))  # the first way leaves the sides as they are

    def statistic(means: Sequence[tuple[float, float]]) -> float:
        return abs(float(np.mean([effect(*both) for both in means])))

    return _exchanged(pools, statistic, resamples, seed)


def pair_permutation(
    observations: Sequence[Observation], effect: Effect, resamples: int, seed: int
) -> float | None:
    """Two-sided p of no difference between the sides: they are exchanged within pairs, at which an effect changes its sign.

    The statistic is |mean_effect|. All ways are taken where they are at most ALL_WAYS, else `resamples` random ones, with
    one added to both counts. None with fewer than two observations in all.
    """
    if len(observations) < 2:
        return None
    shares = np.array(
        [
            effect(float(np.mean(o.first)), float(np.mean(o.second))) / len(members)
            for members in _by_stratum(observations).values()
            for o in members
        ]
    )
    if 2 ** len(shares) <= ALL_WAYS:
        sums = np.zeros(1)
        for share in shares:
            sums = np.add.outer(sums, (share, -share)).ravel()
        return _share_as_large(np.abs(sums), abs(sums[0]))  # the first way leaves the sides as they are
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), size=(resamples, len(shares)))
    observed = abs(shares.sum())
    return _share_as_large([observed, *np.abs(signs @ shares)], observed)


def _effects(values: np.ndarray, effect: Effect) -> np.ndarray:
    """The effect for each way of taking half of the values as the first side; that of the first half comes first."""
    count = len(values) // 2
    first = [values[list(chosen)].mean() for chosen in combinations(range(len(values)), count)]
    total = values.sum()
    return np.array([effect(float(mean), float((total - count * mean) / count)) for mean in first])


def _exchanged(
    pools: Sequence[np.ndarray],
    statistic: Callable[[Sequence[tuple[float, float]]], float],
    resamples: int,
    seed: int,
) -> float:
    """p of the statistic of the means of each pool's two halves, when its members change halves.

    Every assignment is taken where there are at most `resamples`, else as many random ones, with one added to both
    counts (Phipson and Smyth 2010).
    """

    def found(chosen: Sequence[Sequence[int]]) -> float:
        means = []
        for values, first in zip(pools, chosen, strict=True):
            taken = np.zeros(len(values), bool)
            taken[list(first)] = True
            means.append((float(values[taken].mean()), float(values[~taken].mean())))
        return statistic(means)

    observed = found([range(len(values) // 2) for values in pools])
    ways = prod(comb(len(values), len(values) // 2) for values in pools)
    if ways <= resamples:
        every = product(*(combinations(range(len(values)), len(values) // 2) for values in pools))
        return _share_as_large([found(chosen) for chosen in every], observed)
    random = np.random.default_rng(seed)
    drawn = [
        found([random.permutation(len(values))[: len(values) // 2] for values in pools])
        for _ in range(resamples)
    ]
    return _share_as_large([observed, *drawn], observed)


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> float:
    """Spearman's coefficient, ties at mean ranks; NaN where either is constant or there are fewer than three points."""
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])


def bootstrap_correlation(
    x: Sequence[float],
    y: Sequence[float],
    clusters: Sequence[Hashable],
    confidence: float,
    resamples: int,
    seed: int,
) -> tuple[float, float] | None:
    """Bootstrap interval of `rank_correlation`, all points of a cluster drawn together; None for fewer than two.

    Points of a cluster (a seed, a network) hang together. Draws in which either variable is constant have no
    coefficient and are left out.
    """
    distinct = list(dict.fromkeys(clusters))
    if len(distinct) < 2:
        return None
    random = np.random.default_rng(seed)
    points = [[(a, b) for a, b, own in zip(x, y, clusters, strict=True) if own == one] for one in distinct]
    found = []
    for _ in range(resamples):
        drawn = [point for index in random.integers(len(points), size=len(points)) for point in points[index]]
        found.append(rank_correlation(*zip(*drawn, strict=True)))
    return widened_coefficient(found, len(distinct), rank_correlation(x, y), confidence)


def correlation_permutation(
    x: Sequence[float], y: Sequence[float], resamples: int, seed: int
) -> float | None:
    """Two-sided p of no association: y is permuted against x.

    Every different order of x is taken where there are at most `resamples`, else as many random ones, with one added to
    both counts (Phipson and Smyth 2010).
    """
    observed = abs(rank_correlation(x, y))
    if not np.isfinite(observed):
        return None
    if factorial(len(x)) // prod(factorial(number) for number in Counter(x).values()) <= resamples:
        return _share_as_large([abs(rank_correlation(order, y)) for order in _different_orders(x)], observed)
    random = np.random.default_rng(seed)
    drawn = [abs(rank_correlation(x, random.permutation(y))) for _ in range(resamples)]
    return _share_as_large([observed, *drawn], observed)


def _different_orders(values: Sequence[float]) -> Iterator[list[float]]:
    """Each order of the values once, equal ones being exchangeable."""
    if not values:
        yield []
    for first in dict.fromkeys(values):
        rest = list(values)
        rest.remove(first)
        yield from ([first, *order] for order in _different_orders(rest))


def _share_as_large(values: Sequence[float] | np.ndarray, observed: float) -> float:
    """Share of values that reach `observed`, up to rounding."""
    return float(np.mean(np.asarray(values) >= observed * (1 - 1e-10) - 1e-300))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction (Holm 1979) over those that are not None, which stay None."""
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = -inf
    for rank, (p, index) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        corrected[index] = largest
    return corrected
