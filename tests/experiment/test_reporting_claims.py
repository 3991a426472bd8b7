"""What is said of the claims follows claims.json, whatever the verdicts."""

from types import SimpleNamespace

import pytest

from experiment.claims.declared import FLATTER, WIDER
from experiment.evidence import CLAIMS
from experiment.reporting import claims
from experiment.storage import write_json

MINUS = r"\ensuremath{-}"
JUDGED = {
    "id": "x_y", "claim": "a claim", "source": "key2000word", "quantity": "a quantity", "comparison": "a minus b", "caveat": "", "raw": False,
    "correlation": False, "unit": "nats", "expected_sign": -1, "estimate": -0.5, "low": -0.75, "high": -0.25,
    "interval_covers": "seeds", "p": 0.01, "p_corrected": 0.02, "verdict": "supported", "reason": None, "n": 6,
    "seeds": [0, 1, 2], "revised": False, "strata": "depths", "by_stratum": {}, "observations": [], "missing": [],
    "stage": "train", "shown": "tab:training", "p_paired": 0.001, "verdict_paired": "supported",
}  # fmt: skip
UNKNOWN = {"estimate": None, "low": None, "high": None, "p": None, "p_corrected": None, "n": 0, "seeds": []}
ONCE = {"verdict": "one observation", "seeds": [0], "p": None, "p_corrected": None}
LAPTOP = SimpleNamespace(scale="laptop")  # all that is read of the results
UNJUDGED = {"verdict": "cannot be judged", "reason": "why_not", **UNKNOWN}


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def found(*changes: dict) -> None:
    """claims.json with a judgement for each of `changes` to a supported one."""
    write_json(CLAIMS, {"claims": [JUDGED | change for change in changes]})


def test_all_judgements_are_accounted_for_in_the_abstract():
    found({}, ONCE, ONCE | {"claim": "another"}, UNJUDGED)
    text = claims.judged_claims_summary(LAPTOP)
    assert (
        "2 claims by declared statistics in 4 judgements: 1 is supported, 2 are single observations and 1"
        in text
    )
    assert "1 cannot be judged." in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([ONCE], "None is supported or contradicted."),
        ([{}, ONCE], "All that is supported or contradicted was fixed before data were seen."),
        ([{"revised": True}, ONCE], "No judgement that was fixed before data were seen is decided"),
        ([{"revised": True}, {}], "one was chosen or changed after data had been seen and is no prediction"),
        ([{"revised": True}, {"revised": True}, {}], "two were chosen or changed after data had been seen and are no"),
    ],
)  # fmt: skip
def test_it_is_said_whether_what_is_decided_was_a_prediction(changes, said):
    found(*changes)
    assert said in claims.hindsight(LAPTOP)
    for text in (claims.decided(LAPTOP), claims.judged_claims_summary(LAPTOP)):
        assert claims.hindsight(LAPTOP) in text


def test_other_scales_judge_on_other_runs_than_those_that_were_seen():
    found({"revised": True}, {"revised": True}, {})
    assert claims.hindsight(SimpleNamespace(scale="gpu")) == (
        "Of the decided judgements, two were chosen or changed after the laptop scale's data had been seen and are judged "
        "here on other runs."
    )


def test_what_is_decided_is_listed_with_the_parts_of_its_mean():
    parts = {"depth 8": 0.25, "depth 20": -0.5, "depth 56": -1.25}
    found(
        ONCE,
        {"by_stratum": parts, "revised": True},
        {"verdict": "contradicted", "by_stratum": {"depth 8": 1.0}},
    )
    supported, contradicted = [
        line for line in claims.decided(LAPTOP).splitlines() if line.startswith(r"\item")
    ]
    assert supported.startswith(
        rf"\item \emph{{Supported}}: a claim{claims.REVISED} (\texttt{{x\_y}}), a quantity; a minus b"
    )
    assert supported.endswith(
        f"{MINUS}0.50 [{MINUS}0.75, {MINUS}0.25] nats over seeds; a mean over three depths of effects from {MINUS}1.2 to "
        "0.25, with the opposite sign at depth 8."
    )
    assert contradicted.startswith(r"\item \emph{Contradicted}: a claim (") and "mean" not in contradicted


