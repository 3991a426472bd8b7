"""The convexity map with one rule for what is resolved, for the text, the claims and the figure."""

from math import nan
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
