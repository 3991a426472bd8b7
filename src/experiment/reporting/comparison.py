"""Residual against plain networks: differences, with the error that can be stated for them."""

from dataclasses import dataclass, replace
from math import exp, inf, log, sqrt
from statistics import fmean, stdev

from scipy.stats import norm, t

from experiment.pairs import Pair
from experiment.reporting.latex import measured
from experiment.reporting.results import Results, binomial_error, printed

CONFIDENCE = 0.95
ONE_SEED = "one seed"
DIRECTIONS = "paired directions"  # what an interval of one seed is over
BY_RATIO = ("edge_rise",)  # measures of roughness that are positive and differ by factors


@dataclass(frozen=True)
class Ratio:
    """Residual over plain, the geometric mean of pairs, and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """Two values, and half the width of the 95 % interval of their difference (None: not known).

    With a ratio it is that which tells them apart: of positive values that differ by factors.
    """

    residual: float | None
    plain: float | None
    half_width: float | None
    basis: str = ""  # what the interval covers
    resolution: float = 0.0  # differences up to this are rounding
    ratio: Ratio | None = None
    freedom: float = inf  # degrees of freedom of the interval's Student's distribution; inf: the normal one

    @property
    def value(self) -> float | None:
        """Residual minus plain."""
        return self.residual - self.plain if measured(self.residual) and measured(self.plain) else None

    @property
    def resolved(self) -> bool:
        """The interval excludes 0 (of a ratio: 1), and the difference is no rounding. Without an interval: not."""
        if self.ratio is None:
            return self.differs
        return self._is_known and not self.ratio.low <= 1 <= self.ratio.high

    @property
    def differs(self) -> bool:
        """The same by the difference, whether or not there is a ratio."""
        return self._is_known and abs(self.value) > self.half_width

    @property
    def _is_known(self) -> bool:
        """There are a difference that is no rounding, and an interval."""
        return measured(self.value) and measured(self.half_width) and abs(self.value) > self.resolution

    @property
    def p(self) -> float | None:
        """Two-sided p of no difference (of a ratio: of 1) by the test of which the interval is; None without an interval."""
        if not (measured(self.value) and measured(self.half_width)):
            return None
        if abs(self.value) <= self.resolution:
            return 1.0
        apart, half = self.value, self.half_width
        if self.ratio is not None:
            apart, half = log(self.ratio.value), log(self.ratio.high / self.ratio.low) / 2
        if not half:
            return 0.0 if apart else 1.0
        reach = t.ppf((1 + CONFIDENCE) / 2, self.freedom)
        return float(2 * t.sf(reach * abs(apart) / half, self.freedom))

    @property
    def single(self) -> bool:
        """Of one seed: an observation of one run, whatever its interval covers."""
        return self.half_width is None or self.basis.startswith(ONE_SEED)

    @property
    def sign(self) -> int:
        """-1: the residual network's value is lower; 1: higher; 0: not resolved."""
        if not self.resolved:
            return 0
        return 1 if (self.value > 0 if self.ratio is None else self.ratio.value > 1) else -1


def paired_over_seeds(
    residual: list[float | None], plain: list[float | None], by_ratio: bool = False
) -> Difference:
    """Means over the seeds that have both values; interval by Student's t on the paired differences.

    Without such a seed, the value of the one network that has any, and none where both have, from different seeds.
    """
    both = [(r, p) for r, p in zip(residual, plain, strict=True) if measured(r) and measured(p)]
    if not both:
        first = [next(filter(measured, side), None) for side in (residual, plain)]
        return Difference(None, None, None) if None not in first else Difference(*first, None)
    means = (fmean(r for r, _ in both), fmean(p for _, p in both))
    if len(both) == 1:
        return Difference(*means, None)
    ratio = ratio_of(both) if by_ratio else None
    half = half_width([r - p for r, p in both])
    return Difference(*means, half, f"{len(both)} seeds", ratio=ratio, freedom=len(both) - 1)


def paired_over_directions(
    residual: list[float], plain: list[float], found: Difference, by_ratio: bool = False
) -> Difference:
    """`found` with Student's t interval of the differences by direction, since both networks have the same seeds."""
    if len(residual) < 2:
        return found
    both = list(zip(residual, plain, strict=True))
    ratio = ratio_of(both) if by_ratio else None
    basis = f"{ONE_SEED}, {len(residual)} {DIRECTIONS}"
    half = half_width([r - p for r, p in both])
    return replace(found, half_width=half, basis=basis, ratio=ratio, freedom=len(both) - 1)


def paired(
    values: list[list[float | None]], along: list[list[list[float] | None]], by_ratio: bool = False
) -> Difference:
    """Of values by seed, residual then plain: over seeds, with one seed over the directions whose values are `along`."""
    found = paired_over_seeds(*values, by_ratio)
    if found.half_width is not None or found.value is None:
        return found
    both = next((both for both in zip(*along, strict=True) if all(both)), None)
    return paired_over_directions(*both, found, by_ratio) if both else found


def ratio_of(both: list[tuple[float, float]]) -> Ratio | None:
    """Student's t interval of the paired logarithms; None where a value is not positive. Two pairs or more."""
    if min(min(pair) for pair in both) <= 0:
        return None
    logarithms = [log(residual / plain) for residual, plain in both]
    centre, half = fmean(logarithms), half_width(logarithms)
    return Ratio(exp(centre), exp(centre - half), exp(centre + half))


def half_width(differences: list[float]) -> float:
    """Half the width of Student's t interval of their mean; two or more."""
    count = len(differences)
    return float(t.ppf((1 + CONFIDENCE) / 2, count - 1) * stdev(differences) / sqrt(count))


def test_error_difference(results: Results, pair: Pair) -> Difference:
    """Of the test errors; with one seed the interval covers the finite test set alone."""
    errors = [results.test_errors(network) for network in (pair.residual, pair.plain)]
    difference = paired_over_seeds(*errors)
    if difference.half_width is not None or difference.value is None:
        return difference
    count = results.dataset["test"]["images"]
    variance = sum(binomial_error(share, count) ** 2 for share in (difference.residual, difference.plain))
    half = float(norm.ppf((1 + CONFIDENCE) / 2) * sqrt(variance))
    return Difference(difference.residual, difference.plain, half, f"{ONE_SEED}, the finite test set alone")


def roughness_difference(results: Results, pair: Pair, state: str, measure: str) -> Difference:
    """Of a measure of the cuts; with one seed the interval covers the draw of directions alone, paired.

    A difference too small to be printed is not resolved: measures at their bound differ by rounding, without
    any spread.
    """
    networks = (pair.residual, pair.plain)
    return measure_difference(
        [results.measure(network, state, measure) for network in networks],
        [results.by_direction(network, state, measure) for network in networks],
        measure,
    )


def measure_difference(
    values: list[list[float | None]], along: list[list[list[float] | None]], measure: str
) -> Difference:
    """`paired` of a measure of roughness; by ratio where it is one of BY_RATIO."""
    return rounded(paired(values, along, measure in BY_RATIO), measure)


def rounded(difference: Difference, measure: str) -> Difference:
    """The same, unresolved where it is too small for the decimals with which the measure is printed."""
    factor, digits = printed(measure)
    return replace(difference, resolution=0.5 * 10**-digits / factor)
