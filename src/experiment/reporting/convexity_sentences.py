"""What the points of the convexity maps that are not resolved would change: resolution selects."""

from itertools import product
from math import isnan
from statistics import fmean

from experiment.pairs import Pair, pairs
from experiment.reporting.convexity import median_bounds, resolved_ratios
from experiment.reporting.curvature_values import maps
from experiment.reporting.latex import enumeration, measured, significant
from experiment.reporting.results import Results, spread

SELECTION = (
    "These medians are over the resolved points, and resolution selects: it fails where the smallest eigenvalue is small beside "
    "the residual, and there the ratio tends to be small."
)


def convexity_bounds(results: Results) -> str:
    """Medians over all points, with what those that are not resolved may be; nothing where there are none."""
    found = [pair for pair in pairs(results.study.networks) if not _is_resolved(results, pair)]
    texts = [f"{text} at {pair.label}" for pair in found if (text := _of_pair(results, pair))]
    if not texts:
        return ""
    turned = [pair.label for pair in found if _is_turned(results, pair)]
    order = f", which would turn the order round at {enumeration(turned)}" if turned else ""
    return f"{SELECTION} With the others, as far as the Lanczos process has met their smallest eigenvalue, the medians are {enumeration(texts)}{order}."


def _is_resolved(results: Results, pair: Pair) -> bool:
    """Whether every point of both networks' maps is."""
    shares = [
        found["resolved"] for network in (pair.residual, pair.plain) for found in maps(results, network)
    ]
    return all(share == 1 for share in shares)


def _of_pair(results: Results, pair: Pair) -> str:
    """`0.110 against 0.104`, or with both ends of what is possible; nothing where a map is missing."""
    both = [_bounds(results, network) for network in (pair.residual, pair.plain)]
    return " against ".join(_range(*bounds) for bounds in both) if all(both) else ""


def _bounds(results: Results, network: str) -> tuple[float, float] | None:
    """Means over the seeds that have a map."""
    stored = [results.evidence("curvature", network, seed)["map"] for seed in results.study.seeds]
    found = [bounds for entry in stored if (bounds := median_bounds(entry))]
    return tuple(map(fmean, zip(*found, strict=True))) if found else None


def _range(low: float, high: float) -> str:
    if not measured(high):
        return f"at least {significant(low)}"
    shown = [significant(value) for value in (low, high)]
    return shown[0] if shown[0] == shown[1] else f"between {shown[0]} and {shown[1]}"


def _is_turned(results: Results, pair: Pair) -> bool:
    """Whether another network has the larger median once all points count, those not resolved from 0 to their highest."""
    medians, bounds = [], []
    for network in (pair.residual, pair.plain):
        medians.append(spread([found["median"] for found in maps(results, network)]).mean)
        bounds.append(_bounds(results, network))
    if not (all(map(measured, medians)) and all(bounds)):
        return False
    (low, high), (other_low, other_high) = bounds
    return (high < other_low and medians[0] > medians[1]) or (low > other_high and medians[0] < medians[1])


def negative_curvature(results: Results) -> str:
    """`The smallest eigenvalue is negative at 170 of the 173 resolved points, 23 of 24 centres among them.`"""
    networks = dict.fromkeys(
        network for pair in pairs(results.study.networks) for network in (pair.residual, pair.plain)
    )
    signs, centres = [], []
    for network, seed in product(networks, results.study.seeds):
        stored = results.evidence("curvature", network, seed)["map"]
        ratios = [] if stored.get("reason") else resolved_ratios(stored)
        points = [
            (row, column, stored["smallest"][row][column] < 0)
            for row, values in enumerate(ratios)
            for column, ratio in enumerate(values)
            if not isnan(ratio)
        ]
        middle = len(ratios) // 2
        signs += [negative for _, _, negative in points]
        centres += [negative for row, column, negative in points if row == column == middle]
    if not signs:
        return ""
    among = f", {_some(centres, 'resolved centre')} among them" if any(centres) else ""
    return f"The smallest eigenvalue is negative at {_some(signs, 'resolved point')}{among}."


def _some(found: list[bool], noun: str) -> str:
    """`all 173 points`, `170 of 173 points`"""
    nouns = noun if len(found) == 1 else f"{noun}s"
    every = {1: f"the one {noun}", 2: f"both {nouns}"}.get(len(found), f"all {len(found)} {nouns}")
    return every if all(found) else f"{sum(found)} of {len(found)} {nouns}"


CONVEXITY_SENTENCES = {
    "curvature_convexity_bounds": convexity_bounds,
    "curvature_negative": negative_curvature,
}
