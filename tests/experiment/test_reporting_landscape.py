"""Sentences that draw on several results: equal loss, conclusion, sampling, the line; and the numbers' wording."""

import re
from dataclasses import replace

import pytest
from synthetic import write_synthetic_results

from experiment.evidence import CLIPPING, ablation_path, evidence_path
from experiment.layout import surface_path, trajectory_path
from experiment.pairs import pairs
from experiment.reporting.comparison import Difference, Ratio, roughness_difference
from experiment.reporting.contents import SENTENCES, TABLES
from experiment.reporting.judgement import SMOOTHNESS
from experiment.reporting.landscape_tables import which_runs
from experiment.reporting.latex import error_decimals, with_error
from experiment.reporting.results import load_results
from experiment.reporting.sides import Side, by_label, clauses
from experiment.reporting.wording import basis_note, contrast, ratio
from experiment.rises import RISES, rise_key
from experiment.slices import read_slice, write_slice
from experiment.storage import read_json, write_json

PM, MINUS = r"\,\textpm\,", r"\ensuremath{-}"
NETWORKS = ["resnet20", "plain20", "resnet56", "plain56"]


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Writes a study's made-up results into the working directory and reads them."""
    monkeypatch.chdir(tmp_path)

    def results(networks=NETWORKS, seeds=(0,), **more):
        write_synthetic_results(tmp_path, networks, list(seeds), **more)
        return load_results()

    return results


def change_slice(path, function):
    data = read_slice(path)
    function(data)
    write_slice(path, data)


def change_evidence(instrument, network, function, seed=0):
    path = evidence_path(instrument, network, seed)
    content = read_json(path)
    function(content)
    write_json(path, content)


@pytest.mark.parametrize(
    ("error", "decimals"), [(0.073, 2), (0.12, 2), (0.0996, 2), (0.052, 2), (3.9, 0), (1.4, 1), (120.0, 0)]
)
def test_decimals_of_an_error(error, decimals):
    assert error_decimals(error) == decimals


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (-4.69e-7, 0.073, f"0.00{PM}0.07"),
        (0.55, 0.12, f"0.55{PM}0.12"),
        (1643.7, 120.4, f"1644{PM}120"),
        (0.0881, None, "0.0881"),
        (0.5, 0.0, f"0.500{PM}0"),
        (None, 0.1, "---"),
    ],
)
def test_a_value_has_the_decimals_of_its_error(value, error, text):
    assert with_error(value, error) == text


def test_compared_values_keep_the_digits_asked_for():
    assert contrast(Difference(5.114, 3.018, 3.46), 2) == ("5.11", "3.02", f"2.10{PM}3.46")
    assert contrast(Difference(0.1, 0.2, 0.01), 1, 100) == ("10.0", "20.0", f"{MINUS}10.0{PM}1.0")


@pytest.mark.parametrize(("basis", "limited"), [("one seed, 5 paired directions", True), ("3 seeds", False)])
def test_an_interval_over_directions_says_what_it_does_not_cover(basis, limited):
    note = basis_note([Difference(1.0, 2.0, 0.1, basis)])
    assert basis in note and ("neither another run nor another draw of the images" in note) == limited


@pytest.mark.parametrize(
    ("low", "high", "printed"),
    [
        (1.5, 23.0, "5.0 [1.5, 23]"),
        (1.035, 24.2, "5.00 [1.03, 24.2]"),
        (0.2, 0.9996, "5.000 [0.2000, 0.9996]"),
        (0.999, 23.0, "5.0 [1.0, 23]"),
    ],
)
def test_an_end_of_a_ratio_that_is_not_one_does_not_print_as_one(low, high, printed):
    found = Difference(5.0, 1.0, 1.0, ratio=Ratio(5.0, low, high))
    assert ratio(found) == f", a geometric mean ratio of {printed}"


def test_measures_are_grouped_by_the_network_they_favour():
    sides = [
        Side("a", "plain"),
        Side("b", None),
        Side("c", "residual"),
        Side("d", "plain", "in this run "),
        Side("e", None),
    ]
    text = clauses(sides, "{family}: {items}", "neither: {items}")
    assert text == "plain: a and residual: c; in this run plain: d; neither: b and e"
    assert clauses([], "{family} {items}", "{items}") == ""
    labels = {"depth 8": "x", "depth 14": "y", "depth 20": "x"}
    assert by_label(labels) == "at depth 8 and depth 20 x; at depth 14 y"
    assert by_label(labels, ",").startswith("at depth 8 and depth 20, x")