def test_nothing_decided_makes_no_list():
    found(ONCE)
    assert "itemize" not in claims.decided(LAPTOP)


def test_correlations_are_printed_with_the_number_of_their_points():
    assert claims.estimate(JUDGED | {"correlation": True, "unit": ""}).endswith(r"(\ensuremath{n=6})")
    assert "n=" not in claims.estimate(JUDGED)


def test_judgements_without_an_estimate_are_named_by_their_reasons():
    found({}, UNJUDGED, UNJUDGED | {"id": "z"})
    assert claims.unjudged(None) == r"Of \texttt{x\_y} and \texttt{z} there is no estimate (why\_not)."
    found({})
    assert claims.unjudged(None) == ""


def test_two_sided_claims_are_said_to_be_beyond_contradiction():
    found({}, {"expected_sign": 0}, {"expected_sign": 0})
    assert "Two judgements of an effect of either sign" in claims.two_sided()
    assert "cannot be contradicted" in claims.two_sided()
    assert claims.side(JUDGED | {"expected_sign": 0}) == claims.side(JUDGED | {"expected_sign": -1}) == 1
    found({})
    assert claims.two_sided() == ""


def test_generalisation_gaps_are_means_over_seeds():
    gaps = [
        {"of": pair, "seed": seed, "first": first, "second": 1.0}
        for pair, seed, first in (("a, b", 0, 0.1), ("a, b", 1, 0.3), ("c, d", 0, 0.5), ("c, d", 1, 0.5))
    ]
    found({}, {"id": claims.GAP, "observations": gaps})
    text = claims.gaps(None)
    assert "means over seeds" in text
    assert r"0.200 against 1.00 nats (\texttt{a, b}) and 0.500 against 1.00 nats (\texttt{c, d})" in text
    found({"id": claims.GAP, "observations": gaps[:1]})
    assert "0.100 against 1.00" in claims.gaps(None) and "means" not in claims.gaps(None)
    found({"id": claims.GAP})
    assert claims.gaps(None) == "No generalisation gap was measured in both networks of a pair."


def test_the_table_has_each_claim_once_with_its_source_and_each_judgement_by_its_identifier():
    found(
        {}, {"id": "z", "shown": "fig:z", "missing": ["why"]}, UNJUDGED | {"claim": "another", "source": ""}
    )
    rows = claims.claims_table(None).splitlines()
    heads = [line for line in rows if "multicolumn" in line]
    assert r"\emph{A claim} \citep{key2000word}, \cref{tab:training} and \cref{fig:z}" in heads[0]
    assert r"\emph{Another} (ours), \cref{tab:training}" in heads[1] and len(heads) == 2
    judged = [line for line in rows if line.startswith(r"\texttt")]
    assert [line.partition(":")[0] for line in judged] == [r"\texttt{x\_y}", r"\texttt{z}", r"\texttt{x\_y}"]
    assert "& 6 (1) &" in judged[1] and judged[2].count("---") == 6
    assert {line.count("&") for line in judged} == {8}


def test_the_conclusion_names_what_is_decided_once():
    found({}, {"id": "z"}, ONCE, {"claim": "the other one", "verdict": "contradicted"})
    assert claims.conclusion(None) == (
        r"Of 4 judgements, 2 are supported, 1 is contradicted and 1 is a single observation. Supported: \emph{a claim} "
        r"(in two of three judgements). Contradicted: \emph{the other one}."
    )


