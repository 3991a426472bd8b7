"""The rule of the verdicts, on samples made by hand."""

from itertools import groupby

import numpy as np
import pytest

from experiment.claims.declared import CLAIMS, REVISED, Claim
from experiment.claims.judging import entry, judge_all
from experiment.claims.samples import Point, Sample
from experiment.evidence import INITIALISATION
from experiment.intervals import Contrast, Observation
from experiment.parameters.claims import Claims
from experiment.parameters.study import Study
from experiment.reporting.results import Results
from experiment.storage import write_json

RULE = Claims(confidence=0.95, significance=0.05, resamples=500, least_seeds=3, seed=0)


def claim(sample: Sample, expected: int = -1) -> Claim:
    words = ("x", "a claim", "", "a quantity", "first minus second", "train", "tab:x")
    return Claim(*words, expected, lambda _: sample, unit="nats")


def judged(sample: Sample, expected: int = -1):
    return judge_all((claim(sample, expected),), None, RULE)[0]


def pairs(gap: float, seeds: int, draws: int = 1, noise: float = 0.1) -> Sample:
    """Pairs of two depths whose first side lies `gap` above the second."""
    random = np.random.default_rng(0)
    observed = [
        Observation(
            depth, seed, tuple(gap + random.normal(0, noise, draws)), tuple(random.normal(0, noise, draws))
        )
        for depth in ("depth 20", "depth 56")
        for seed in range(seeds)
    ]
    return Sample("pairs", observed)


@pytest.mark.parametrize(
    ("gap", "expected", "verdict"),
    [(-1, -1, "supported"), (1, -1, "contradicted"), (1, 1, "supported"), (-1, 1, "contradicted"),
     (1, 0, "supported"), (-1, 0, "supported"), (0, -1, "inconclusive")],
)  # fmt: skip
def test_clear_effects_are_judged_by_their_sign(gap, expected, verdict):
    found = judged(pairs(gap, seeds=4), expected)
    assert found.verdict == verdict
    assert found.estimate == pytest.approx(gap, abs=0.2)
    assert (verdict == "inconclusive") == (found.reason is not None)


@pytest.mark.parametrize("draws", [1, 5])
def test_one_seed_is_never_more_than_one_observation(draws):
    found = judged(pairs(-5, seeds=1, draws=draws))
    assert found.verdict == "one observation" and found.p is None
    assert (found.interval is None) == (draws == 1)
    assert found.covers == (None if draws == 1 else "directions")


def test_too_few_seeds_are_inconclusive_and_say_so():
    found = judged(pairs(-5, seeds=2))
    assert found.verdict == "inconclusive" and found.reason == "2 seeds of depth 20, 3 are asked for"


def test_a_stratum_with_too_few_seeds_is_inconclusive():
    """It counts as much in the estimate as the others, without telling how much it varies."""
    sample = pairs(-5, seeds=3)
    sample.observations.append(Observation("depth 110", 0, (-5.0,), (0.0,)))
    found = judged(sample)
    assert found.verdict == "inconclusive" and found.reason == "1 seed of depth 110, 3 are asked for"


def test_a_correlation_of_nothing_is_not_taken_for_values_at_their_bound():
    points = [Point(name, 0, x, y) for name, x, y in zip("abcd", (1, 2, 3, 4), (2, 4, 1, 3), strict=True)]
    found = judged(Sample("networks", points=points))
    assert found.estimate == pytest.approx(0, abs=1e-12)
    assert found.reason == "a rank correlation over runs of one seed"


def test_significance_is_that_after_holms_correction():
    """p of 2/400 alone is small, but not among as many judgements as are made."""
    many = judge_all(tuple(claim(pairs(-1, seeds=3)) for _ in range(20)), None, RULE)
    assert judged(pairs(-1, seeds=3)).verdict == "supported"
    assert {found.verdict for found in many} == {"inconclusive"}
    assert {found.reason for found in many} == {"12 runs allow no p below 0.005, 0.1 when corrected"}
    assert all(found.p < RULE.significance <= found.p_corrected for found in many)


def test_the_verdict_by_exchanges_within_pairs_stands_beside_the_declared_one():
    """Runs differ by far more than the sides of a pair do: six pairs all lean one way."""
    observed = [
        Observation(depth, seed, (10.0 * seed,), (10.0 * seed + 1 + 0.1 * seed,))
        for depth in ("depth 20", "depth 56")
        for seed in range(6)
    ]
    found = judged(Sample("pairs", observed))
    assert found.p > 0.5 and found.verdict == "inconclusive"
    assert found.p_paired == pytest.approx(2 / 2**12) and found.verdict_paired == "supported"
    alone = judged(pairs(-5, seeds=1))
    assert alone.p_paired is None and alone.verdict_paired == alone.verdict == "one observation"


def test_nothing_measured_keeps_the_reasons():
    sample = Sample("pairs", missing=["resnet20 and plain20, seed 0: the run diverged"])
    found = judged(sample)
    assert found.verdict == "cannot be judged" and "the run diverged" in found.reason
    assert found.estimate is None and found.p is None
    assert entry(found)["missing"] == sample.missing