def set_recomputed(network, value, seed=0):
    """The loss with recomputed statistics at all checkpoints but one that is never matched."""

    def change(data):
        data["recomputed_loss"][:] = value
        data["recomputed_loss"][0] = 99.0

    change_slice(trajectory_path(network, seed), change)


def matched_at(results, losses, epochs=(4.0, 10.0)):
    """Checkpoints of depth 56 at these losses, for every seed."""
    both = {
        n: {"epoch": epoch, "loss": loss}
        for n, epoch, loss in zip(("resnet56", "plain56"), epochs, losses, strict=True)
    }
    group = {"target_loss": losses[1], "hardest": "plain56", "networks": both}
    return replace(results, matching={str(seed): {"56": group} for seed in results.study.seeds})


def test_matching_tells_both_kinds_of_statistics_with_one_seed(study):
    results = matched_at(study(["resnet56", "plain56"]), (0.8888, 0.8884))
    set_recomputed("resnet56", 0.693)
    set_recomputed("plain56", 0.931)
    text = SENTENCES["matching"](results)
    assert text.startswith(
        r"Relative to the larger, the matched training losses differ at depth 56 by 0.045\,\% with running batch-norm statistics "
        r"and by 26\,\% with recomputed ones."
    )
    assert "What is equal at depth 56 is the loss with running statistics." in text
    caution = (
        r"With recomputed batch-norm statistics the losses at depth 56 differ by 26\,\% (0.693 against 0.931 nats, residual against "
        "plain)."
    )
    assert caution in SENTENCES["abstract"](results) and caution in SENTENCES["conclusion_matched"](results)
    rows = TABLES["matched"](results).splitlines()
    assert next(row for row in rows if "Target loss" in row).endswith(
        r"& Recomputed & Rise & Half-way & Trace \\"
    )
    for network, recomputed in (("resnet56", "0.693"), ("plain56", "0.931")):
        cells = next(row for row in rows if network in row).removesuffix(r" \\").split(" & ")
        measures = results.roughness[f"{network}-0"]["matched_cuts"]
        trace = results.evidence("curvature", network, 0)["states"]["matched"]["normalised_trace"]
        flat = [f"{measures['edge_rise']:.2f}", f"{measures['halfway_distance']:.2f}", f"{trace:.0f}"]
        assert cells[7:] == [recomputed, *flat]
    set_recomputed("resnet56", 0.93)
    assert "What is equal" not in SENTENCES["matching"](results)
    assert "With recomputed" not in SENTENCES["abstract"](results)


def test_matching_tells_the_largest_gap_of_several_seeds(study):
    results = matched_at(study(["resnet56", "plain56"], (0, 1)), (0.90, 0.88))
    for seed, loss in ((0, 0.9), (1, 0.8)):
        set_recomputed("resnet56", loss, seed)
        set_recomputed("plain56", 1.0, seed)
    text = SENTENCES["matching"](results)
    assert (
        r"by at most 2.2\,\% with running batch-norm statistics and by at most 20\,\% with recomputed ones"
        in text
    )


SHARPNESS = {  # measure: residual and plain values at depth 56
    "elementwise": (1.0, 2.0),
    "filter": (0.7, 0.6),
    "average": ([0.1, 0.11], [0.5, 0.52]),
    "flat_radius": ([0.5, 0.6], [0.6, 0.5]),
}


def set_evidence(lower):
    """Curvature of the residual networks lower or higher at both depths; sharpness of depth 56 as above."""
    for network in NETWORKS:
        size = (1.0 if lower else 9.0) if network.startswith("resnet") else 3.0
        numbers = {"largest_eigenvalue": size, "largest_residual": 0.1, "trace": 8 * size, "trace_error": 0.1}
        numbers |= {f"normalised_{name}": value for name, value in numbers.items()}
        change_evidence("curvature", network, lambda c, n=numbers: c["states"]["matched"].update(n))
    for number, network in enumerate(("resnet56", "plain56")):
        values = {key: both[number] for key, both in SHARPNESS.items()}
        change_evidence("sharpness", network, lambda c, v=values: c["states"]["matched"].update(v))


