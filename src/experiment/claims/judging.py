"""Verdicts: an estimate with its interval and p value per claim, and one rule for all.

The rule, its numbers declared in params.yaml (`claims`): a claim without an estimate `cannot be judged`. With one
seed in all it is `one observation`. With fewer seeds than `least_seeds` in some stratum, and where no interval or no
p value can be had, it is `inconclusive`. Else it is `supported` where the interval lies wholly on the claimed side of
0 and p, Holm-corrected over all claims, is below `significance`; `contradicted` where both hold for the other side;
else `inconclusive`. A two-sided claim has no other side: either way it is supported, and it cannot be contradicted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import comb, factorial, inf, isfinite, prod
from typing import Any

from experiment.claims.declared import Claim
from experiment.claims.samples import Sample, mean
from experiment.claims.trends import bootstrap_trend, mean_trend, trend_permutation
from experiment.claims.verdicts import CONTRADICTED, INCONCLUSIVE, ONE_OBSERVATION, SUPPORTED, UNJUDGED
from experiment.intervals import (
    bootstrap_contrast,
    bootstrap_correlation,
    bootstrap_effect,
    contrast_permutation,
    correlation_permutation,
    holm,
    label_permutation,
    mean_contrast,
    mean_effect,
    pair_permutation,
    rank_correlation,
    relative_difference,
)
from experiment.parameters.claims import Claims
from experiment.reporting.results import Results


@dataclass(frozen=True)
class Judgement:
    """A claim's numbers; None where they do not exist, and then `reason` says why."""

    claim: Claim
    sample: Sample
    estimate: float | None = None
    interval: tuple[float, float] | None = None
    covers: str | None = None  # what varies within the interval
    p: float | None = None
    p_corrected: float | None = None
    verdict: str = UNJUDGED
    reason: str | None = None
    p_paired: float | None = None  # of pairs, by exchanges within them: not the declared test
    verdict_paired: str = UNJUDGED  # by the same rule, were that test the declared one

    @property
    def side(self) -> int:
        """1 or -1 where the interval excludes 0, else 0."""
        if self.interval is None or self.interval[0] <= 0 <= self.interval[1]:
            return 0
        return 1 if self.interval[0] > 0 else -1


def judge_all(claims: tuple[Claim, ...], results: Results, rule: Claims) -> list[Judgement]:
    """Every claim, with p values corrected over all; beside the verdict, what it would be by exchanges within pairs."""
    estimated = [estimate(claim, claim.collect(results), rule) for claim in claims]
    paired = [replace(j, p=j.p if j.p_paired is None else j.p_paired) for j in estimated]
    return [
        replace(declared, verdict_paired=other.verdict)
        for declared, other in zip(_judged(estimated, rule), _judged(paired, rule), strict=True)
    ]


def _judged(estimated: Sequence[Judgement], rule: Claims) -> list[Judgement]:
    corrected = holm([judgement.p for judgement in estimated])
    return [with_verdict(replace(j, p_corrected=p), rule) for j, p in zip(estimated, corrected, strict=True)]


def estimate(claim: Claim, sample: Sample, rule: Claims) -> Judgement:
    """The claim's estimate, interval and uncorrected p value."""
    found = ESTIMATORS[sample.kind](claim, sample, rule)
    value, interval, covers, p = found if found else (float("nan"), None, None, None)
    if not isfinite(value):
        reason = "; ".join(sample.missing[:3]) or "too few runs, or runs that do not differ"
        return Judgement(claim, sample, reason=reason)
    reason = AT_ITS_BOUND if found is NO_VARIATION or found is SAME_OVER_SEEDS else None
    paired = None
    if sample.kind == "pairs" and p is not None and reason is None:
        paired = pair_permutation(sample.observations, claim.effect, rule.resamples, rule.seed)
    covered = covers if interval else None
    return Judgement(claim, sample, value, interval, covered, p, reason=reason, p_paired=paired)


Found = tuple[float, tuple[float, float] | None, str | None, float | None]
NO_VARIATION: Found = (0.0, None, None, None)  # no draw could have told the sides apart
SAME_OVER_SEEDS: Found = (0.0, None, None, 1.0)  # nor any exchange of their labels
AT_ITS_BOUND = "all values are the same, at the bound of what is resolved"
NOTHING_DRAWN, ONE_SEED_RANKED = "nothing is drawn more than once", "a rank correlation over runs of one seed"