def test_a_trend_is_judged_by_its_rank_correlation():
    points = [
        Point(f"plain{depth}-{seed}", seed, depth, depth + seed)
        for depth in (20, 56, 110)
        for seed in range(3)
    ]
    found = judged(Sample("scatter", points=points), 1)
    assert found.verdict == "supported" and found.estimate > 0.9
    flat = [Point(point.run, point.seed, point.x, 1.0) for point in points]
    assert judged(Sample("scatter", points=flat), 1).verdict == "cannot be judged"


def test_contrasts_are_judged_over_seeds():
    contrasts = [Contrast("decay", seed, (4 + 0.1 * seed, 1), (2, 1)) for seed in range(4)]
    found = judged(Sample("contrasts", contrasts=contrasts), 0)
    assert found.estimate == pytest.approx(2.15) and found.covers == "seeds"
    assert found.verdict == "supported" and found.p < 0.05
    alone = judged(Sample("contrasts", contrasts=contrasts[:1]), 0)
    assert alone.verdict == "one observation" and alone.interval is None and alone.p is None


def doses(response, seeds: int) -> Sample:
    """Four doses within two weight decays, whose levels lie apart."""
    points = [
        Point(f"B {x}", seed, x, level + response(x) + 0.001 * seed, f"weight decay {decay}")
        for decay, level in (("0", 0.0), ("0.1", 1000.0))
        for x in range(4)
        for seed in range(seeds)
    ]
    return Sample("doses", strata="weight decays", points=points)


def test_doses_are_judged_within_each_weight_decay():
    """Pooled, the levels of the two weight decays would hide the trend."""
    found = judged(doses(lambda x: -x, seeds=3))
    assert found.verdict == "supported" and found.covers == "seeds"
    content = entry(found)
    assert content["by_stratum"] == {"weight decay 0": found.estimate, "weight decay 0.1": found.estimate}
    assert (content["correlation"], content["unit"], content["n"]) == (True, "", 24)
    assert judged(doses(lambda x: x, seeds=3)).verdict == "contradicted"
    alone = judged(doses(lambda x: -x, seeds=1))
    assert (alone.estimate, alone.interval, alone.p) == (-1, None, None)
    assert judged(doses(lambda x: 0, seeds=1)).verdict == "cannot be judged"


def test_the_parts_of_a_mean_are_kept():
    observed = [Observation(f"depth {depth}", 0, (depth,), (14.0,)) for depth in (8.0, 32.0)]
    content = entry(judged(Sample("pairs", observed, strata="depths"), 1))
    assert content["by_stratum"] == {"depth 8.0": -6, "depth 32.0": 18} and content["estimate"] == 6
    assert (content["correlation"], content["unit"], content["n"], content["strata"]) == (
        False,
        "nats",
        2,
        "depths",
    )


def test_what_the_sample_compares_goes_before_what_the_claim_says():
    sample = pairs(-1, seeds=3)
    assert entry(judged(sample))["comparison"] == "first minus second"
    sample.comparison = "deep minus shallow"
    assert entry(judged(sample))["comparison"] == "deep minus shallow"


def test_a_correlation_over_networks_counts_networks():
    points = [Point(f"n{k}", seed, k, k) for k in range(4) for seed in range(3)]
    assert entry(judged(Sample("networks", points=points), 1))["n"] == 4
    assert entry(judged(Sample("scatter", points=points), 1))["n"] == 12


def test_runs_of_one_network_are_no_independent_points():
    """Two networks of many seeds: a perfect correlation over runs, of which two networks can say nothing."""
    points = [
        Point(name, seed, x + 0.1 * seed, x + 0.1 * seed)
        for name, x in (("a", 0), ("b", 5))
        for seed in range(9)
    ]
    assert judged(Sample("scatter", points=points), 1).verdict == "supported"
    assert judged(Sample("networks", points=points), 1).verdict == "cannot be judged"
    more = [Point(f"n{k}", seed, k, k) for k in range(7) for seed in range(3)]
    found = judged(Sample("networks", points=more), 1)
    assert found.covers == "networks" and found.verdict == "supported"


def test_values_at_their_bound_have_no_interval_and_say_so():
    same = [Observation("depth 20", seed, (1.0, 1.0), (1.0, 1.0)) for seed in range(3)]
    found = judged(Sample("pairs", same))
    assert (found.estimate, found.interval, found.p, found.verdict) == (0.0, None, 1.0, "inconclusive")
    assert "bound" in found.reason
    alone = judged(Sample("pairs", same[:1]))
    assert alone.verdict == "one observation" and "bound" in alone.reason


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (Sample("pairs", [Observation("depth 20", 0, (1.0,), (2.0,))]), "nothing is drawn more than once"),
        (Sample("pairs", [Observation("depth 20", 0, (1.0, 2.0), (2.0, 3.5))]), "one seed"),
        (
            Sample("networks", points=[Point(f"n{k}", 0, k, k) for k in range(4)]),
            "a rank correlation over runs of one seed",
        ),
    ],
)
def test_one_seed_without_an_interval_says_why(sample, reason):
    assert (judged(sample).verdict, judged(sample).reason) == ("one observation", reason)