def test_conclusion_counts_what_has_an_error(study):
    """At depth 56 the plain network is the sharper on average, over directions; the worst cases have no error."""
    results = study()
    set_evidence(lower=True)
    text = SENTENCES["conclusion_other"](results)
    assert text.startswith("At equal loss, by measures that rescaling leaves alone and on ")
    assert "images, whose draw the error does not cover" in text and "the raw" not in text
    assert re.search(
        r"at [^;]*depth 56 the residual network has the lower curvature by both measures and the lower sharpness by one of two "
        r"measures with an error \(",
        text,
    )
    assert not re.search(r"disagree at [^.]*depth 56", text)
    set_evidence(lower=False)
    text = SENTENCES["conclusion_other"](results)
    assert re.search(
        r"depth 56 the plain network has the lower curvature by both measures and the residual network has the lower sharpness by",
        text,
    )
    assert re.search(r"So the measures of flatness disagree at [^.]*depth 56\.", text)


def test_what_curvature_and_sharpness_resolve_over_seeds_is_corrected_for_their_number(study):
    """Of the six measures one pair differs by far more than its spread and one by just more."""
    results = study(["resnet56", "plain56"], [0, 1, 2])
    for network, far, near in (("resnet56", 0.0, 0.0), ("plain56", 100.0, 1.0)):
        for seed, noise in enumerate((0.2, -0.3, 0.1)):
            apart = noise if network == "plain56" else 0.0
            spectra = {"normalised_largest_eigenvalue": 5 + far + apart, "normalised_trace": 50 + 3 * apart}
            sharp = {
                "elementwise": 5 + near + apart,
                "filter": 5 + apart,
                "average": [5 + apart, 5 + apart],
                "flat_radius": [1 + apart, 1 + apart],
            }
            for instrument, values in (("curvature", spectra), ("sharpness", sharp)):
                change_evidence(
                    instrument, network, lambda c, v=values: c["states"]["matched"].update(v), seed
                )
    told = "Of six intervals of these measures over seeds two tell the two apart, one after Holm's correction for their number."
    for sentence in ("abstract", "conclusion_other"):
        assert told in SENTENCES[sentence](results)
    assert "intervals of these measures" not in SENTENCES["conclusion_other"](study())  # of one seed


def test_conclusion_without_evidence_says_so(study):
    results = study(["resnet20", "plain20"], diverged=["plain20-0"])
    assert "at depth 20 nothing could be compared in curvature and sharpness" in SENTENCES[
        "conclusion_other"
    ](results)


def test_the_abstract_says_what_speaks_against_its_sharpness(study):
    results = study(["resnet56", "plain56"])
    for network, worst, rises in (("resnet56", 0.7, [-0.02, 0.02]), ("plain56", 0.6, [0.2, 0.24])):
        change_evidence(
            "sharpness",
            network,
            lambda c, w=worst, r=rises: c["states"]["matched"].update(filter=w, elementwise=w, average=r),
        )
    text = SENTENCES["abstract"](results)
    assert (
        r"; at a distance of 0.2 filter norms along one of two directions the loss of \texttt{resnet56} is lower than at its "
        "weights, so that" in text
    )
    assert "the worst cases, of unknown error, find the residual network the sharper." in text
    change_evidence("sharpness", "plain56", lambda c: c["states"]["matched"].update(filter=0.8))
    assert "the worst cases, of unknown error, are split." in SENTENCES["abstract"](results)
    change_evidence("sharpness", "plain56", lambda c: c["states"]["matched"].update(average=[-0.1, -0.2]))
    assert "is lower than at its weights" not in SENTENCES["abstract"](results)  # no low average is resolved


def test_traces_that_errors_do_not_tell_apart_are_named_beside_their_rank_correlation(study):
    results = study()
    traces = {"resnet20": 100.0, "plain20": 200.0, "resnet56": 300.0, "plain56": 306.0}
    for network, trace in traces.items():
        values = {"normalised_trace": trace, "normalised_trace_error": 3.0}
        change_evidence("curvature", network, lambda c, v=values: c["states"]["final"].update(v))
    assert r"does not tell apart \texttt{resnet56-0} and \texttt{plain56-0}: so far" in SENTENCES[
        "curvature_ties"
    ](results)
    change_evidence("curvature", "plain56", lambda c: c["states"]["final"].update(normalised_trace=400.0))
    assert SENTENCES["curvature_ties"](results) == ""