def _from_pairs(claim: Claim, sample: Sample, rule: Claims) -> Found | None:
    observed = sample.observations
    if not observed:
        return None
    several = len(sample.seeds) > 1
    if len({value for o in observed for value in (*o.first, *o.second)}) == 1:
        return SAME_OVER_SEEDS if several else NO_VARIATION
    interval = bootstrap_effect(observed, claim.effect, rule.confidence, rule.resamples, rule.seed)
    interval = within(interval, largest_effect(claim))
    drawn = any(len(observation.first) > 1 for observation in observed)
    covers = " and ".join(name for name, varies in (("seeds", several), ("directions", drawn)) if varies)
    p = label_permutation(observed, claim.effect, rule.resamples, rule.seed) if several else None
    return mean_effect(observed, claim.effect), interval, covers, p


def _from_scatter(claim: Claim, sample: Sample, rule: Claims) -> Found | None:
    x, y = [point.x for point in sample.points], [point.y for point in sample.points]
    seeds = [point.seed for point in sample.points]
    interval = bootstrap_correlation(x, y, seeds, rule.confidence, rule.resamples, rule.seed)
    p = correlation_permutation(x, y, rule.resamples, rule.seed) if len(sample.seeds) > 1 else None
    return rank_correlation(x, y), interval, "seeds", p


def _from_networks(claim: Claim, sample: Sample, rule: Claims) -> Found | None:
    """Runs of one network are no independent points: means over seeds, networks drawn and permuted."""
    networks = list(dict.fromkeys(point.run for point in sample.points))
    x, y = (
        [mean([getattr(point, axis) for point in sample.points if point.run == name]) for name in networks]
        for axis in ("x", "y")
    )
    if len(sample.seeds) < 2:
        return rank_correlation(x, y), None, None, None
    interval = bootstrap_correlation(x, y, networks, rule.confidence, rule.resamples, rule.seed)
    return (
        rank_correlation(x, y),
        interval,
        "networks",
        correlation_permutation(x, y, rule.resamples, rule.seed),
    )


def _from_doses(claim: Claim, sample: Sample, rule: Claims) -> Found | None:
    points, draws = sample.points, (rule.resamples, rule.seed)
    interval = bootstrap_trend(points, rule.confidence, *draws)
    p = trend_permutation(points, *draws) if len(sample.seeds) > 1 else None
    return mean_trend(points), interval, "seeds", p


def _from_contrasts(claim: Claim, sample: Sample, rule: Claims) -> Found | None:
    found, draws = sample.contrasts, (rule.resamples, rule.seed)
    if not found:
        return None
    interval = within(
        bootstrap_contrast(found, claim.effect, rule.confidence, *draws), 2 * largest_effect(claim)
    )
    p = contrast_permutation(found, claim.effect, *draws) if len(sample.seeds) > 1 else None
    return mean_contrast(found, claim.effect), interval, "seeds", p


def largest_effect(claim: Claim) -> float:
    """What the effect of two values cannot exceed: 2 of a relative difference, 1 of a difference of shares."""
    return 2.0 if claim.effect is relative_difference else 1.0 if claim.unit == "share" else inf


def within(interval: tuple[float, float] | None, bound: float) -> tuple[float, float] | None:
    return interval and (max(interval[0], -bound), min(interval[1], bound))


ESTIMATORS = {
    "pairs": _from_pairs,
    "scatter": _from_scatter,
    "networks": _from_networks,
    "doses": _from_doses,
    "contrasts": _from_contrasts,
}
CORRELATIONS = ("scatter", "networks", "doses")


def by_stratum(claim: Claim, sample: Sample) -> dict[str, float]:
    """The estimate of each stratum alone, of which the claim's is the mean; nothing where all entries are taken together."""
    estimators: dict[str, Callable[[Sequence], float]] = {
        "pairs": lambda found: mean_effect(found, claim.effect),
        "contrasts": lambda found: mean_contrast(found, claim.effect),
        "doses": mean_trend,
    }
    if sample.kind not in estimators:
        return {}
    found = {name: estimators[sample.kind](members) for name, members in strata_of(sample).items()}
    return {name: value for name, value in found.items() if isfinite(value)}


