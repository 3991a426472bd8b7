"""Trends of a dose and a response: Kendall's rank correlation within each stratum and seed, and the mean over these.

Runs of two strata (two weight decays, say) differ for another reason than the dose, and runs of two seeds in their
initial values: neither are compared. So the coefficient is -1 where every seed's responses fall strictly, however many
seeds there are.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from experiment.claims.samples import Point
from experiment.dial import FEWEST_STRENGTHS
from experiment.intervals import widened_coefficient

Dial = tuple[list[float], list[float]]  # doses and responses of one stratum and seed


def kendall(x: Sequence[float], y: Sequence[float]) -> float:
    """Kendall's tau_b; NaN where either is constant or there are fewer than three points."""
    if len(x) < FEWEST_STRENGTHS or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    a, b = (np.sign(np.subtract.outer(values, values)) for values in (x, y))  # [N, N]: order of every two
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def mean_trend(points: Sequence[Point]) -> float:
    """Mean over strata and seeds of Kendall's tau_b of x and y within each; NaN where none has one."""
    return _mean(kendall(*dial) for dials in _by_seed(points).values() for dial in dials)


def bootstrap_trend(
    points: Sequence[Point], confidence: float, resamples: int, seed: int
) -> tuple[float, float] | None:
    """Bootstrap interval of `mean_trend`, `widened`; seeds are drawn, the same in all strata. None for a single one.

    Draws without a coefficient are left out.
    """
    of_seed = [[kendall(*dial) for dial in dials] for dials in _by_seed(points).values()]
    if len(of_seed) < 2:
        return None
    random = np.random.default_rng(seed)
    drawn = (random.integers(len(of_seed), size=len(of_seed)) for _ in range(resamples))
    found = [_mean(value for index in indices for value in of_seed[index]) for indices in drawn]
    return widened_coefficient(found, len(of_seed), mean_trend(points), confidence)


def trend_permutation(points: Sequence[Point], resamples: int, seed: int) -> float | None:
    """Two-sided p of no trend: y is permuted against x within stratum and seed, at random, one added to both counts."""
    observed = abs(mean_trend(points))
    if not np.isfinite(observed):
        return None
    dials = [dial for dials in _by_seed(points).values() for dial in dials]
    random = np.random.default_rng(seed)
    drawn = [abs(_mean(kendall(x, random.permutation(y)) for x, y in dials)) for _ in range(resamples)]
    return float(np.mean(np.asarray([observed, *drawn]) >= observed - 1e-12))


def _by_seed(points: Sequence[Point]) -> dict[int, list[Dial]]:
    """x and y of each stratum, by seed."""
    dials: dict[tuple[int, str], Dial] = {}
    for point in points:
        x, y = dials.setdefault((point.seed, point.stratum), ([], []))
        x.append(point.x)
        y.append(point.y)
    found: dict[int, list[Dial]] = {}
    for (seed, _), dial in dials.items():
        found.setdefault(seed, []).append(dial)
    return found


def _mean(values: Iterable[float]) -> float:
    """Over those that are finite; NaN where none is."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