@pytest.mark.parametrize(
    "sentence", [name for name in SENTENCES if name.startswith("conclusion") or name == "abstract"]
)
def test_a_study_over_seeds_is_not_said_to_have_no_error(study, sentence):
    assert "without an error" not in SENTENCES[sentence](study(["resnet20", "plain20"], seeds=(0, 1, 2)))


def test_the_effect_of_statistics_stands_beside_that_of_the_architecture(study):
    results = study(["resnet56", "plain56"])
    for run, running, recomputed in (("resnet56-0", 16.0, 2.0), ("plain56-0", 4.0, 1.6)):
        results.roughness[run]["final"]["edge_rise"] = running
        results.roughness[run]["recomputed"]["edge_rise"] = recomputed
    assert (
        "About the final weights, recomputing batch-norm statistics at each point divides the planes' rise to the rim by 2.5 to 8.0; between the networks of a pair it differs by a factor of up to "
        "4.0 with running statistics and of up to 1.2 with recomputed ones."
        in SENTENCES["statistics_effect"](results)
    )
    for run in ("resnet56-0", "plain56-0"):
        results.roughness[run]["recomputed"]["edge_rise"] = None
    assert SENTENCES["statistics_effect"](results) == ""


@pytest.mark.parametrize(
    ("scale", "words"),
    [("smoke", r"\emph{yields no result}"), ("laptop", "a short budget"), ("own", "its own, own")],
)
def test_the_design_names_scale_networks_epochs_and_seeds(study, scale, words):
    text = SENTENCES["design"](replace(study(["resnet20", "plain20"], seeds=(0, 1)), scale=scale))
    assert words in text
    assert text.endswith(
        r"we train \texttt{resnet20} and \texttt{plain20} on CIFAR-10 for 10 epochs from two seeds each."
    )


def test_differences_with_intervals_stand_in_the_table_of_cuts(study):
    results = study(["resnet20", "plain20"])
    rows = [row.split(" & ") for row in TABLES["cuts"](results).splitlines() if "difference" in row]
    assert len(rows) == 2  # in both comparisons
    assert all(PM in row[3] and PM in row[4] for row in rows)
    assert [row[2].strip() for row in rows] == ["", ""]  # the centre is no measure


def set_samples(network, first):
    def change(data):
        data["samples"][:] = 5000
        data["samples"].values[0].flat[:first] = 500

    change_slice(surface_path(network, 0, "final"), change)


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (81, r"used is 500 of 50\,000; 100\,\% of the points stop at their first batch, of 500."),
        (20, r"used is 5\,000 of 50\,000; 25\,\% of the points stop at their first batch, of 500."),
        (0, r"used is 5\,000 of 50\,000. The largest"),
    ],
)
def test_sampling_is_told_in_images(study, first, words):
    results = study(["resnet20"])  # 9 x 9 points
    set_samples("resnet20", first)
    assert words in SENTENCES["sampling"](results)


def set_line(network, climbs):
    def change(data):
        losses = 2.0 - data["alpha"].values
        data["loss"][:] = losses + (0.5 * (data["alpha"].values > 0.45) if climbs else 0)
        data["standard_error"][:] = 0.001

    change_slice(surface_path(network, 0, "line"), change)


def test_the_line_falls_for_all_or_for_some(study):
    results = study(["resnet20", "plain20"])
    for network in ("resnet20", "plain20"):
        set_line(network, climbs=False)
    text = SENTENCES["line"](results)
    assert text.startswith("For none of the networks does the training loss climb") and "resnet20" not in text
    set_line("plain20", climbs=True)
    text = SENTENCES["line"](results)
    assert (
        r"does not climb beyond three times its standard error on the way from the initial to the final weights for \texttt{resnet20}."
        in text
    )
    assert r"nats for \texttt{plain20}" in text


def test_runs_of_one_machine_are_named_by_their_seeds_where_they_are_all_of_these():
    runs = ["a-0", "b-0", "a-1", "b-1", "a-2", "b-2"]
    assert which_runs(runs, runs) == "all"
    assert which_runs(["a-1", "b-1"], runs) == "seed 1"
    assert which_runs(["a-0", "b-0", "a-2", "b-2"], runs) == "seeds 0 and 2"
    assert which_runs(["a-0", "b-0", "a-2"], runs) == r"\texttt{a-0}, \texttt{b-0} and \texttt{a-2}"


