"""Trends of a dose and a response: Kendall's rank correlation within each stratum, and the mean over strata.

Runs of two strata (two weight decays, say) differ for another reason than the dose and are never compared.
"""

from collections.abc import Sequence

import numpy as np

from experiment.claims.samples import Point
from experiment.intervals import percentile_interval

FEWEST_POINTS = 3  # of a rank correlation


def kendall(x: Sequence[float], y: Sequence[float]) -> float:
    """Kendall's tau_b; NaN where either is constant or there are fewer than three points."""
    if len(x) < FEWEST_POINTS or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    a, b = (np.sign(np.subtract.outer(values, values)) for values in (x, y))  # [N, N]: order of every two
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def mean_trend(points: Sequence[Point]) -> float:
    """Mean over strata of Kendall's tau_b of x and y within each; NaN where no stratum has one."""
    return _mean_over(_by_stratum(points))


def bootstrap_trend(
    points: Sequence[Point], confidence: float, resamples: int, seed: int
) -> tuple[float, float] | None:
    """Percentile interval of `mean_trend`, seeds drawn with replacement, the same in all strata; None for a single one.

    Draws without a coefficient are left out.
    """
    seeds = sorted({point.seed for point in points})
    if len(seeds) < 2:
        return None
    random = np.random.default_rng(seed)
    of_seed = [[point for point in points if point.seed == one] for one in seeds]
    drawn = (random.integers(len(seeds), size=len(seeds)) for _ in range(resamples))
    found = [mean_trend([point for index in indices for point in of_seed[index]]) for indices in drawn]
    known = [value for value in found if np.isfinite(value)]
    return percentile_interval(known, confidence) if known else None


def trend_permutation(points: Sequence[Point], resamples: int, seed: int) -> float | None:
    """Two-sided p of no trend: y is permuted against x within each stratum, at random, one added to both counts."""
    strata = _by_stratum(points)
    observed = abs(_mean_over(strata))
    if not np.isfinite(observed):
        return None
    random = np.random.default_rng(seed)
    drawn = [abs(_mean_over([(x, random.permutation(y)) for x, y in strata])) for _ in range(resamples)]
    return float(np.mean(np.asarray([observed, *drawn]) >= observed - 1e-12))


def _by_stratum(points: Sequence[Point]) -> list[tuple[list[float], list[float]]]:
    """x and y of each stratum."""
    strata: dict[str, tuple[list[float], list[float]]] = {}
    for point in points:
        x, y = strata.setdefault(point.stratum, ([], []))
        x.append(point.x)
        y.append(point.y)
    return list(strata.values())


def _mean_over(strata: Sequence[tuple[Sequence[float], Sequence[float]]]) -> float:
    known = [value for x, y in strata if np.isfinite(value := kendall(x, y))]
    return float(np.mean(known)) if known else float("nan")
