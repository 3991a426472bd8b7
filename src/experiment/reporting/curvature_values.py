"""The numbers of curvature by run, which of them are resolved, and their differences within pairs."""

from dataclasses import dataclass
from math import hypot, isnan
from statistics import fmean, median
from typing import Any

from experiment.layout import STATES
from experiment.pairs import Pair
from experiment.reporting.comparison import Difference, paired_over_seeds
from experiment.reporting.convexity import resolved_ratios
from experiment.reporting.latex import measured
from experiment.reporting.results import Results
from experiment.storage import run_name

COLUMNS = {  # value: its error
    "largest_eigenvalue": "largest_residual",
    "smallest_eigenvalue": "smallest_residual",
    "trace": "trace_error",
}
COMPARED = {  # what rescaling leaves as it is first
    "normalised_largest_eigenvalue": "filter-normalised largest eigenvalue",
    "normalised_trace": "filter-normalised trace",
    "largest_eigenvalue": "raw largest eigenvalue",
    "trace": "raw trace",
}
TRACE_ERRORS = 2  # standard errors of a difference of traces beyond which they are told apart
NORMALISED = "normalised_"
RESCALING_INVARIANT = tuple(
    name for name in COMPARED if name.startswith(NORMALISED)
)  # that can compare networks
NEAR_ZERO = 0.01  # of a spectrum's largest eigenvalue


def values(results: Results, network: str, state: str, name: str) -> list[float | None]:
    """A number of one state by seed; None where it was not measured."""
    return [
        results.evidence("curvature", network, seed)["states"][state].get(name)
        for seed in results.study.seeds
    ]


def error_name(name: str) -> str:
    """`normalised_largest_residual` of `normalised_largest_eigenvalue`."""
    bare = name.removeprefix(NORMALISED)
    return name.removesuffix(bare) + COLUMNS[bare]


def is_unresolved(value: float | None, residual: float | None) -> bool:
    """Whether an eigenvalue is smaller than its residual, so that not even its sign is known."""
    return measured(value) and measured(residual) and residual > abs(value)


@dataclass(frozen=True)
class Comparison:
    """A number of both networks of a pair. With a single pair of runs its errors are numerical ones, and `difference`
    has no interval.
    """

    difference: Difference
    errors: tuple[float, float] | None  # residuals of eigenvalues, standard errors of traces
    threshold: float  # difference that the numerical errors may make

    @property
    def family(self) -> str | None:
        """Whose value is the lower, beyond the interval over seeds or the numerical errors; None where neither is."""
        if self.errors is None:
            return {-1: "residual", 1: "plain", 0: None}[self.difference.sign]
        value = self.difference.value
        if abs(value) <= self.threshold:
            return None
        return "residual" if value < 0 else "plain"


def compare(results: Results, pair: Pair, state: str, name: str) -> Comparison | None:
    """Over seeds; with one seed by the numerical errors. None where not both were measured."""
    networks = (pair.residual, pair.plain)
    sides = [values(results, network, state, name) for network in networks]
    difference = paired_over_seeds(*sides)
    if difference.value is None:
        return None
    if difference.half_width is not None:
        return Comparison(difference, None, 0.0)
    shared = next(number for number, both in enumerate(zip(*sides, strict=True)) if all(map(measured, both)))
    errors = tuple(values(results, network, state, error_name(name))[shared] for network in networks)
    return Comparison(difference, errors, _threshold(name, errors))


def _threshold(name: str, errors: tuple[float, float]) -> float:
    """Residuals are bounds and add up; standard errors add in squares."""
    return TRACE_ERRORS * hypot(*errors) if name.endswith("trace") else sum(errors)


def reasons(results: Results, map_alone: bool = False) -> dict[str, list[str]]:
    """Runs by the reason for which some value of theirs was not measured."""
    found: dict[str, list[str]] = {}
    for network, seed in results.study.runs:
        stored = results.evidence("curvature", network, seed)
        entries = [stored["map"]] if map_alone else [stored["states"][state] for state in STATES]
        for reason in dict.fromkeys(entry["reason"] for entry in entries if entry["reason"] is not None):
            found.setdefault(reason, []).append(run_name(network, seed))
    return found


def mass_near_zero(state: dict[str, Any]) -> float | None:
    """Share of the quadrature's weight, a mean over its draws, at nodes within NEAR_ZERO of the largest eigenvalue from
    zero; None where no density was measured.
    """
    if state["reason"] is not None:
        return None
    reach = NEAR_ZERO * abs(state["largest_eigenvalue"])
    nodes, weights = state["density"]["nodes"], state["density"]["weights"]  # by draw
    return fmean(
        sum(weight for node, weight in zip(*draw, strict=True) if abs(node) <= reach)
        for draw in zip(nodes, weights, strict=True)
    )


def maps(results: Results, network: str) -> list[dict[str, Any]]:
    """`map_measures` by seed."""
    return [map_measures(results.evidence("curvature", network, seed)["map"]) for seed in results.study.seeds]


def map_measures(stored: dict[str, Any]) -> dict[str, Any]:
    """Points, share resolved, and median and largest ratio of those that are; None where there is none."""
    ratios = [ratio for row in resolved_ratios(stored) for ratio in row]
    known = [ratio for ratio in ratios if not isnan(ratio)]
    return {
        "points": len(ratios),
        "resolved": len(known) / len(ratios) if ratios else None,
        "median": median(known) if known else None,
        "largest": max(known, default=None),
    }