def test_provenance_has_every_stage_that_records_it(study):
    results = study(["resnet20", "plain20"])
    content = read_json(CLIPPING)
    content["provenance"] |= {"device": "Another processor"}
    write_json(CLIPPING, content)
    section = results.parameters["ablation"]
    path = ablation_path(section["networks"][0], section["weight_decays"][0], section["seeds"][0])
    write_json(
        path, read_json(path) | {"provenance": {"precision": "float64", "training_precision": "float32"}}
    )
    rows = [row.split(" & ") for row in TABLES["provenance"](results).splitlines() if " & " in row][1:]
    stages = [row[0] for row in rows]
    once = ["training", "surface", "trajectory", "curvature", "sharpness", "gradients", "robustness"]
    trials = ["trial, training", "trial, surface"]
    assert stages == [*once, *trials, "initialisation", "clipping", *2 * ["ablation", "ablation, training"]]
    by_stage = {row[0]: row for row in rows}
    assert by_stage["clipping"][1:3] == ["all", "Another processor"]
    assert {row[3] for row in rows if row[0] == "ablation"} == {"float64", "float32"}
    assert {row[3] for row in rows if row[0] == "ablation, training"} == {"float32", "bfloat16"}
    odd = next(row for row in rows if row[0] == "ablation" and row[3] == "float64")
    assert odd[1] == rf"\texttt{{{path.stem}}}"


def set_measure(results, network, state, name, values):
    """A measure of the slices by seed."""
    for seed, value in zip(results.study.seeds, values, strict=True):
        results.roughness[f"{network}-{seed}"][state][name] = value


def test_what_every_seed_has_is_said_although_its_interval_holds_zero(study):
    results = study(["resnet56", "plain56"], [0, 1, 2])
    for state in ("cuts", "matched_cuts"):
        set_measure(results, "resnet56", state, "edge_rise", [4.0, 50.0, 5.0])
        set_measure(results, "plain56", state, "edge_rise", [3.0, 3.0, 3.0])
        for network in ("resnet56", "plain56"):
            set_measure(results, network, state, "halfway_distance", [0.4, 0.4, 0.4])
    note = "rise to the rim (19.67 against 3.00 nats, a difference of 16.67"
    every = "], higher for the residual network in each of three seeds"
    for sentence in ("final_slices", "matched_slices", "abstract"):
        assert ", a geometric mean ratio of 3.3 [" in SENTENCES[sentence](results)
        assert note in SENTENCES[sentence](results) and every in SENTENCES[sentence](results)
    assert "no difference in flatness is resolved, not even in rise to the rim" in SENTENCES["abstract"](
        results
    )
    for state in ("cuts", "matched_cuts"):
        set_measure(results, "plain56", state, "edge_rise", [3.0, 3.0, 6.0])  # one seed has it the other way
    assert "in each of" not in SENTENCES["abstract"](results)


def test_planes_have_differences_over_seeds_alone(study):
    results = study(["resnet56", "plain56"], [0, 1])
    for state in ("final", "matched"):
        set_measure(results, "resnet56", state, "edge_rise", [8.0, 9.0])
        set_measure(results, "plain56", state, "edge_rise", [3.0, 3.9])
        set_measure(results, "resnet56", state, "excess_variation", [1.0, 1.02])
        set_measure(results, "plain56", state, "excess_variation", [1.4, 1.44])
    text = SENTENCES["planes"](results)
    assert "at depth 56, 1.01 against 1.42, a difference" in text
    assert (
        r"rise to the rim, residual minus plain: at depth 56, 5.05\,\textpm\,0.64 nats, a geometric mean ratio of 2.5 ["
        in text
    )
    single = SENTENCES["planes"](study(["resnet56", "plain56"]))
    assert "minus plain" not in single and "difference" not in single


def test_what_does_not_print_is_no_roughness():
    measure = SMOOTHNESS.measures[0]
    assert not measure.exceeds(1.0000035) and measure.exceeds(1.006) and not measure.exceeds(None)


def test_the_largest_ratio_of_a_map_is_that_of_any_seed(study):
    results = study(["resnet56", "plain56"], [0, 1])

    def fill(content, ratio):
        content["map"]["convexity"] = [[ratio for _ in row] for row in content["map"]["convexity"]]

    for network in ("resnet56", "plain56"):
        for seed, share in ((0, 0.2), (1, 0.9)):
            change_evidence("curvature", network, lambda c, r=share: fill(c, r), seed)
    assert "at most 0.90 against 0.90" in SENTENCES["curvature_convexity"](results)


