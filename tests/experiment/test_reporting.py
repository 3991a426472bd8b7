"""Numbers, tables and sentences of the paper follow the results, whatever they are."""

import copy
import os
import re
from dataclasses import replace
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_rel
from synthetic import DIVERGED_EPOCH, synthetic_parameters, write_synthetic_results

from experiment.layout import NUMBERS, TABLES
from experiment.pairs import Pair, pairs
from experiment.reporting.comparison import Difference, paired_over_seeds, roughness_difference
from experiment.reporting.contents import SENTENCES
from experiment.reporting.contents import TABLES as TABLE_MAKERS
from experiment.reporting.judgement import FLATNESS, surviving
from experiment.reporting.latex import ABSENT, enumeration, escape, fixed, percentage, significant
from experiment.reporting.parameters import parameter_leaves, parameter_text
from experiment.reporting.results import MEASURES, load_results, scale_name
from experiment.reporting.tables import spread_cell
from stages import write_numbers

STUDIES = {  # networks, seeds, data set, diverged runs
    "smoke": (["resnet8", "plain8", "resnet14", "plain14"], [0], "digits", ()),
    "three seeds": (["resnet20", "plain20", "resnet56", "plain56"], [0, 1, 2], "cifar10", ("plain56-1",)),
    "alone": (["resnet20-tanh"], [3], "cifar100", ()),
    "variants": (["resnet20", "resnet20-projection-width2", "plain20-width2", "plain20"], [0], "images", ()),
    "all diverged": (["resnet20", "plain20"], [0], "cifar10", ("resnet20-0", "plain20-0")),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One seed, two depths."""
    folder, before = tmp_path_factory.mktemp("study") / "scales/laptop", Path.cwd()
    write_synthetic_results(folder, ["resnet20", "plain20", "resnet56", "plain56"], [0])
    os.chdir(folder)
    yield load_results()
    os.chdir(before)


MINUS = r"\ensuremath{-}"


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (fixed(1.005, 1), "1.0"),
        (fixed(-0.26, 1), f"{MINUS}0.3"),
        (fixed(-0.001, 1), "0.0"),
        (fixed(nan, 1), ABSENT),
        (fixed(None, 1), ABSENT),
        (fixed(inf, 1), ABSENT),
        (percentage(0.0875, 2), "8.75"),
        (percentage(nan), ABSENT),
        (significant(0), "0"),
        (significant(1234.5), "1234"),
        (significant(0.012345), "0.0123"),
        (significant(9.996), "10.0"),
        (significant(2.5e-7, 2), r"\ensuremath{2.5 \times 10^{-7}}"),
        (significant(nan), ABSENT),
        (spread_cell([0.1, 0.3], 2, 100), r"20.00\,\textpm\,14.14"),
        (spread_cell([0.1], 2), "0.10"),
        (spread_cell([0.1, None, nan], 1), r"0.1\,(1/3)"),
        (spread_cell([None, nan], 1), ABSENT),
        (enumeration(["a", "b", "c"]), "a, b and c"),
        (escape("50_% {x} ^~\\"), r"50\_\% \{x\} \textasciicircum{}\textasciitilde{}\textbackslash{}"),
        (escape("×–λ漢"), r"\texttimes{}--\ensuremath{\lambda}\texttt{U+6F22}"),
        (parameter_text(None), "none"),
        (parameter_text([1, 2.5, True]), "1, 2.5, yes"),
        (parameter_text({"warmup_steps": 400}), "warmup_steps: 400"),
    ],
)
def test_text_and_numbers(made, expected):
    assert made == expected


@pytest.mark.parametrize(
    ("networks", "expected"),
    [
        (["plain56", "resnet20", "resnet56", "plain20"], [("resnet20", "plain20"), ("resnet56", "plain56")]),
        (["resnet20", "plain20-tanh"], []),
        (
            ["resnet20-projection", "resnet20", "plain20"],
            [("resnet20-projection", "plain20"), ("resnet20", "plain20")],
        ),
        (["resnet20-width2", "plain20-width2", "plain20"], [("resnet20-width2", "plain20-width2")]),
    ],
)
def test_pairs_differ_by_the_shortcut_alone(networks, expected):
    assert [(pair.residual, pair.plain) for pair in pairs(networks)] == expected


def test_interval_over_seeds_is_that_of_the_paired_t_test():
    residual, plain = np.random.default_rng(0).normal([[1.0], [1.4]], 0.3, (2, 5))
    made = paired_over_seeds([*residual, 3.0, nan], [*plain, None, 1.0])
    interval = ttest_rel(residual, plain).confidence_interval(0.95)
    assert made.value == pytest.approx(np.mean(residual - plain))
    assert made.value - made.half_width == pytest.approx(interval.low)
    assert made.value + made.half_width == pytest.approx(interval.high)


@pytest.mark.parametrize(
    ("difference", "sign"),
    [
        (Difference(1.0, 2.0, 0.5), -1),
        (Difference(2.0, 1.0, 0.5), 1),
        (Difference(2.0, 1.0, 1.0), 0),
        (Difference(2.0, 1.0, None), 0),
        (Difference(nan, 1.0, 0.1), 0),
    ],
)
def test_only_a_difference_beyond_its_interval_has_a_sign(difference, sign):
    assert difference.sign == sign


def along(value, deviation):
    """Five directions' values with this mean and standard deviation (divisor n - 1); None without a deviation."""
    steps = np.array([-2, -1, 0, 1, 2]) / np.std([-2, -1, 0, 1, 2], ddof=1)
    return None if deviation is None else (value + deviation * steps).tolist()


def changed(results, changes):
    """The results with measures replaced: (run, state, measure) -> value; a list holds the values by direction."""
    roughness = copy.deepcopy(results.roughness)
    for (run, state, measure), value in changes.items():
        if isinstance(value, list):
            roughness[run][state]["by_direction"][measure] = value
        else:
            roughness[run][state][measure] = value
    return replace(results, roughness=roughness)


def without_directions(results, state, measure):
    """The measure of all runs as if its values by direction were not known."""
    roughness = copy.deepcopy(results.roughness)
    for run in roughness.values():
        run.get(state, {}).get("by_direction", {}).pop(measure, None)  # trials have fewer states
    return replace(results, roughness=roughness)


def with_rises(results, state, residual, plain, deviation):
    """Rises as given, with this deviation of their differences by direction, and half-way distances that do not differ."""
    results = with_signs(results, state, {"halfway_distance": 0})
    rises = {
        (f"{family}{depth}-0", state, "edge_rise"): rise
        for depth in (20, 56)
        for family, rise in (("resnet", residual), ("plain", plain))
    }
    results = changed(results, rises)
    if deviation is None:
        return without_directions(results, state, "edge_rise")
    spread = {place: along(rise, deviation * ("resnet" in place[0])) for place, rise in rises.items()}
    return changed(results, spread)


@pytest.mark.parametrize(
    ("residual", "plain", "deviation", "verdict"),
    [
        (
            1.0,
            5.0,
            0.1,
            "the residual network is the flatter by rise to the rim (1.00 against 5.00 nats, a difference of",
        ),
        (
            5.0,
            1.0,
            0.1,
            "the plain network is the flatter by rise to the rim (5.00 against 1.00 nats, a difference of",
        ),
        (5.0, 1.0, 50.0, "no difference is resolved in rise to the rim and half-way distance"),
        (5.0, 1.0, None, "no difference is resolved in rise to the rim and half-way distance"),
    ],
)
@pytest.mark.parametrize(
    ("sentence", "state"), [("final_slices", "cuts"), ("matched_slices", "matched_cuts")]
)
def test_comparisons_are_worded_by_the_numbers(results, sentence, state, residual, plain, deviation, verdict):
    text = SENTENCES[sentence](with_rises(results, state, residual, plain, deviation))
    assert text.count(verdict) == 2  # roughness sets the depths apart


RAW = ("raw_excess_variation", "raw_nonconvex_share", "resolvable_bump")


def with_raw(results, state, values):
    """Roughness without thresholds, and the bump that would count, by run: RAW in this order."""
    return changed(
        results,
        {
            (run, state, name): value
            for run, of_run in values.items()
            for name, value in zip(RAW, of_run, strict=True)
        },
    )


BOUNDS = {"excess_variation": 1.0, "nonconvex_share": 0.0}


def at_bounds(results, state, runs):
    """No roughness beyond the errors along any direction."""
    means = {(run, state, name): bound for run in runs for name, bound in BOUNDS.items()}
    return changed(changed(results, means), {place: 5 * [bound] for place, bound in means.items()})


def test_where_nothing_is_resolved_no_equality_is_claimed(results):
    made = at_bounds(results, "matched_cuts", ["resnet56-0", "plain56-0"])
    assert (
        "in the cuts no roughness is resolved in either."
        in SENTENCES["matched_slices"](made).split("At depth 56")[1]
    )
    runs = [f"{network}-0" for network in ("resnet20", "plain20", "resnet56", "plain56")]
    unknown = with_raw(made, "matched_cuts", dict.fromkeys(runs, (None, None, None)))
    assert "hide" not in SENTENCES["matched_slices"](unknown)
    heights = (0.36, 0.4, 0.5, 0.573)
    made = with_raw(
        made, "matched_cuts", {run: (1.0, 0.1, height) for run, height in zip(runs, heights, strict=True)}
    )
    words = "Bumps lower than 0.36 to 0.57 nats, by network, are hidden by the errors of the cuts"
    assert words in SENTENCES["matched_slices"](made)


def test_roughness_of_the_planes_stands_beside_that_of_the_cuts(results):
    made = at_bounds(results, "matched_cuts", ["resnet56-0", "plain56-0"])
    made = changed(
        made,
        {
            ("resnet56-0", "matched", "excess_variation"): 1.0,
            ("plain56-0", "matched", "excess_variation"): 1.051,
        },
    )
    text = SENTENCES["conclusion_matched"](made)
    start = "no roughness is resolved in the cuts of either (on the planes, of unknown error, the excess variation, "
    assert start in text and "residual against plain, is" in text and "1.00 against 1.05)" in text
    abstract = SENTENCES["abstract"](made)
    alone = r"and at equal training loss no roughness is resolved in the cuts of either \(bumps lower than 0\.0\S+ to 0\.\S+ nats are hidden by the errors\)\."
    assert re.search(alone, abstract) and "; about the final weights in the cuts the " in abstract
    for run, hidden in (("resnet56-0", 0.03), ("plain56-0", 0.3)):
        made = changed(at_bounds(made, "cuts", [run]), {(run, "cuts", "resolvable_bump"): hidden})
    both = "; no roughness is resolved in the cuts of either, in both comparisons (bumps lower than 0.030 to 0.30 nats"
    assert both in SENTENCES["abstract"](made)


def test_planes_that_are_alike_in_both_comparisons_are_told_once(results):
    values = {"resnet56-0": 1.0, "plain56-0": 1.051}
    made = changed(
        results,
        {
            (run, state, "excess_variation"): value
            for run, value in values.items()
            for state in ("final", "matched")
        },
    )
    assert "at depth 56, 1.00 against 1.05 in both comparisons" in SENTENCES["planes"](made)
    made = changed(made, {("plain56-0", "matched", "excess_variation"): 1.2})
    assert (
        "at depth 56, 1.00 against 1.05 about the final weights and 1.00 against 1.20 at equal training loss"
        in SENTENCES["planes"](made)
    )


def test_what_intervals_cover_is_said_once_about_the_cuts(results):
    assert "Intervals are" in SENTENCES["final_slices"](results)
    assert "Intervals are" not in SENTENCES["matched_slices"](results)
    unknown = without_directions(results, "cuts", "edge_rise")
    for name in ("halfway_distance", "excess_variation", "nonconvex_share"):
        unknown = without_directions(unknown, "cuts", name)
    assert "Intervals are" in SENTENCES["matched_slices"](unknown)


def test_how_well_the_slices_are_measured_is_told_by_what_cannot_be_seen(results):
    made = results
    for state in ("cuts", "matched_cuts"):
        made = with_rises(made, state, 5.0, 4.0, 2.0)
        made = changed(
            made,
            {
                (f"{run}-0", state, "resolvable_bump"): height
                for run, height in (
                    ("resnet20", 0.36),
                    ("plain20", 0.5),
                    ("resnet56", 0.4),
                    ("plain56", 0.57),
                )
            },
        )
    text = SENTENCES["conclusion_measured"](made)
    assert text.startswith(
        "The 5 paired directions resolve a difference in rise to the rim in none of four comparisons (ratios within a factor of "
        "1.7) and in half-way distance in "
    )
    assert (
        "these intervals do not cover the sampling of images. Bumps lower than 0.36 to 0.57 nats, by network, are hidden"
        in text
    )
    made = with_rises(made, "cuts", 5.0, 1.0, 0.1)
    assert SENTENCES["conclusion_measured"](made).startswith(
        "The 5 paired directions resolve a difference in rise to the rim in two of four comparisons (ratios within a factor of "
        "1.0 to 1.7)"
    )


def test_roughness_above_the_bound_is_compared(results):
    made = at_bounds(results, "matched_cuts", ["resnet56-0", "plain56-0"])
    rough = ("plain56-0", "matched_cuts", "excess_variation")
    made = changed(changed(made, {rough: 1.3}), {rough: along(1.3, 0.01)})
    text = SENTENCES["matched_slices"](made).split("At depth 56")[1]
    assert (
        r"the residual network is the smoother by excess variation (1.00 against 1.30, a difference of \ensuremath{-}0.30"
        in text
    )
    assert "no difference is resolved in non-convex share" in text
    assert "no roughness" not in SENTENCES["abstract"](made)
    assert "in the cuts the residual network is the smoother by the excess variation alone" in SENTENCES[
        "abstract"
    ](made)


@pytest.mark.parametrize("table", ["roughness", "cuts"])
def test_roughness_stands_beside_the_same_without_a_threshold(results, table):
    state = {"roughness": "final", "cuts": "cuts"}[table]
    made = with_raw(results, state, {"resnet20-0": (1.234, 0.345, 0.5)})
    lines = TABLE_MAKERS[table](made).splitlines()
    head = next(line for line in lines if "Excess var." in line)
    assert r"Excess var. & Raw & Non-convex (\%) & Raw (\%)" in head
    cells = next(line for line in lines if "final weights" in line and "resnet20" in line).split(" & ")
    assert cells[6].startswith("1.23") and cells[8].startswith("34.5")


def test_values_that_print_alike_do_not_differ(results):
    made = with_rises(results, "cuts", 1.0, 1.0 + 1e-9, 0.0)  # rounding, without any spread over directions
    assert SENTENCES["final_slices"](made).count("no difference is resolved in rise to the rim") == 2


def test_what_was_not_measured_is_not_compared(results):
    text = SENTENCES["matched_slices"](with_rises(results, "matched_cuts", nan, 1.0, 0.1))
    assert "rise to the rim" not in text and text.count("no difference is resolved in half-way distance") == 2
    nothing = {
        (f"{run}-0", "matched_cuts", measure): None
        for run in ("resnet20", "plain20", "resnet56", "plain56")
        for measure in MEASURES
    }
    made = changed(results, nothing)
    assert "At depth 20 and depth 56, at equal training loss, no comparison is possible" in SENTENCES[
        "matched_slices"
    ](made)
    assert SENTENCES["agreement"](made).count("cannot be set side by side") == 2
    for sentence in ("conclusion_matched", "abstract"):
        assert "flatness could not be judged" in SENTENCES[sentence](made)


def test_a_deeper_pair_that_was_not_measured_is_named(results):
    nothing = {("plain56-0", "matched_cuts", measure): None for measure in MEASURES}
    made = changed(results, nothing)
    assert "at depth 56 flatness could not be judged" in SENTENCES["conclusion_matched"](made)
    assert SENTENCES["abstract"](made).startswith("At depth 20, about the final weights")


def test_one_seed_interval_is_that_of_the_differences_by_direction(results):
    shared = np.random.default_rng(0).normal(0, 2.0, 5)  # what both networks' rises have of a direction
    residual, plain = (shared + np.random.default_rng(n).normal(n, 0.3, 5) for n in (1, 2))
    rises = {("resnet20-0", "cuts", "edge_rise"): residual, ("plain20-0", "cuts", "edge_rise"): plain}
    made = changed(results, {place: float(values.mean()) for place, values in rises.items()})
    made = changed(made, {place: values.tolist() for place, values in rises.items()})
    found = roughness_difference(made, Pair("resnet20", "plain20", 20), "cuts", "edge_rise")
    interval = ttest_rel(residual, plain).confidence_interval(0.95)
    assert found.value - found.half_width == pytest.approx(interval.low)
    assert found.value + found.half_width == pytest.approx(interval.high)
    assert found.basis == "one seed, 5 paired directions" and found.single
    unpaired = 2.7764451 * ((residual.var(ddof=1) + plain.var(ddof=1)) / 5) ** 0.5  # t_0.975 of 4
    assert found.half_width < 0.5 * unpaired


def test_a_direction_without_a_value_leaves_no_interval(results):
    made = with_rises(results, "cuts", 3.0, 1.0, 0.5)
    made = changed(made, {("plain20-0", "cuts", "edge_rise"): [1.0, None, 1.0, 1.0, 1.0]})
    found = roughness_difference(made, Pair("resnet20", "plain20", 20), "cuts", "edge_rise")
    assert found.value == pytest.approx(2.0) and found.half_width is None


@pytest.mark.parametrize(
    ("residual_loss", "plain_loss", "rises", "warned"),
    [
        (0.4, 1.4, (8.0, 1.0), True),  # the plain network is flat and badly trained: the trap
        (0.4, 1.4, (1.0, 8.0), False),
        (0.4, 0.41, (8.0, 1.0), False),
        (1.4, 0.4, (1.0, 8.0), True),  # the same trap with the roles exchanged
    ],
)
def test_flatness_of_a_badly_trained_network_is_not_credited(
    results, residual_loss, plain_loss, rises, warned
):
    centres = {
        (f"{family}{depth}-0", "final", "centre_loss"): loss
        for depth in (20, 56)
        for family, loss in (("resnet", residual_loss), ("plain", plain_loss))
    }
    text = SENTENCES["final_slices"](changed(with_rises(results, "cuts", *rises, 0.1), centres))
    assert text.count("less well trained") == (2 if warned else 0)


def with_signs(results, state, signs):
    """All pairs' measures set apart so that residual minus plain has these signs, or nothing where None."""
    values = {}
    for measure, sign in signs.items():
        for depth in (20, 56):
            for family, value in (("resnet", 5.0 + sign), ("plain", 5.0)):
                values[f"{family}{depth}-0", state, measure] = value
    spread = {place: along(value, 0.01 * ("resnet" in place[0])) for place, value in values.items()}
    return changed(changed(results, values), spread)


FLATTER = {
    "residual": {"edge_rise": -1, "halfway_distance": 1},
    "plain": {"edge_rise": 1, "halfway_distance": -1},
}
FLATTER |= {
    "neither": {"edge_rise": 0, "halfway_distance": 0},
    "disputed": {"edge_rise": 1, "halfway_distance": 1},
}


@pytest.mark.parametrize(
    ("final", "matched", "words"),
    [
        ("residual", "residual", "both comparisons find the residual network the flatter"),
        ("plain", "residual", "contradict each other"),
        ("neither", "neither", "resolve no difference"),
        ("disputed", "disputed", "leave flatness disputed"),
        (
            "neither",
            "plain",
            "only the comparison at equal training loss resolves a difference in flatness: the plain network is the flatter",
        ),
        (
            "disputed",
            "plain",
            "about the final weights the residual network is the flatter by the half-way distance and the plain one by the rise to",
        ),
    ],
)
def test_agreement_of_the_two_comparisons(results, final, matched, words):
    made = with_signs(with_signs(results, "cuts", FLATTER[final]), "matched_cuts", FLATTER[matched])
    assert SENTENCES["agreement"](made).count(words) == 2
    assert ("The two measures of flatness disagree" in SENTENCES["final_slices"](made)) == (
        final == "disputed"
    )


@pytest.mark.parametrize(
    ("flat", "roughness", "words"),
    [
        (
            "residual",
            (-1, 0),
            "speak for the claim that shortcuts flatten the landscape and for the claim that ",
        ),
        (
            "plain",
            (0, 1),
            "speak against the claim that shortcuts flatten the landscape and against the claim",
        ),
        ("residual", (0, 0), "do not decide whether shortcuts smooth the landscape"),
        ("disputed", (1, -1), "do not decide whether shortcuts flatten or smooth the landscape"),
        ("neither", (-1, -1), "speak for the claim that shortcuts smooth the landscape and do not decide"),
    ],
)
def test_conclusion(results, flat, roughness, words):
    signs = FLATTER[flat] | dict(zip(("excess_variation", "nonconvex_share"), roughness, strict=True))
    text = SENTENCES["conclusion_matched"](with_signs(results, "matched_cuts", signs))
    assert (
        words
        in text.split(
            "Within their limits, and corrected for their number, the cuts of this one run at equal training loss, "
            "at depth 20 and depth 56, "
        )[1]
    )


def test_pairs_that_say_different_things_of_the_claim_are_told_apart(results):
    made = with_signs(results, "matched_cuts", FLATTER["neither"])
    made = changed(made, {("plain56-0", "matched_cuts", "excess_variation"): along(1.3, 0.01)})
    made = changed(made, {("plain56-0", "matched_cuts", "excess_variation"): 1.3})
    text = SENTENCES["conclusion_matched"](made)
    start = (
        "Within their limits, and corrected for their number, the cuts of this one run at equal training loss, at depth 20, "
        "do not decide whether shortcuts"
    )
    assert start in text and "; at depth 56, speak for the claim that shortcuts smooth" in text


def test_a_half_way_distance_from_a_lower_centre_is_no_plain_finding(results):
    """From the lower centre the climb to half-way is the longer, whatever the curvature."""
    made = with_signs(results, "cuts", {"edge_rise": 1, "halfway_distance": 1})
    made = changed(made, {(f"resnet{depth}-0", "cuts", "edge_rise"): along(6.0, 50.0) for depth in (20, 56)})
    made = with_signs(made, "matched_cuts", FLATTER["neither"])
    centres = {"resnet20-0": 0.3, "plain20-0": 0.301, "resnet56-0": 0.25, "plain56-0": 0.75}
    made = changed(made, {(run, "cuts", "centre_loss"): centre for run, centre in centres.items()})
    words = "alone (from centres of 0.25 against 0.75 nats, residual against plain, the climb from the lower one being the longer)"
    for sentence in ("abstract", "agreement", "conclusion_final"):
        assert SENTENCES[sentence](made).count(words) == 1 and "0.30 against 0.30" not in SENTENCES[sentence](
            made
        )
    made = changed(made, {("resnet56-0", "cuts", "centre_loss"): 0.95})
    assert "from the lower one" not in SENTENCES["agreement"](made)


def test_a_single_measure_behind_a_finding_is_named_with_the_one_against_it(results):
    made = with_signs(results, "cuts", {"edge_rise": 1, "halfway_distance": 1})
    made = changed(made, {(f"resnet{depth}-0", "cuts", "edge_rise"): along(6.0, 50.0) for depth in (20, 56)})
    made = with_signs(made, "matched_cuts", FLATTER["neither"])
    words = "the residual network is the flatter by the half-way distance alone"
    text = SENTENCES["agreement"](made)
    assert (
        f"only the comparison about the final weights resolves a difference in flatness: {words}" in text
        and ", though the rise to the rim, unresolved, points the other way." in text
    )
    assert (
        "Of eight intervals of the cuts' rise and half-way distance two tell the two apart, two after Holm's correction for "
        "their number." in text
    )
    assert words in SENTENCES["abstract"](made) and words in SENTENCES["conclusion_final"](made)
    both = with_signs(results, "cuts", FLATTER["residual"])
    assert "alone" not in SENTENCES["conclusion_final"](both).split(". ")[0]


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ((0.4, 0.3, 0.6, 1.4), "which the deeper residual one does not"),
        ((0.4, 0.5, 0.6, 1.4), "by more than the residual one does"),
        ((0.4, 0.3, 0.6, 0.5), "no degradation"),
        ((0.4, 1.9, 0.6, 0.9), "in both families"),
    ],
)
def test_degradation_is_worded_by_the_losses(results, losses, words):
    runs = ("resnet20-0", "resnet56-0", "plain20-0", "plain56-0")
    training = {
        run: results.training[run] | {"train_loss": loss} for run, loss in zip(runs, losses, strict=True)
    }
    assert words in SENTENCES["depth_effect"](replace(results, training=training))


