import pytest
from synthetic import write_synthetic_results

from experiment.evidence import evidence_path
from experiment.pairs import pairs
from experiment.reporting.results import load_results
from experiment.reporting.sharpness import SHARPNESS_SENTENCES, SHARPNESS_TABLES
from experiment.reporting.sharpness_values import JUDGED, difference, number
from experiment.storage import read_json, write_json

STUDIES = {  # networks, seeds, runs that diverged
    "pairs": (["resnet8", "plain8", "resnet14", "plain14"], [0], []),
    "seeds": (["resnet20", "plain20"], [0, 1, 2], ["plain20-2"]),
    "single": (["resnet20-tanh"], [3], []),
    "no norm": (["resnet8-nonorm", "plain8-nonorm"], [0], []),
    "diverged": (["resnet8", "plain8"], [0, 1], ["resnet8-0", "plain8-0", "resnet8-1", "plain8-1"]),
}


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Writes a study's made-up results and reads them back."""
    monkeypatch.chdir(tmp_path)

    def make(name):
        networks, seeds, diverged = STUDIES[name]
        write_synthetic_results(tmp_path, networks, seeds, diverged=diverged)
        return load_results()

    return make


def change(network, seed, function):
    path = evidence_path("sharpness", network, seed)
    content = read_json(path)
    function(content)
    write_json(path, content)


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_has_whole_sentences_and_even_tables(study, name):
    results = study(name)
    for sentence in SHARPNESS_SENTENCES.values():
        text = sentence(results)
        may_be_empty = ("sharpness_unmeasured", "sharpness_losses")
        assert text.endswith(".") or (text == "" and sentence in map(SHARPNESS_SENTENCES.get, may_be_empty))
        assert "None" not in text and "nan" not in text and text.count("{") == text.count("}")
    for table in SHARPNESS_TABLES.values():
        rows = [line for line in table(results).splitlines() if "&" in line and "multicolumn" not in line]
        assert len({row.count("&") for row in rows}) == 1 and "nan" not in table(results)
        assert all(network in table(results) for network in results.study.networks)


def test_a_loss_that_falls_along_directions_is_no_flat_minimum(study):
    results = study("pairs")
    assert "no minimum" not in SHARPNESS_SENTENCES["sharpness"](results)
    change("resnet8", 0, lambda c: c["states"]["matched"].update(average=[-0.05, 0.02]))
    text = SHARPNESS_SENTENCES["sharpness"](results)
    assert (
        r"At equal training loss the loss falls along some of these directions for \texttt{resnet8} (one of two directions): there"
        in text
    )
    assert "At the final weights the loss falls" not in text


def test_the_sharper_network_is_named_with_the_error_of_directions(study):
    results = study("pairs")
    change("plain8", 0, lambda c: c["states"]["final"].update(average=[0.5, 0.52], flat_radius=[0.3, 0.31]))
    change("resnet8", 0, lambda c: c["states"]["final"].update(average=[0.1, 0.11], flat_radius=[0.9, 0.92]))
    text = SHARPNESS_SENTENCES["sharpness"](results)
    start = text.index("At depth 8, at the final weights")
    final = text[start : text.index("At depth 8, at equal training loss")]
    half = 12.706205 * 0.005  # t_0.975 of 1, and the standard error of differences of -0.40 and -0.41
    values = rf"0.11 against 0.51 nats, a difference of \ensuremath{{-}}0.41\,\textpm\,{half:.2f}"
    assert (
        f"in this run, over directions, the plain network is the sharper by the average rise ({values}) and"
        in final
    )
    assert r"by the flat radius (0.91 against 0.30, a difference of 0.60\,\textpm\,0.06)" in final
    assert (
        "in this run, by lower bounds without an interval, the plain network is the sharper in the adaptive ball by weight"
        in final
    )
    assert "in the adaptive ball by filter (0.900 against 1.44 nats)" in final
    assert "one seed, 2 paired directions" in text


def test_measures_on_the_other_side_and_on_neither_are_told(study):
    results = study("pairs")
    for network, values in (("resnet8", (0.7, [0.1, 0.3])), ("plain8", (0.6, [0.2, 0.2]))):
        change(
            network,
            0,
            lambda c, v=values: c["states"]["matched"].update(filter=v[0], average=v[1], flat_radius=v[1]),
        )
    text = SHARPNESS_SENTENCES["sharpness"](results).split("At depth 8, at equal training loss")[1]
    assert (
        "the residual network is the sharper in the adaptive ball by filter (0.700 against 0.600 nats)"
        in text
    )
    assert (
        "no difference is resolved by the average rise and by the flat radius."
        in text.split("At depth 14")[0]
    )