def test_what_else_may_decide_a_judgement_is_said_where_it_is_decided():
    found({"caveat": "size decides", "verdict": "contradicted"})
    assert claims.decided_item(claims.entries()[0]).endswith(". Mind that size decides.")
    assert r"\emph{a claim} (but size decides)." in claims.conclusion(None)
    found({"caveat": "size decides"})  # which would only strengthen what is supported
    assert "size" not in claims.decided_item(claims.entries()[0]) + claims.conclusion(None)


def test_flat_minima_are_counted_in_each_comparison():
    flat, moved = {"claim": FLATTER}, {"raw": True}
    here, there = {"id": "x_final"}, {"id": "x_matched"}
    found(flat | here, flat | here, flat | there | moved, flat | there | ONCE, flat | there | ONCE, {})
    counted = (
        "in two of two judgements at the final weights and none of two judgements at equal training loss"
    )
    alone, moves = (
        " by measures that rescaling leaves alone",
        " by measures that rescaling moves, so that they cannot compare networks",
    )
    assert claims.flatness_in_short() == f"By{alone[3:]}, that {FLATTER} is supported {counted}."
    assert claims.flatness_in_short() in claims.judged_claims_summary(LAPTOP)
    assert (
        f"{counted}{alone}, and in one of one judgement at equal training loss{moves}"
        in claims.conclusion(None)
    )
    found(flat | here | moved)
    assert claims.flatness_in_short() == ""
    found(flat | here | ONCE)
    assert claims.flatness_in_short() == ""
    found({"revised": True})
    assert claims.conclusion(None).endswith("was chosen or changed after data had been seen.")
    found(ONCE)
    assert claims.conclusion(None) == "Of 1 judgements, 1 is a single observation."


def test_counts_of_single_observations_agree_with_their_verbs():
    nowhere = ONCE | {"low": None, "high": None, "reason": "nothing is drawn more than once"}
    found(ONCE, ONCE | {"low": 0.25, "high": 0.5}, nowhere)
    text = claims.verdict_count(None)
    assert (
        "1 lies on the claimed side of zero with its whole interval, 1 on the other, 0 contain zero and 1 has no "
        "interval (1: nothing is drawn more than once)." in text
    )
    found(nowhere, nowhere | {"reason": "all the same"}, nowhere | {"reason": "all the same"})
    assert (
        "3 have no interval (2: all the same; 1: nothing is drawn more than once)."
        in claims.verdict_count(None)
    )
    found(ONCE)
    assert "0 have no interval." in claims.verdict_count(None)


def test_inconclusive_judgements_are_counted_by_their_reasons():
    open_ones = [
        {"verdict": "inconclusive", "reason": reason} for reason in ("few seeds", "contains 0", "contains 0")
    ]
    found({}, *open_ones)
    assert claims.verdict_count(None).endswith("Why inconclusive: contains 0 (2); few seeds (1).")
    found({})
    assert "inconclusive" not in claims.verdict_count(None)


def test_the_ablation_is_answered_by_the_verdicts_on_its_networks():
    of_ablation = {"stage": "measure_ablation"}
    undecided = of_ablation | {"verdict": "inconclusive"}
    found(
        {"claim": "elsewhere"},
        undecided,
        of_ablation | {"claim": "b"},
        undecided | {"claim": "c", "revised": True},
    )
    assert claims.ablation_answer(None) == (
        rf"Of the claims judged on these networks (\cref{{tab:claims}}), one is supported (b) and two are inconclusive "
        rf"(a claim; c{claims.REVISED})."
    )
    found({})
    assert claims.ablation_answer(None) == ""


def test_what_the_mean_hides_stands_in_the_conclusion():
    parts = {"depth 8": 0.25, "depth 20": -0.5, "depth 56": -1.25}
    found({"by_stratum": parts})
    assert claims.conclusion(None).endswith(
        r"Supported: \emph{a claim} (in the mean over three depths, with the opposite sign at depth 8)."
    )


