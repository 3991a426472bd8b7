"""Which network the slices favour: measures of flatness and smoothness, and what their differences resolve."""

from dataclasses import dataclass

from scipy.stats import norm

from experiment.intervals import holm
from experiment.pairs import Pair
from experiment.reporting.comparison import (
    BY_RATIO,
    CONFIDENCE,
    Difference,
    paired_over_seeds,
    roughness_difference,
    rounded,
)
from experiment.reporting.latex import fixed, measured
from experiment.reporting.results import Results, printed, spread
from experiment.reporting.wording import interval
from flatness.roughness import CURVATURE_ERRORS

NO_DIFFERENCE, WITHIN = "no difference", "within its error"
NO_ROUGHNESS = "no roughness is resolved in either"
FAMILY = {-1: "residual", 1: "plain"}
PLANES = {"cuts": "final", "matched_cuts": "matched"}  # the plane about the weights of the cuts
NOISE_SHARE = float(
    norm.sf(CURVATURE_ERRORS)
)  # of second differences that noise alone would count as negative


@dataclass(frozen=True)
class Judged:
    """A measure of the cuts that the text judges by: what it is called and which values are the better.

    Up to `bound` it is what slices without roughness have, errors and noise alone: two networks may share that without
    being alike.
    """

    measure: str
    name: str
    unit: str
    better: int  # -1: lower values are flatter or smoother; 1: higher ones are
    bound: float | None = None

    def winner(self, difference: Difference) -> str | None:
        """`residual` or `plain`, `neither` where the difference is within its error, None where that is unknown."""
        if difference.value is None or difference.half_width is None:
            return None
        return FAMILY[-self.better * difference.sign] if difference.sign else "neither"

    def leaning(self, difference: Difference) -> str | None:
        """`residual` or `plain`, by the values alone; None where they are the same or unknown."""
        value = difference.value
        return FAMILY[-1 if self.better * value > 0 else 1] if value else None

    def at_bound(self, difference: Difference) -> bool:
        """Whether both networks' values are those of slices in which nothing exceeds the errors."""
        values = (difference.residual, difference.plain)
        return self.bound is not None and all(measured(value) and not self.exceeds(value) for value in values)

    def exceeds(self, value: float | None) -> bool:
        """Whether a value is beyond the bound by what is printed at least; not where it was not measured."""
        factor, digits = printed(self.measure)
        return measured(value) and value > self.bound + 0.5 * 10**-digits / factor


@dataclass(frozen=True)
class Quality:
    """What several measures speak of together, with the word for having more of it."""

    noun: str
    comparative: str
    verb: str
    measures: tuple[Judged, ...]


RISE = Judged("edge_rise", "rise to the rim", " nats", -1)
HALFWAY = Judged("halfway_distance", "half-way distance", "", 1)
FLATNESS = Quality(
    "flatness",
    "flatter",
    "flatten",
    (RISE, HALFWAY),
)
SMOOTHNESS = Quality(
    "smoothness",
    "smoother",
    "smooth",
    (
        Judged("excess_variation", "excess variation", "", -1, bound=1),
        Judged("nonconvex_share", "non-convex share", r"\,\%", -1, bound=NOISE_SHARE),
    ),
)
QUALITIES = (FLATNESS, SMOOTHNESS)


def differences_of(results: Results, pair: Pair, state: str, quality: Quality) -> list[Difference]:
    return [roughness_difference(results, pair, state, judged.measure) for judged in quality.measures]


def resolving(results: Results, pair: Pair, state: str, quality: Quality, family: str) -> list[Judged]:
    """The quality's measures by which the family's difference is resolved in its favour."""
    compared = zip(quality.measures, differences_of(results, pair, state, quality), strict=True)
    return [judged for judged, difference in compared if judged.winner(difference) == family]


Compared = tuple[str, str, str]  # a pair's label, where its cuts are, and by what measure


def surviving(results: Results, found: list[Pair], quality: Quality) -> set[Compared]:
    """What is resolved after Holm's correction for the number of the quality's intervals, of all pairs in both comparisons."""
    compared = {
        (pair.label, state, judged.measure): difference
        for pair in found
        for state in PLANES
        for judged, difference in zip(
            quality.measures, differences_of(results, pair, state, quality), strict=True
        )
    }
    resolved = resolved_among(list(compared.values()))
    return {name for name, survives in zip(compared, resolved, strict=True) if survives}