def test_traces_over_seeds_are_not_told_apart_by_errors_of_measuring(study):
    results = study(["resnet56", "plain56"], [0, 1])
    for network, seed in results.study.runs:
        values = {"normalised_trace": 100.0, "normalised_trace_error": 30.0}
        change_evidence("curvature", network, lambda c, v=values: c["states"]["final"].update(v), seed)
    assert SENTENCES["curvature_ties"](results) == ""


def test_rises_are_told_apart_by_their_ratio(study):
    """Each of three seeds has a rise of twice to three times the other: the interval of the difference holds zero."""
    results = study(["resnet56", "plain56"], [0, 1, 2])
    for state in ("cuts", "matched_cuts"):
        set_measure(results, "resnet56", state, "edge_rise", [6.0, 200.0, 9.0])
        set_measure(results, "plain56", state, "edge_rise", [3.0, 80.0, 4.0])
        for network in ("resnet56", "plain56"):
            set_measure(results, network, state, "halfway_distance", [0.4, 0.4, 0.4])
    found = roughness_difference(results, *pairs(results.study.networks), "cuts", "edge_rise")
    assert found.half_width > found.value > 0 and found.resolved and found.sign == 1
    assert found.ratio.value == pytest.approx((2 * 2.5 * 2.25) ** (1 / 3)) and found.ratio.low > 1
    text = SENTENCES["final_slices"](results)
    assert "the plain network is the flatter by rise to the rim (71.67 against 29.00 nats" in text
    assert ", a geometric mean ratio of 2.2 [1.7, 3.0])" in text
    alone = "the flatter by the rise to the rim alone (by the ratio of the rises; by their difference it would not be)"
    assert SENTENCES["abstract"](results).count(alone) == 2
    set_measure(results, "plain56", "cuts", "edge_rise", [-0.1, 80.0, 4.0])  # has no logarithm
    assert roughness_difference(results, *pairs(results.study.networks), "cuts", "edge_rise").ratio is None


def test_planes_are_counted_by_the_network_whose_rise_is_higher(study):
    results = study(NETWORKS, [0, 1, 2])
    for depth, rises in ((20, [5.0, 5.1, 5.2]), (56, [3.0, 3.1, 3.0])):
        for state in ("final", "matched"):
            set_measure(results, f"resnet{depth}", state, "edge_rise", rises)
            set_measure(results, f"plain{depth}", state, "edge_rise", [3.0, 3.0, 3.1])
    start = "On the planes through the same weights the rise to the rim is higher for the residual network in"
    for sentence, count in (
        ("agreement", "two of four comparisons."),
        ("conclusion_final", "one of two comparisons."),
    ):
        assert f"{start} {count}" in SENTENCES[sentence](results)
    assert "On the planes through" not in SENTENCES["agreement"](study())


def test_distances_at_fixed_rises_name_the_flatter_network(study):
    results = study(["resnet56", "plain56"], [0, 1, 2])
    for rise, residual in zip(RISES, (0.5, 0.41, None), strict=True):
        for state in ("cuts", "matched_cuts"):
            values = [None if residual is None else residual + 0.01 * seed for seed in range(3)]
            set_measure(results, "resnet56", state, rise_key(rise), values)
            set_measure(results, "plain56", state, rise_key(rise), [0.4, 0.45, 0.41])
    text = SENTENCES["rises_final"](results)
    assert (
        "from whatever centre, at depth 56 the residual network is the flatter at a rise of 0.25 (0.510 against 0.420, a"
        in text
    )
    assert (
        "nats; no difference is resolved at a rise of 0.5 nats; at a rise of 1 nats it was not measured in both."
        in text
    )
    assert "0.510" not in SENTENCES["conclusion_final"](
        results
    ) and "flatter at a rise of 0.25 nats" in SENTENCES["conclusion_final"](results)
    assert SENTENCES["rises_matched"](study(["resnet20"])) == ""