def test_an_entry_holds_what_the_estimate_was_made_from():
    sample = pairs(-1, seeds=3)
    content = entry(judged(sample))
    assert len(content["observations"]) == 6
    by_hand = np.mean([o["first"] - o["second"] for o in content["observations"]])
    assert content["estimate"] == pytest.approx(by_hand)
    assert content["low"] < content["estimate"] < content["high"]


def test_identifiers_are_unique_and_every_claim_is_complete():
    assert len({declared.id for declared in CLAIMS}) == len(CLAIMS)
    for declared in CLAIMS:
        assert declared.expected in (-1, 0, 1)
        assert all((declared.text, declared.quantity, declared.comparison, declared.stage, declared.shown))


def test_judgements_of_a_claim_stand_together_and_share_its_source():
    texts = [declared.text for declared in CLAIMS]
    assert len(list(groupby(texts))) == len(set(texts))
    assert len({(declared.text, declared.source) for declared in CLAIMS}) == len(set(texts))


def test_no_claim_on_gradients_is_another_one_with_its_sign_changed(tmp_path, monkeypatch):
    """Where sigmoid gradients of both families vanish, how unequal layers are is how far they vanish."""
    monkeypatch.chdir(tmp_path)
    claims = [declared for declared in CLAIMS if declared.stage == "measure_initialisation"]
    variants = {declared.id.partition("_gradients")[2] for declared in claims}
    declared = {"families": ["resnet", "plain"], "variants": [*variants], "depths": [8, 14], "seeds": [0]}
    ratios = {"resnet": 1e-3, "plain": 1e-6}
    networks = {
        f"{family}{depth}{variant}": {
            "runs": [{"seed": 0, "reason": None, "layers": {"first": ratio if "sigmoid" in variant else 1 / ratio, "last": 1.0}}]
        }
        for family, ratio in ratios.items()
        for depth in declared["depths"]
        for variant in variants
    }  # fmt: skip
    write_json(INITIALISATION, {"networks": networks})
    study = Results(
        "paper", {"initialisation": declared}, Study(networks=["resnet8"], seeds=[0]), {}, {}, {}, {}
    )
    judgements = [j for j in judge_all(tuple(claims), study, RULE) if j.estimate is not None]
    assert {j.claim.id for j in judgements} >= {"vanishing_gradients-sigmoid-nonorm", "balanced_gradients"}
    told = [(j.claim.id.partition("_gradients")[2], abs(j.estimate)) for j in judgements]
    assert len(told) == len(set(told))


def test_what_was_revised_after_data_were_seen_is_marked():
    assert all(any(declared.id.startswith(start) for declared in CLAIMS) for start in REVISED)
    marked = {declared.id for declared in CLAIMS if declared.revised}
    assert {
        "clipping",
        "input_noise",
        "balanced_gradients",
        "less_overfitting",
        "strength_flatness",
    } <= marked
    assert not {"trace_final", "faster_convergence", "flat_radius_matched"} & marked


def test_every_claim_names_a_stage_of_the_pipeline_a_label_and_a_reference_of_the_paper():
    import re
    from pathlib import Path

    import yaml

    root = Path(__file__).parents[3]
    stages = yaml.safe_load((root / "dvc.yaml").read_text())["stages"]
    sources = [*(root / "paper").glob("*.tex"), *(root / "src/experiment/reporting").glob("*.py")]
    keys = set(re.findall(r"^@\w+\{(\w+),", (root / "paper/references.bib").read_text(), re.MULTILINE))
    labels = set(re.findall(r"\\label\{([^}]+)\}", "\n".join(path.read_text() for path in sources)))
    for declared in CLAIMS:
        assert declared.stage in stages, declared.id
        assert declared.shown in labels, declared.id
        assert declared.source in {"", *keys}, declared.id


def test_what_rescaling_moves_is_known_by_its_claim():
    raw = {claim.id for claim in CLAIMS if claim.raw}
    assert raw == {
        f"{name}_{state}" for name in ("largest_eigenvalue", "trace") for state in ("final", "matched")
    }
    assert all(claim.raw == ("which rescaling moves" in claim.quantity) for claim in CLAIMS)


def test_too_few_networks_for_any_verdict_are_named():
    points = [Point(f"n{k}", seed, k, k) for k in range(4) for seed in range(3)]
    found = judged(Sample("networks", points=points), 1)
    assert (found.verdict, found.reason) == ("inconclusive", "4 networks allow no p below 0.083")
    more = [Point(f"n{k}", seed, k, (k * 3) % 7) for k in range(7) for seed in range(3)]
    assert "networks" not in (judged(Sample("networks", points=more), 1).reason or "")


def test_a_p_that_could_be_lower_is_not_laid_to_the_number_of_runs():
    found, *_ = judge_all(tuple(claim(pairs(0.12, seeds=3)) for _ in range(20)), None, RULE)
    assert found.verdict == "inconclusive" and found.p > 2 / 400 and "allow" not in found.reason