def resolved_among(found: list[Difference]) -> list[bool]:
    """Whether each is resolved after Holm's correction for their number."""
    corrected = holm([difference.p for difference in found])
    return [d.resolved and p < 1 - CONFIDENCE for d, p in zip(found, corrected, strict=True)]


def favoured(
    results: Results, pair: Pair, state: str, quality: Quality, among: set[Compared] | None = None
) -> str | None:
    """The family that the quality's measures favour where they resolve a difference, one of `among` if that is given.

    `neither` where none does, `disputed` where they favour different ones, None where none could be judged.
    """
    differences = differences_of(results, pair, state, quality)
    winners = set()
    for judged, difference in zip(quality.measures, differences, strict=True):
        winner = judged.winner(difference)
        lost = among is not None and (pair.label, state, judged.measure) not in among
        winners.add("neither" if winner and lost else winner)
    winners -= {None}
    resolved = winners - {"neither"}
    if len(resolved) == 2:
        return "disputed"
    return next(iter(resolved or winners), None)


def is_smooth(results: Results, pair: Pair, state: str) -> bool:
    """Whether no measure resolves any roughness in either network."""
    differences = differences_of(results, pair, state, SMOOTHNESS)
    return all(judged.at_bound(d) for judged, d in zip(SMOOTHNESS.measures, differences, strict=True))


def outcome(judged: Judged, difference: Difference, quality: Quality) -> str:
    """`residual flatter`, `within its error` and the like; `no difference` where the printed values are the same.

    Where both are at the measure's bound, nothing was resolved that could be compared, and the words say so.
    """
    if judged.at_bound(difference):
        return NO_ROUGHNESS
    factor, digits = printed(judged.measure)
    if fixed(factor * difference.residual, digits) == fixed(factor * difference.plain, digits):
        return NO_DIFFERENCE
    winner = judged.winner(difference)
    words = {None: "no error can be stated", "neither": WITHIN}
    return words.get(winner, f"{winner} {quality.comparative}")


def both(results: Results, pair: Pair, state: str, name: str) -> list[float | None]:
    """Means over seeds, residual then plain."""
    return [spread(results.measure(network, state, name)).mean for network in (pair.residual, pair.plain)]


def plane_variation(results: Results, pair: Pair, state: str) -> str:
    """`1.00 against 1.05`: excess variation on the planes about the weights of the cuts; nothing where not of both."""
    found = plane_difference(results, pair, state, "excess_variation")
    return " against ".join(_sides_printed(found)) if found.value is not None else ""


def plane_variation_apart(results: Results, pair: Pair, state: str) -> str:
    """`1.01 against 1.47, a difference of -0.46 +- 0.53`: that over seeds, where the two values print differently."""
    found = plane_difference(results, pair, state, "excess_variation")
    shown = plane_variation(results, pair, state)
    if found.half_width is None or len(set(_sides_printed(found))) == 1:
        return shown
    return f"{shown}, a difference of {interval(found, printed('excess_variation')[1])}"


def _sides_printed(found: Difference) -> list[str]:
    return [fixed(value, printed("excess_variation")[1]) for value in (found.residual, found.plain)]


def plane_difference(results: Results, pair: Pair, state: str, name: str) -> Difference:
    """Of the planes about the weights of the cuts, or `recomputed`, over paired seeds; a single plane has no error."""
    networks = (pair.residual, pair.plain)
    values = [results.measure(network, PLANES.get(state, state), name) for network in networks]
    return rounded(paired_over_seeds(*values, name in BY_RATIO), name)


def unanimous(results: Results, pair: Pair, state: str, judged: Judged) -> str:
    """The family whose value of a measure of the cuts is the higher in every seed, by what is printed; empty without one."""
    sides = (results.measure(network, state, judged.measure) for network in (pair.residual, pair.plain))
    by_seed = [
        rounded(Difference(*values, half_width=0.0), judged.measure) for values in zip(*sides, strict=True)
    ]
    signs = {found.sign for found in by_seed} if len(by_seed) > 1 else set()
    return {1: "residual", -1: "plain"}.get(signs.pop(), "") if len(signs) == 1 else ""