def with_verdict(judgement: Judgement, rule: Claims) -> Judgement:
    """The rule of this module applied."""
    if judgement.estimate is None:
        return judgement
    if len(judgement.sample.seeds) == 1:
        return replace(judgement, verdict=ONE_OBSERVATION, reason=judgement.reason or of_one_seed(judgement))
    stratum, seeds = fewest_seeds(judgement.sample)
    if seeds < rule.least_seeds:
        words = f"{seeds} seed{'s' if seeds > 1 else ''}{stratum and f' of {stratum}'}, {rule.least_seeds} are asked for"
        return replace(judgement, verdict=INCONCLUSIVE, reason=words)
    if judgement.interval is None or judgement.p_corrected is None:
        reason = judgement.reason or out_of_reach(judgement, rule) or "no interval or no p value can be had"
        return replace(judgement, verdict=INCONCLUSIVE, reason=reason)
    if judgement.side == 0:
        return replace(judgement, verdict=INCONCLUSIVE, reason="the interval contains 0")
    if judgement.p_corrected >= rule.significance:
        reason = out_of_reach(judgement, rule) or "p is not below the significance declared"
        return replace(judgement, verdict=INCONCLUSIVE, reason=reason)
    claimed = judgement.claim.expected in (0, judgement.side)
    return replace(judgement, verdict=SUPPORTED if claimed else CONTRADICTED)


def out_of_reach(judgement: Judgement, rule: Claims) -> str:
    """`4 networks allow no p below 0.083`, where that, or what the correction makes of it, is above the significance."""
    found = least_p(judgement.sample)
    if found is None or judgement.p is None:
        return ""
    what, least = found
    text = f"{what} allow no p below {least:.2g}"
    if least >= rule.significance:
        return text
    reached = judgement.p <= least * (1 + 1e-9) and judgement.p_corrected >= rule.significance
    return f"{text}, {judgement.p_corrected:.2g} when corrected" if reached else ""


def least_p(sample: Sample) -> tuple[str, float] | None:
    """What was permuted, and the p of the most extreme of all ways to do so, which its mirror shares; None of other tests."""
    if sample.kind == "networks":
        number = len({point.run for point in sample.points})
        return f"{number} networks", 2 / factorial(number)
    if sample.kind == "pairs":
        ways = prod(comb(2 * len(members), len(members)) for members in strata_of(sample).values())
        return f"{2 * len(sample.observations)} runs", 2 / ways
    return None


def fewest_seeds(sample: Sample) -> tuple[str, int]:
    """Of the strata, each of which counts alike in the estimate, the one with the fewest seeds, and how many these are."""
    seeds = {name: len({entry.seed for entry in members}) for name, members in strata_of(sample).items()}
    return min(seeds.items(), key=lambda item: item[1])


def strata_of(sample: Sample) -> dict[str, list]:
    """The entries of each stratum, in their order."""
    strata: dict[str, list] = {}
    for entry in (*sample.observations, *sample.contrasts, *sample.points):
        strata.setdefault(entry.stratum, []).append(entry)
    return strata


def of_one_seed(judgement: Judgement) -> str:
    """Why a judgement of one seed is no more, and without an interval why it has none."""
    if judgement.interval is not None:
        return "one seed"
    return ONE_SEED_RANKED if judgement.sample.kind in CORRELATIONS else NOTHING_DRAWN


def entry(judgement: Judgement) -> dict[str, Any]:
    """The judgement as claims.json holds it."""
    claim, sample = judgement.claim, judgement.sample
    low, high = judgement.interval or (None, None)
    return {
        "id": claim.id,
        "claim": claim.text,
        "source": claim.source,
        "quantity": claim.quantity,
        "comparison": sample.comparison or claim.comparison,
        "caveat": claim.caveat,
        "correlation": sample.kind in CORRELATIONS,
        "unit": "" if sample.kind in CORRELATIONS else claim.unit,
        "expected_sign": claim.expected,
        "estimate": judgement.estimate,
        "low": low,
        "high": high,
        "interval_covers": judgement.covers,
        "p": judgement.p,
        "p_corrected": judgement.p_corrected,
        "p_paired": judgement.p_paired,
        "verdict_paired": judgement.verdict_paired,
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "n": sample.size,
        "seeds": sorted(sample.seeds),
        "revised": claim.revised,
        "raw": claim.raw,
        "strata": sample.strata,
        "by_stratum": by_stratum(claim, sample),
        "observations": observations(sample),
        "missing": sample.missing,
        "stage": claim.stage,
        "shown": claim.shown,
    }


def observations(sample: Sample) -> list[dict[str, Any]]:
    """What the estimate was made from: pairs by the means of their sides, points of a scatter, contrasts."""
    pairs = [
        {"of": o.stratum, "seed": o.seed, "first": mean(o.first), "second": mean(o.second)}
        for o in sample.observations
    ]
    points = [
        {"of": ", ".join(filter(None, (p.run, p.stratum))), "seed": p.seed, "x": p.x, "y": p.y}
        for p in sample.points
    ]
    contrasts = [
        {"of": c.stratum, "seed": c.seed, "first": list(c.first), "second": list(c.second)}
        for c in sample.contrasts
    ]
    return pairs + points + contrasts
