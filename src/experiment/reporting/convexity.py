"""The convexity map with one rule for what is resolved, for the text, the claims and the figure."""

from math import inf, isnan, nan
from statistics import median
from typing import Any

from experiment.reporting.latex import measured


def resolved_ratios(stored: dict[str, Any]) -> list[list[float]]:
    """|smallest / largest eigenvalue| by alpha and beta, NaN where it is not resolved; empty where no map was measured.

    A point is not resolved where the stage masked it, or where the residual, the larger one of the two ends, exceeds
    |smallest|: the ratio is then an artefact of where the Lanczos process stopped.
    """
    names = ("convexity", "smallest", "residual")
    if not all(name in stored for name in names):
        return []
    return [
        [_resolved(*point) for point in zip(*rows, strict=True)]
        for rows in zip(*(stored[name] for name in names), strict=True)
    ]


def _resolved(ratio: float | None, smallest: float | None, residual: float | None) -> float:
    known = all(map(measured, (ratio, smallest, residual)))
    return float(ratio) if known and residual <= abs(smallest) else nan


def median_bounds(stored: dict[str, Any]) -> tuple[float, float] | None:
    """Median ratio of all points, with those not resolved at 0 and at their highest; None where no map was measured.

    The highest is (|smallest| + residual) / |largest|, without end where one is not known: an eigenvalue lies within the
    residual of the smallest that was found. One further out that the Lanczos process did not meet is not covered.
    """
    if stored.get("reason"):
        return None
    names = ("smallest", "largest", "residual")
    ratios = [ratio for row in resolved_ratios(stored) for ratio in row]
    if not ratios:
        return None
    ends = zip(*([value for row in stored[name] for value in row] for name in names), strict=True)
    highest = [_highest(*point) if isnan(ratio) else ratio for ratio, point in zip(ratios, ends, strict=True)]
    return median(0.0 if isnan(ratio) else ratio for ratio in ratios), median(highest)


def _highest(smallest: float | None, largest: float | None, residual: float | None) -> float:
    known = all(map(measured, (smallest, largest, residual))) and largest != 0
    return (abs(smallest) + residual) / abs(largest) if known else inf