def test_a_rough_match_is_admitted(results):
    group = {"target_loss": 1.2, "hardest": "plain56"}
    for loss, admitted in ((1.19, False), (0.8, True)):
        networks = {"resnet56": {"epoch": 1.0, "loss": loss}, "plain56": {"epoch": 10.0, "loss": 1.2}}
        made = replace(results, matching={"0": {"56": group | {"networks": networks}}})
        for sentence in ("matching", "conclusion_matched", "abstract"):
            assert bool(re.search("meant roughly[^.]* at depth 56", SENTENCES[sentence](made))) == admitted


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_gives_all_texts_twice_the_same(here, study):
    networks, seeds, dataset, diverged = STUDIES[study]
    write_synthetic_results(here, networks, seeds, dataset, diverged)
    write_numbers.main()
    paths = [NUMBERS, *(TABLES / f"{name}.tex" for name in TABLE_MAKERS)]
    first = [path.read_bytes() for path in paths]
    write_numbers.main()
    assert [path.read_bytes() for path in paths] == first
    text = b"".join(first).decode()
    assert "nan" not in text.replace("\\allowbreak", "").lower().split()
    assert "None" not in text
    for name in networks:
        for table in ("training", "roughness", "cuts", "trajectory"):
            assert name in (TABLES / f"{table}.tex").read_text()


