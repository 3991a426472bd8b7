"""The dial in words: whether numbers are ordered by the shortcut's strength, and how far they lie apart at all."""

from dataclasses import dataclass
from math import hypot, isfinite, sqrt
from statistics import fmean

from experiment.claims.samples import Point
from experiment.claims.trends import mean_trend
from experiment.dial import RESPONSES, Response, dials, strength
from experiment.reporting.ablation_values import values_of
from experiment.reporting.comparison import paired_over_seeds
from experiment.reporting.latex import enumeration, error_decimals, fixed, significant, typewriter
from experiment.reporting.results import Results, binomial_error
from experiment.reporting.wording import count_noun, interval, paragraph, places

TOLD_APART = 2  # standard errors of a difference


def ablation_dial(results: Results) -> str:
    """Kendall's rank correlation of B with each number over the dial's runs, and how far these lie apart."""
    found = dials(results.parameters["ablation"])
    if not found:
        return "Fewer than three strengths of the shortcut are declared, so no rank correlation is stated."
    strengths = sorted({strength(network) for networks in found.values() for network in networks})
    return paragraph(
        [f"The strengths are {enumeration([f'{b:g}' for b in strengths])}."]
        + [
            sentence(results, networks, decay)
            for decay, networks in found.items()
            for sentence in (_correlations, _spreads)
        ]
    )


def _correlations(results: Results, networks: list[str], decay: float) -> str:
    found = {
        response: rank_correlation(
            [
                Point(network, seed, strength(network), value)
                for network in networks
                for seed, value in enumerate(values_of(results, network, decay, response.key))
            ]
        )
        for response in RESPONSES
    }
    counts = sorted({count for _, count in found.values()})
    if counts == [0]:
        return f"With weight decay {decay:g} no run of the dial was measured."
    clauses = [_correlation_clause(response, *found[response], counts) for response in RESPONSES]
    points = "" if len(counts) > 1 else f" over {count_noun(counts[0], 'run')}"
    return (
        f"With weight decay {decay:g} Kendall's rank correlation of $B${points} is "
        f"{enumeration([clause for clause in clauses if clause])}."
    )


def _correlation_clause(response: Response, value: float, count: int, counts: list[int]) -> str:
    own = f" ({count_noun(count, 'run')})" if len(counts) > 1 else ""
    text = fixed(value, 2) if isfinite(value) else "not defined"
    return f"{text} with the {response.name}{own}"


def rank_correlation(points: list[Point]) -> tuple[float, int]:
    """`mean_trend` over the points that were measured, and their number; NaN for few or for a constant."""
    known = [point for point in points if isfinite(point.y)]
    return mean_trend(known), len(known)


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and its standard error, of measuring alone."""

    value: float
    error: float


def _spreads(results: Results, networks: list[str], decay: float) -> str:
    """How far the dial's traces, training losses and test errors lie apart, beside their errors."""
    texts = [_trace_spread(results, networks, decay), _fit_spread(results, networks, decay)]
    return paragraph(texts)


def _trace_spread(results: Results, networks: list[str], decay: float) -> str:
    """The traces farthest apart, and whether their errors account for that: over paired seeds, with one seed of measuring."""
    known = {n: found for n in networks if (found := _trace(results, n, decay)) is not None}
    if len(known) < 2:
        return ""
    low, high = (pick(known, key=lambda network: known[network].value) for pick in (min, max))
    start = (
        f"The normalised traces lie between {significant(known[low].value, 4)} ({typewriter(low)}) and "
        f"{significant(known[high].value, 4)} ({typewriter(high)})"
    )
    if len(results.parameters["ablation"]["seeds"]) > 1:
        return f"{start}{_over_seeds(results, (high, low), decay)}"
    return f"{start}{_over_sign_vectors(list(known.values()), (known[high], known[low]))}"


def _over_seeds(results: Results, ends: tuple[str, str], decay: float) -> str:
    """`: a difference of 230 +- 640 (95 % interval over 3 seeds, paired, within which lies zero; ...)`"""
    found = paired_over_seeds(*(values_of(results, network, decay, "normalised_trace") for network in ends))
    if found.half_width is None:
        return "; no seed but one has both, so that no error can be stated."
    digits = places(found.value, found.half_width, error_decimals(found.half_width))
    resolved = "" if found.resolved else ", within which lies zero"
    return (
        f": a difference of {interval(found, digits)} (95\\,\\% interval over {found.basis}, paired{resolved}; the two are "
        "the farthest apart of all, which makes the interval too narrow)."
    )


def _over_sign_vectors(known: list[Estimate], ends: tuple[Estimate, Estimate]) -> str:
    """The difference of the ends in units of its standard error, which covers sign vectors alone."""
    high, low = ends
    apart, error = high.value - low.value, hypot(low.error, high.error)
    errors = [significant(pick(found.error for found in known), 2) for pick in (min, max)]
    start = f", with standard errors over sign vectors of {' to '.join(dict.fromkeys(errors))}"
    if apart <= TOLD_APART * error:
        return (
            f"{start}: even the two farthest apart differ by no more than twice the standard error of their difference "
            f"({significant(error, 2)}), so that their order is no dose-response."
        )
    return f"{start}: the two farthest apart differ by {significant(apart / error, 2)} standard errors of their difference."


def _trace(results: Results, network: str, decay: float) -> Estimate | None:
    """The normalised trace over the seeds that were measured; None where none was."""
    columns = (values_of(results, network, decay, f"normalised_trace{end}") for end in ("", "_error"))
    known = [(value, error) for value, error in zip(*columns, strict=True) if isfinite(value)]
    if not known:
        return None
    return Estimate(
        fmean(value for value, _ in known), sqrt(sum(error**2 for _, error in known)) / len(known)
    )


def _fit_spread(results: Results, networks: list[str], decay: float) -> str:
    """Ranges of training loss and test error over the dial, means over seeds."""
    losses, errors = (
        [fmean(known) for network in networks if (known := _known(results, network, decay, key))]
        for key in ("train_loss", "test_error")
    )
    if len(losses) < 2 or len(errors) < 2:
        return ""
    chance = 100 * max(binomial_error(error / 100, results.dataset["test"]["images"]) for error in errors)
    return (
        f"Training losses lie within {fixed(max(losses) - min(losses), 3)} nats of each other and test errors within "
        f"{fixed(max(errors) - min(errors), 2)} percentage points; the finite test set alone gives a test error a standard "
        f"error of up to {fixed(chance, 2)} points."
    )


def _known(results: Results, network: str, decay: float, key: str) -> list[float]:
    return [value for value in values_of(results, network, decay, key) if isfinite(value)]
