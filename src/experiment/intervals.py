"""Estimates with their uncertainty: bootstrap intervals, permutation tests, Holm's correction.

A stratum holds matched observations of one kind (one depth, say). Each observation has values on two sides, one per
draw (per direction) where a quantity is drawn, else one in all; draws of the two sides are matched.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import comb, inf, prod

import numpy as np
from scipy.stats import rankdata

Generator = np.random.Generator


@dataclass(frozen=True)
class Observation:
    """One matched pair: values [D] of the first and of the second side, D draws each."""

    stratum: str
    seed: int
    first: tuple[float, ...]
    second: tuple[float, ...]


Effect = Callable[[float, float], float]  # of the two sides' means


def difference(first: float, second: float) -> float:
    """first - second."""
    return first - second


def relative_difference(first: float, second: float) -> float:
    """2 (first - second) / (|first| + |second|), in [-2, 2]; 0 where both are 0."""
    size = abs(first) + abs(second)
    return 2 * (first - second) / size if size else 0.0


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
    """Percentile interval of `mean_effect` (Efron and Tibshirani 1993, chapter 13).

    Seeds are drawn with replacement within each stratum, then draws within each observation, the same for both
    sides. None where there is neither a second seed nor a second draw, so that nothing varies.
    """
    strata: dict[str, list[Observation]] = {}
    for observation in observations:
        strata.setdefault(observation.stratum, []).append(observation)
    varies = any(len(members) > 1 for members in strata.values())
    if not varies and all(len(observation.first) < 2 for observation in observations):
        return None
    random = np.random.default_rng(seed)
    effects = [
        mean_effect([o for members in strata.values() for o in _resampled(members, random)], effect)
        for _ in range(resamples)
    ]
    return percentile_interval(effects, confidence)


def _resampled(members: list[Observation], random: Generator) -> list[Observation]:
    chosen = [members[index] for index in random.integers(len(members), size=len(members))]
    return [_with_drawn_draws(observation, random) for observation in chosen]


def _with_drawn_draws(observation: Observation, random: Generator) -> Observation:
    count = min(len(observation.first), len(observation.second))
    index = random.integers(count, size=count)
    sides = (tuple(side[i] for i in index) for side in (observation.first, observation.second))
    return Observation(observation.stratum, observation.seed, *sides)


def percentile_bootstrap(
    values: Sequence[float], confidence: float, resamples: int, seed: int
) -> tuple[float, float]:
    """Percentile interval of the mean of values [n], drawn with replacement."""
    drawn = np.random.default_rng(seed).choice(values, (resamples, len(values)))
    return percentile_interval(drawn.mean(1), confidence)


def percentile_interval(values: Sequence[float], confidence: float) -> tuple[float, float]:
    """The central `confidence` share of values."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def label_permutation(
    observations: Sequence[Observation], effect: Effect, resamples: int, seed: int
) -> float | None:
    """Two-sided p of no difference between the sides: sides are exchanged among the runs of each stratum.

    The statistic is |mean over strata of effect(mean of first, mean of second)|, runs entering by the mean of their draws.
    Every assignment is taken where there are at most `resamples`, else as many random ones, with one added
    to both counts (Phipson and Smyth 2010). None with fewer than two observations in all.
    """
    if len(observations) < 2:
        return None
    strata: dict[str, tuple[list[float], list[float]]] = {}
    for observation in observations:
        sides = strata.setdefault(observation.stratum, ([], []))
        for side, values in zip(sides, (observation.first, observation.second), strict=True):
            side.append(float(np.mean(values)))
    pooled = [np.array(first + second) for first, second in strata.values()]

    def statistic(chosen: Sequence[Sequence[int]]) -> float:
        effects = []
        for values, first in zip(pooled, chosen, strict=True):
            taken = np.zeros(len(values), bool)
            taken[list(first)] = True
            effects.append(effect(float(values[taken].mean()), float(values[~taken].mean())))
        return abs(float(np.mean(effects)))

    observed = statistic([range(len(values) // 2) for values in pooled])
    ways = prod(comb(len(values), len(values) // 2) for values in pooled)
    if ways <= resamples:
        every = product(*(combinations(range(len(values)), len(values) // 2) for values in pooled))
        return _share_as_large([statistic(chosen) for chosen in every], observed)
    random = np.random.default_rng(seed)
    drawn = [
        statistic([random.permutation(len(values))[: len(values) // 2] for values in pooled])
        for _ in range(resamples)
    ]
    return _share_as_large([observed, *drawn], observed)


def sign_flips(values: Sequence[float], resamples: int, seed: int) -> float | None:
    """Two-sided p of a mean of 0: the signs of values [n] are flipped, all ways or `resamples` random ones.

    None for fewer than two values.
    """
    if len(values) < 2:
        return None
    observed, sizes = abs(float(np.mean(values))), np.asarray(values)
    if 2 ** len(sizes) <= resamples:
        means = [abs(float(np.mean(sizes * signs))) for signs in product((-1, 1), repeat=len(sizes))]
        return _share_as_large(means, observed)
    random = np.random.default_rng(seed)
    drawn = [abs(float(np.mean(sizes * random.choice((-1, 1), len(sizes))))) for _ in range(resamples)]
    return _share_as_large([observed, *drawn], observed)


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> float:
    """Spearman's coefficient, ties at mean ranks; NaN where either is constant or there are fewer than three points."""
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])


def bootstrap_correlation(
    x: Sequence[float], y: Sequence[float], seeds: Sequence[int], confidence: float, resamples: int, seed: int
) -> tuple[float, float] | None:
    """Percentile interval of `rank_correlation`, all points of a seed drawn together; None for fewer than two seeds.

    Draws in which either variable is constant have no coefficient and are left out.
    """
    distinct = sorted(set(seeds))
    if len(distinct) < 2:
        return None
    random = np.random.default_rng(seed)
    points = {s: [(a, b) for a, b, own in zip(x, y, seeds, strict=True) if own == s] for s in distinct}
    found = []
    for _ in range(resamples):
        drawn = [point for s in random.choice(distinct, len(distinct)) for point in points[int(s)]]
        found.append(rank_correlation(*zip(*drawn, strict=True)))
    known = [value for value in found if np.isfinite(value)]
    return percentile_interval(known, confidence) if known else None


def correlation_permutation(
    x: Sequence[float], y: Sequence[float], resamples: int, seed: int
) -> float | None:
    """Two-sided p of no association: y is permuted against x; random permutations, one added to both counts."""
    observed = abs(rank_correlation(x, y))
    if not np.isfinite(observed):
        return None
    random = np.random.default_rng(seed)
    drawn = [abs(rank_correlation(x, random.permutation(y))) for _ in range(resamples)]
    return _share_as_large([observed, *drawn], observed)


def _share_as_large(values: Sequence[float], observed: float) -> float:
    """Share of values that reach `observed`, up to rounding."""
    return float(np.mean(np.asarray(values) >= observed * (1 - 1e-12) - 1e-300))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction (Holm 1979) over those that are not None, which stay None."""
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = -inf
    for rank, (p, index) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        corrected[index] = largest
    return corrected