def test_divergence_is_printed_as_such(here):
    write_synthetic_results(here, ["resnet20", "plain20"], [0], diverged=["plain20-0"])
    results = with_raw(load_results(), "cuts", {"resnet20-0": (1.2, 0.3, 0.5)})
    row = next(line for line in TABLE_MAKERS["training"](results).splitlines() if "plain20" in line)
    assert f"diverged in epoch {DIVERGED_EPOCH}" in row
    measures = [line for line in TABLE_MAKERS["roughness"](results).splitlines() if "plain20" in line]
    assert len(measures) == 3
    assert all(line.count(ABSENT) == len(MEASURES) == 7 for line in measures)
    alone = [line for line in TABLE_MAKERS["cuts"](results).splitlines() if "resnet20" in line]
    assert [line.count(ABSENT) for line in alone] == [0, 7]  # at equal loss there is none to compare it with
    assert "plain20-0} in epoch 7" in SENTENCES["divergence"](results)
    assert "cannot be compared" in SENTENCES["test_error"](results)


@pytest.mark.parametrize("table", ["roughness", "cuts"])
def test_both_comparisons_stand_in_each_table(results, table):
    text = TABLE_MAKERS[table](results)
    assert text.count("final weights &") == text.count("equal training loss &") == 2


def test_parameter_leaves_are_all_leaves_with_their_comments(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(
        "a: 1  # unit; source\nb: {c: x, d: [1, 2]}  # both\n"
        "e:\n  f: null\n  g: {}  # none yet # really\nh:\n- 1\n"
        "i: {j: {k: 1},\n  l: 2}  # over two lines\n"
    )
    assert [(leaf.key, leaf.value, leaf.comment) for leaf in parameter_leaves(path)] == [
        ("a", 1, "unit; source"),
        ("b.c", "x", "both"),
        ("b.d", [1, 2], "both"),
        ("e.f", None, ""),
        ("e.g", {}, "none yet # really"),
        ("h", [1], ""),
        ("i.j.k", 1, "over two lines"),
        ("i.l", 2, "over two lines"),
    ]


@pytest.mark.parametrize(
    ("folder", "scale"), [("/x/scales/smoke", "smoke"), ("/x/scales/laptop", "laptop"), ("/x/study", "paper")]
)
def test_scale_is_named_by_the_folder(folder, scale):
    assert scale_name(Path(folder)) == scale


def test_a_missing_result_is_named_with_the_remedy(here):
    (here / "params.yaml").write_text("networks: [resnet20]\nseeds: [0]\n")
    with pytest.raises(FileNotFoundError, match=r"results/dataset\.json not found.*dvc repro"):
        load_results()


def test_synthetic_parameters_have_the_keys_of_the_scales(tmp_path):
    declared = {leaf.key for leaf in parameter_leaves(Path(__file__).parents[2] / "scales/smoke/params.yaml")}
    write_synthetic_results(tmp_path, ["resnet20"], [0])
    assert {leaf.key for leaf in parameter_leaves(tmp_path / "params.yaml")} == declared
    assert synthetic_parameters(["resnet20"], [0])["networks"] == ["resnet20"]


def test_networks_without_a_shared_seed_have_no_difference():
    """One was lost from one seed and the other from another: their values are not of matched runs."""
    assert paired_over_seeds([0.5, None], [None, 0.7]) == Difference(None, None, None)
    assert paired_over_seeds([0.5, None], [None, None]) == Difference(0.5, None, None)


def test_p_is_that_of_the_interval():
    residual, plain = [1.0, 2.0, 3.5, 2.4], [1.5, 2.2, 4.6, 2.5]
    found = paired_over_seeds(residual, plain)
    assert found.p == pytest.approx(ttest_rel(residual, plain).pvalue)
    ratio = paired_over_seeds(residual, plain, by_ratio=True)
    assert ratio.p == pytest.approx(ttest_rel(np.log(residual), np.log(plain)).pvalue)
    assert paired_over_seeds([1.0], [2.0]).p is None
    assert Difference(1.0, 3.0, 2.0).p == pytest.approx(0.05)  # of the normal distribution


def test_a_difference_that_only_its_number_makes_likely_decides_nothing(results):
    """Eight intervals of 95 %: that one of them excludes zero is no surprise."""
    made = with_signs(with_signs(results, "cuts", FLATTER["neither"]), "matched_cuts", FLATTER["neither"])
    place = ("resnet56-0", "matched_cuts", "edge_rise")
    made = changed(changed(made, {place: 5.75}), {place: along(5.75, 0.48)})
    found = pairs(made.study.networks)
    rise = roughness_difference(made, found[-1], "matched_cuts", "edge_rise")
    assert rise.resolved and 0.05 / 8 < rise.p < 0.05
    assert not surviving(made, found, FLATNESS)
    assert "one tells the two apart, none after Holm's correction for their number." in SENTENCES[
        "agreement"
    ](made)
    assert "do not decide whether shortcuts flatten" in SENTENCES["abstract"](made)
    assert "the plain network is the flatter by the rise to the rim alone" in SENTENCES["abstract"](made)