def test_single_observations_are_counted_by_the_sign_of_their_values_too():
    """A two-sided claim's value is on the claimed side, either way."""
    other, none = (ONCE | {"estimate": value} for value in (0.5, 0.0))
    found(ONCE, other, none, none, ONCE | {"expected_sign": 0, "estimate": -3.0}, ONCE | {"estimate": None})
    assert claims.verdict_count(None).endswith(
        "By their values alone 2 lie on the claimed side, 1 on the other and 2 at zero."
    )


@pytest.mark.parametrize(
    ("low", "high", "printed"),
    [
        (-0.75, -0.25, f"[{MINUS}0.75, {MINUS}0.25]"),
        (-0.0196, 8.5e-05, f"[{MINUS}0.020, 0.0001]"),
        (-8.6e-05, 3.0, r"[\ensuremath{-9 \times 10^{-5}}, 3.0]"),
        (2e-05, 3e-05, r"[\ensuremath{2.0 \times 10^{-5}}, \ensuremath{3.0 \times 10^{-5}}]"),
        (0.5, 0.5, "[0.50, 0.50]"),
        (None, None, ""),
    ],
)
def test_an_end_near_zero_is_no_longer_than_the_interval_asks_for(low, high, printed):
    assert claims.interval({"low": low, "high": high}) == printed


def test_an_estimate_near_zero_is_no_longer_than_the_interval_asks_for():
    around = {"low": -0.041, "high": 0.039}
    assert claims.value({"estimate": -1.2e-4, **around}) == f"{MINUS}0.0001"
    assert claims.value({"estimate": 0.0123, **around}) == "0.012"
    assert claims.value({"estimate": 1.2e-5, "low": None, "high": None}) == r"\ensuremath{1.2 \times 10^{-5}}"


def test_what_is_undecided_with_its_interval_on_one_side_is_named_in_the_conclusion():
    against = {"verdict": "inconclusive", "low": 0.1, "high": 0.2, "estimate": 0.15, "id": "against_it"}
    found({}, against, {"verdict": "inconclusive", "low": -0.2, "high": 0.2, "id": "holds_zero"})
    text = claims.conclusion(None)
    assert r"Undecided, with the whole interval against the claim: \texttt{against\_it}." in text
    in_favour = {"verdict": "inconclusive", "low": -0.2, "high": -0.1, "estimate": -0.15, "id": "for_it"}
    point = {"verdict": "inconclusive", "low": 1.0, "high": 1.0, "estimate": 1.0, "id": "narrow"}
    found({}, against, in_favour, point, in_favour | {"id": "any", "expected_sign": 0})
    assert (
        r"Undecided, with the whole interval for the claim: \texttt{for\_it} and \texttt{any} (an effect of either sign); against the "
        r"claim: \texttt{against\_it} and \texttt{narrow} (an interval of no width)."
        in claims.conclusion(None)
    )
    found({})
    assert "Undecided" not in claims.conclusion(None)


def test_verdicts_that_exchanges_within_pairs_would_change_are_named():
    lost = {"verdict_paired": "inconclusive"}
    found({}, {"verdict": "inconclusive", "id": "other_id"}, lost | {"id": "a"}, lost | {"id": "b"})
    start = "Were sides exchanged within pairs instead, a test that was not declared,"
    assert claims.within_pairs(None) == (
        rf"{start} \texttt{{other\_id}} would be supported and \texttt{{a}} and \texttt{{b}} would be inconclusive."
    )
    found({})
    assert claims.within_pairs(None) == f"{start} no verdict would differ."
    found({"p_paired": None})
    assert claims.within_pairs(None) == ""


def test_wide_minima_are_counted_beside_flat_ones():
    found({"claim": FLATTER, "id": "a_final"}, {"claim": WIDER, "verdict": "inconclusive"}, {"claim": WIDER})
    assert claims.flatness_in_short().endswith(" That they are wider is supported in one of two judgements.")