def test_a_mean_has_the_decimals_of_its_error(study):
    results = study("pairs")
    change("resnet8", 0, lambda c: c["states"]["final"].update(average=[-0.0516, 0.0515]))
    row = next(row for row in SHARPNESS_TABLES["sharpness"](results).splitlines() if "resnet8" in row)
    assert row.split(" & ")[7] == r"0.00\,\textpm\,0.07"


def test_radii_beyond_the_extent_are_bounds(study):
    results = study("pairs")
    state = read_json(evidence_path("sharpness", "plain14", 0))["states"]["final"]
    assert state["flat_radius"][1] is None
    assert number(state, "flat_radius") == pytest.approx((state["flat_radius"][0] + state["extent"]) / 2)
    change(
        "resnet14",
        0,
        lambda c: c["states"]["final"].update(
            flat_radius=[0.1, 0.1 + state["extent"] - state["flat_radius"][0]]
        ),
    )
    assert "against at least" in SHARPNESS_SENTENCES["sharpness"](results)
    assert r"\ge" in SHARPNESS_TABLES["sharpness"](results)


def test_over_seeds_a_run_that_diverged_is_left_out_of_the_pairs_and_named(study):
    results = study("seeds")
    found = difference(results, pairs(results.study.networks)[0], "final", "filter")
    assert found.basis == "2 seeds" and found.value < 0
    assert "(2/3)" in SHARPNESS_TABLES["sharpness"](results)
    assert r"\texttt{plain20-2}: the run diverged" in SHARPNESS_SENTENCES["sharpness_unmeasured"](results)


def test_rescaling_tells_raw_measures_from_normalised_ones(study):
    results = study("pairs")
    change("plain8", 0, lambda c: c["rescaling"]["ratios"].update(l2=0.35, flat_radius=None))
    text = SHARPNESS_SENTENCES["sharpness_rescaling"](results)
    assert "by 3 changes the loss by at most" in text
    raw, normalised = text.split("and the normalised ones")
    assert "0.200 to 0.350 (worst case in the L2 ball)" in raw and "1.00 (adaptive by filter)" in normalised
    row = next(line for line in SHARPNESS_TABLES["rescaling"](results).splitlines() if "plain8" in line)
    assert row.endswith("--- \\\\")


def test_what_cannot_be_rescaled_has_its_reason(study):
    results = study("no norm")
    assert SHARPNESS_SENTENCES["sharpness_rescaling"](results) == "No network could be rescaled."
    assert "no filter has a batch norm after it" in SHARPNESS_TABLES["rescaling"](results)
    assert "no filter has a batch norm after it (rescaled)" in SHARPNESS_SENTENCES["sharpness_unmeasured"](
        results
    )


def test_a_measure_that_was_not_a_number_is_a_dash_with_its_reason(study):
    results = study("pairs")
    change("plain8", 0, lambda c: c["states"]["final"].update(filter=None, unmeasured={"filter": "overflow"}))
    assert "adaptive by filter at the final weights" in SHARPNESS_SENTENCES["sharpness_unmeasured"](results)
    assert "---" in SHARPNESS_TABLES["sharpness"](results)
    assert "by filter" not in SHARPNESS_SENTENCES["sharpness"](results).split("At depth 8, at equal")[0]


def test_the_loss_at_which_the_measures_are_taken_stands_beside_them(study):
    results = study("pairs")
    for network, loss in (("resnet8", 0.97), ("plain8", 0.878)):
        change(network, 0, lambda c, v=loss: c["states"]["matched"].update(loss=v))
    rows = SHARPNESS_TABLES["sharpness"](results).splitlines()
    assert [row.split(" & ")[2] for row in rows if "{resnet8}" in row] == ["0.300", "0.970"]
    text = SHARPNESS_SENTENCES["sharpness_losses"](results)
    samples = results.parameters["sharpness"]["samples"]
    assert f"on the {samples} that are measured here" in text
    assert "0.970 against 0.878 nats at depth 8 and 0.180 against 0.380 nats at depth 14" in text
    assert rf"up to {100 * 0.2 / 0.38:.1f}\,\% apart." in text
    assert SHARPNESS_SENTENCES["sharpness_losses"](study("single")) == ""


def test_raw_measures_are_not_compared(study):
    assert "L2 ball" not in SHARPNESS_SENTENCES["sharpness"](study("pairs"))
    assert {measure.key for measure in JUDGED} == {"elementwise", "filter", "average", "flat_radius"}
