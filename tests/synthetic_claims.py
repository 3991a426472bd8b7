"""Made-up verdicts: every declared claim once, verdicts, signs and what is averaged in turn."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from experiment.claims.declared import CLAIMS
from experiment.claims.verdicts import CONTRADICTED, SUPPORTED, VERDICTS
from experiment.storage import write_json


def write(results: Path, parameters: Mapping[str, Any], diverged: Collection[str]) -> None:
    """Write claims.json below `results`; `diverged` runs have no part in it."""
    entries = [_entry(number, claim, parameters) for number, claim in enumerate(CLAIMS)]
    write_json(results / "claims.json", {"rule": dict(parameters["claims"]), "claims": entries})


def _entry(number: int, claim, parameters: Mapping[str, Any]) -> dict[str, Any]:
    verdict = VERDICTS[number % len(VERDICTS)]
    measured = verdict != "cannot be judged"
    estimate = (-1) ** number * (0.1 + 0.02 * number)
    known = measured and (number % 7 != 3 or verdict in (SUPPORTED, CONTRADICTED))
    return {
        "id": claim.id,
        "claim": claim.text,
        "source": claim.source,
        "quantity": claim.quantity,
        "comparison": claim.comparison,
        "caveat": claim.caveat,
        "raw": claim.raw,
        "correlation": claim.comparison.startswith(("rank", "Kendall")),
        "unit": claim.unit,
        "expected_sign": claim.expected,
        "estimate": estimate if measured else None,
        "low": estimate - 0.2 if known else None,
        "high": estimate + 0.2 if known else None,
        "interval_covers": "seeds and directions" if known else None,
        "p": 0.01 * number if known else None,
        "p_corrected": min(1.0, 0.1 * number) if known else None,
        "p_paired": 0.005 * number if known and number % 2 else None,
        "verdict": verdict,
        "verdict_paired": VERDICTS[(number + (number % 8 == 1)) % len(VERDICTS)],
        "reason": "made up" if verdict in ("inconclusive", "cannot be judged", "one observation") else None,
        "n": 2 if measured else 0,
        "seeds": list(parameters["seeds"]) if measured else [],
        "revised": claim.revised,
        "strata": "depths",
        "by_stratum": {"depth 8": -estimate, "depth 20": 3 * estimate} if measured and number % 2 else {},
        "observations": [
            {"of": "resnet20, plain20", "seed": seed, "first": 0.125, "second": 0.25}
            for seed in parameters["seeds"]
            if measured
        ],
        "missing": ["plain20, seed 1: made up"] if number % 4 == 1 else [],
        "stage": claim.stage,
        "shown": claim.shown,
    }