def test_how_early_a_network_was_caught_is_set_beside_its_rise(study):
    results = study(["resnet56", "plain56"], [0, 1, 2, 3])
    for seed, epoch in enumerate((1.0, 2.0, 3.0, 4.0)):
        for group in results.matching[str(seed)].values():
            group["networks"]["resnet56"]["epoch"], group["networks"]["plain56"]["epoch"] = epoch, 10.0
    set_measure(results, "resnet56", "matched_cuts", "edge_rise", [90.0, 40.0, 8.0, 9.0])
    set_measure(results, "resnet56", "matched_cuts", "halfway_distance", [0.1, 0.2, 0.3, 0.4])
    for seed, trace in enumerate((400.0, 300.0, 200.0, 100.0)):
        change_evidence(
            "curvature",
            "resnet56",
            lambda c, t=trace: c["states"]["matched"].update(normalised_trace=t),
            seed,
        )
    start = r"Over seeds \texttt{resnet56} was caught at equal loss from epoch 1 to epoch 4; between the runs caught first and last "
    rise, trace = (
        "the rise to the rim of its cuts goes from 90 to 9.0 nats",
        "its filter-normalised trace from 400 to 100",
    )
    depends = "How steep it is found there goes with when it was caught."
    assert SENTENCES["caught_early"](results) == (
        rf"{start}{rise}, the half-way distance of its cuts from 0.10 to 0.40 and {trace} (rank correlations with the epoch over all: "
        rf"\ensuremath{{-}}0.80, 1.00 and \ensuremath{{-}}1.00). {depends}"
    )
    caught = rf"{start}{rise} and {trace} (rank correlations with the epoch over all: \ensuremath{{-}}0.80 and \ensuremath{{-}}1.00). {depends}"
    assert caught in SENTENCES["abstract"](results)
    assert SENTENCES["conclusion_matched"](results).endswith(caught)
    change_evidence("curvature", "resnet56", lambda c: c["states"]["matched"].update(normalised_trace=None))
    alone = rf"first and last {rise} (rank correlation with the epoch over all: \ensuremath{{-}}0.80)."
    assert alone in SENTENCES["abstract"](results)  # of what every seed has
    for seed, epoch in enumerate((1.0, 2.0, 2.0, 2.0)):  # says of one seed that it is another
        results.matching[str(seed)]["56"]["networks"]["resnet56"]["epoch"] = epoch
    assert SENTENCES["caught_early"](results) == ""
    assert SENTENCES["caught_early"](study(["resnet56", "plain56"], [0, 1])) == ""


def test_recomputed_statistics_are_compared_over_seeds(study):
    results = study(["resnet56", "plain56"], [0, 1, 2])
    set_measure(results, "resnet56", "recomputed", "edge_rise", [2.0, 2.2, 2.1])
    set_measure(results, "plain56", "recomputed", "edge_rise", [1.0, 1.2, 1.1])
    text = SENTENCES["recomputed_flatness"](results)
    assert r"residual minus plain, is 1.00\,\textpm\,0.00 nats, a geometric mean ratio of 1.9 [" in text
    rise = "at depth 56: by this, about the final weights, the plain network is the flatter at depth 56."
    for network in ("resnet56", "plain56"):
        set_measure(results, network, "recomputed", "centre_loss", [1.0] * 3)
    set_measure(results, "resnet56", "recomputed", "halfway_distance", [0.9, 0.8, None])
    set_measure(results, "plain56", "recomputed", "halfway_distance", [0.7, 0.6, 0.7])
    assert SENTENCES["recomputed_flatness"](results).endswith(
        f"{rise} By their half-way distance, at depth 56 the residual network is the flatter (known of two of three seeds, in the "
        r"rest \texttt{resnet56} may not get there within the slice)."
    )
    set_measure(results, "resnet56", "recomputed", "centre_loss", [0.2] * 3)
    centres = "from centres of 0.20 against 1.00 nats, residual against plain, the climb from the lower one being the longer"
    assert f"network is the flatter ({centres}; known of two of three seeds," in SENTENCES[
        "recomputed_flatness"
    ](results)
    set_measure(results, "resnet56", "recomputed", "halfway_distance", [0.7, 0.6, 0.7])
    assert SENTENCES["recomputed_flatness"](results).endswith(
        f"{rise} By their half-way distance, at depth 56 no difference is resolved."
    )
    set_measure(results, "plain56", "recomputed", "halfway_distance", [None, None, None])
    assert SENTENCES["recomputed_flatness"](results).endswith(rise)
    set_measure(results, "plain56", "recomputed", "edge_rise", [1.0, 2.2, 4.1])
    assert SENTENCES["recomputed_flatness"](results).endswith(
        "by this, about the final weights, neither is told to be the flatter."
    )
    assert SENTENCES["recomputed_flatness"](study()) == ""
