"""Verdicts: an estimate with its interval and p value per claim, and one rule for all.

The rule, its numbers declared in params.yaml (`claims`): with one seed a claim is `one observation`. With fewer seeds
than `least_seeds`, and where no interval or no p value can be had, it is `inconclusive`. Else it is `supported`
where the interval lies wholly on the claimed side of 0 and p, Holm-corrected over all claims, is below
`significance`; `contradicted` where both hold for the other side; else `inconclusive`.
"""

from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from experiment.claims.declared import Claim
from experiment.claims.samples import Sample
from experiment.intervals import (
    bootstrap_correlation,
    bootstrap_effect,
    correlation_permutation,
    holm,
    label_permutation,
    mean_effect,
    percentile_bootstrap,
    rank_correlation,
    sign_flips,
)
from experiment.parameters.claims import Claims
from experiment.reporting.results import Results

SUPPORTED, CONTRADICTED, INCONCLUSIVE = "supported", "contradicted", "inconclusive"
ONE_OBSERVATION, NOT_MEASURED = "one observation", "not measured"
VERDICTS = (SUPPORTED, CONTRADICTED, INCONCLUSIVE, ONE_OBSERVATION, NOT_MEASURED)


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
    verdict: str = NOT_MEASURED
    reason: str | None = None

    @property
    def side(self) -> int:
        """1 or -1 where the interval excludes 0, else 0."""
        if self.interval is None or self.interval[0] <= 0 <= self.interval[1]:
            return 0
        return 1 if self.interval[0] > 0 else -1


def judge_all(claims: tuple[Claim, ...], results: Results, rule: Claims) -> list[Judgement]:
    """Every claim, with p values corrected over all."""
    estimated = [estimate(claim, claim.collect(results), rule) for claim in claims]
    corrected = holm([judgement.p for judgement in estimated])
    judged = (replace(j, p_corrected=p) for j, p in zip(estimated, corrected, strict=True))
    return [with_verdict(judgement, rule) for judgement in judged]


def estimate(claim: Claim, sample: Sample, rule: Claims) -> Judgement:
    """The claim's estimate, interval and uncorrected p value."""
    found = ESTIMATORS[sample.kind](claim, sample, rule)
    value, interval, covers, p = found if found else (float("nan"), None, None, None)
    if not isfinite(value):
        reason = "; ".join(sample.missing[:3]) or "too few runs, or runs that do not differ"
        return Judgement(claim, sample, reason=reason)
    return Judgement(claim, sample, value, interval, covers if interval else None, p)


Found = tuple[float, tuple[float, float] | None, str | None, float | None]


def _from_pairs(claim: Claim, sample: Sample, rule: Claims) -> Found | None:
    observed = sample.observations
    if not observed:
        return None
    interval = bootstrap_effect(observed, claim.effect, rule.confidence, rule.resamples, rule.seed)
    several = len(sample.seeds) > 1
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


def _from_contrasts(claim: Claim, sample: Sample, rule: Claims) -> Found | None:
    values = [value for _, value in sample.contrasts]
    if not values:
        return None
    several = len(sample.seeds) > 1
    interval = percentile_bootstrap(values, rule.confidence, rule.resamples, rule.seed) if several else None
    p = sign_flips(values, rule.resamples, rule.seed) if several else None
    return sum(values) / len(values), interval, "seeds", p


ESTIMATORS = {"pairs": _from_pairs, "scatter": _from_scatter, "contrasts": _from_contrasts}


def with_verdict(judgement: Judgement, rule: Claims) -> Judgement:
    """The rule of this module applied."""
    if judgement.estimate is None:
        return judgement
    seeds = len(judgement.sample.seeds)
    if seeds == 1:
        return replace(judgement, verdict=ONE_OBSERVATION, reason="one seed")
    if seeds < rule.least_seeds:
        return replace(
            judgement, verdict=INCONCLUSIVE, reason=f"{seeds} seeds, {rule.least_seeds} are asked for"
        )
    if judgement.interval is None or judgement.p_corrected is None:
        return replace(judgement, verdict=INCONCLUSIVE, reason="no interval or no p value can be had")
    if judgement.side == 0:
        return replace(judgement, verdict=INCONCLUSIVE, reason="the interval holds 0")
    if judgement.p_corrected >= rule.significance:
        return replace(judgement, verdict=INCONCLUSIVE, reason="p is not below the significance declared")
    claimed = judgement.claim.expected in (0, judgement.side)
    return replace(judgement, verdict=SUPPORTED if claimed else CONTRADICTED)


def entry(judgement: Judgement) -> dict[str, Any]:
    """The judgement as claims.json holds it."""
    claim, sample = judgement.claim, judgement.sample
    low, high = judgement.interval or (None, None)
    return {
        "id": claim.id,
        "claim": claim.text,
        "quantity": claim.quantity,
        "comparison": claim.comparison,
        "expected_sign": claim.expected,
        "estimate": judgement.estimate,
        "low": low,
        "high": high,
        "interval_covers": judgement.covers,
        "p": judgement.p,
        "p_corrected": judgement.p_corrected,
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "seeds": sorted(sample.seeds),
        "observations": observations(sample),
        "missing": sample.missing,
        "stage": claim.stage,
        "shown": claim.shown,
    }


def observations(sample: Sample) -> list[dict[str, Any]]:
    """What the estimate was made from: pairs by the means of their sides, points of a scatter, contrasts."""
    pairs = [
        {"of": o.stratum, "seed": o.seed, "first": _mean(o.first), "second": _mean(o.second)}
        for o in sample.observations
    ]
    points = [{"of": p.run, "seed": p.seed, "x": p.x, "y": p.y} for p in sample.points]
    return pairs + points + [{"seed": seed, "contrast": value} for seed, value in sample.contrasts]


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)
