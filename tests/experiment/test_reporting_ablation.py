"""The ablation's texts follow its results."""

import re
from itertools import product
from math import isnan, nan

import pytest
from synthetic import write_synthetic_results

from experiment.claims.samples import Point
from experiment.evidence import ablation_path
from experiment.reporting.ablation import ABLATION_SENTENCES, ABLATION_TABLES
from experiment.reporting.ablation_dial import rank_correlation
from experiment.reporting.results import load_results
from experiment.storage import read_json, write_json

SECTION = {
    "networks": [
        "plain8",
        "resnet8-shortcut0.25",
        "resnet8-shortcut0.5",
        "resnet8",
        "resnet8-projection",
        "plain8-tanh",
    ],
    "weight_decays": [0.0, 0.0005],
    "further": {"networks": [], "weight_decays": []},
    "seeds": [0],
    "epochs": 1,
    "samples": 50,
    "trace_draws": 3,
    "most_steps": 8,
    "points": 5,
    "direction_seeds": [11, 12],
}
STUDIES = {  # changes of the section, runs that diverged
    "whole": ({}, []),
    "seeds": ({"seeds": [0, 1, 2]}, ["plain8-1"]),
    "diverged": ({}, [f"{network}-0" for network in SECTION["networks"]]),
    "no dial": ({"networks": ["resnet8-projection", "resnet8-projection-width2"]}, []),
    "further": (
        {"weight_decays": [0.0005], "further": {"networks": ["plain8", "resnet8"], "weight_decays": [0.0]}},
        ["resnet8-projection-0"],
    ),
    "two ends": ({"networks": ["plain8", "resnet8"], "weight_decays": [0.0]}, ["plain8-0"]),
}


def made(folder, monkeypatch, study):
    changes, diverged = STUDIES[study]
    write_synthetic_results(folder, ["resnet8"], [0], "digits", diverged, {"ablation": SECTION | changes})
    monkeypatch.chdir(folder)
    return load_results()


def change(network, decay, **values):
    path = ablation_path(network, decay, 0)
    write_json(path, read_json(path) | values)


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_has_all_texts(tmp_path, monkeypatch, study):
    results = made(tmp_path, monkeypatch, study)
    text = " ".join(maker(results) for maker in (*ABLATION_SENTENCES.values(), *ABLATION_TABLES.values()))
    assert not re.search(r"\bnan\b|None|\binf\b", text)
    for network in results.parameters["ablation"]["networks"]:
        assert network in ABLATION_TABLES["ablation"](results)


def test_the_rank_correlation_is_the_mean_over_seeds_of_what_was_measured():
    by_seed = {0: [(0, 3.0), (0.5, 2.0), (1, 1.0)], 1: [(0, 1.0), (0.5, 2.5), (1, 2.0)]}
    points = [Point("run", seed, *point) for seed, dial in by_seed.items() for point in dial]
    value, count = rank_correlation([*points, Point("run", 1, 0.75, nan)])
    assert (value, count) == (pytest.approx((-1 + 1 / 3) / 2), 6)
    assert isnan(rank_correlation(points[:2])[0])


def test_the_dial_is_told_with_its_count(tmp_path, monkeypatch):
    results = made(tmp_path, monkeypatch, "whole")
    text = ABLATION_SENTENCES["ablation_dial"](results)
    assert text.count(r"over four runs is \ensuremath{-}1.00 with the training loss") == 2
    change("resnet8", 0.0, normalised_trace=9e9)
    text = ABLATION_SENTENCES["ablation_dial"](results)
    assert "0.00 with the normalised trace" in text.partition("With weight decay 0.0005")[0]
    change("resnet8", 0.0, normalised_trace=None)
    text = ABLATION_SENTENCES["ablation_dial"](results)
    assert "with the normalised trace (three runs)" in text and "training loss (four runs)" in text


DIAL = ("plain8", "resnet8-shortcut0.25", "resnet8-shortcut0.5", "resnet8")


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        (
            (176.0, 45.0, 40.0, 159.0),
            (
                "with standard errors over sign vectors of 40 to 176: even the two farthest apart differ by no more than twice the standard error "
                "of their difference (237), so that their order is no dose-response."
            ),
        ),
        (
            (30.0, 45.0, 20.0, 40.0),
            "with standard errors over sign vectors of 20 to 45: the two farthest apart differ by 4.1 standard errors of their difference.",
        ),
    ],
)
def test_an_order_within_the_errors_is_no_dose_response(tmp_path, monkeypatch, errors, words):
    results = made(tmp_path, monkeypatch, "whole")
    for network, trace, error in zip(DIAL, (2380.0, 2378.0, 2359.0, 2173.0), errors, strict=True):
        change(network, 0.0, normalised_trace=trace, normalised_trace_error=error)
    for network, loss, accuracy in zip(
        DIAL, (1.059, 1.063, 1.07, 1.074), (0.66, 0.655, 0.66, 0.65), strict=True
    ):
        change(network, 0.0, train_loss=loss, test_accuracy=accuracy)
    text = ABLATION_SENTENCES["ablation_dial"](results).partition("With weight decay 0.0005")[0]
    assert r"\ensuremath{-}1.00 with the normalised trace" in text
    assert (
        rf"The normalised traces lie between 2173 (\texttt{{resnet8}}) and 2380 (\texttt{{plain8}}), {words}"
        in text
    )
    chance = 100 * (0.35 * 0.65 / results.dataset["test"]["images"]) ** 0.5
    assert (
        "Training losses lie within 0.015 nats of each other and test errors within 1.00 percentage points; the finite test "
        f"set alone gives a test error a standard error of up to {chance:.2f} points." in text
    )


def test_traces_stand_beside_their_errors(tmp_path, monkeypatch):
    results = made(tmp_path, monkeypatch, "whole")
    change(
        "plain8", 0.0, trace=1111.0, trace_error=72.8, normalised_trace=2722.0, normalised_trace_error=145.7
    )
    lines = ABLATION_TABLES["ablation"](results).splitlines()
    assert next(line for line in lines if "Decay" in line).count("Std. error") == 2
    row = next(line for line in lines if r"{plain8}" in line)
    assert "1111 & 73 & " in row and "2722 & 146 & " in row


def test_several_seeds_have_their_spread_in_place_of_errors(tmp_path, monkeypatch):
    table = ABLATION_TABLES["ablation"](made(tmp_path, monkeypatch, "seeds"))
    assert "Std. error" not in table and r"\textpm" in table


def test_the_design_names_networks_decays_and_seeds(tmp_path, monkeypatch):
    text = ABLATION_SENTENCES["ablation_design"](made(tmp_path, monkeypatch, "two ends"))
    assert text == (
        r"The networks \texttt{plain8} and \texttt{resnet8} are trained by the recipe of all networks, without overrides, for "
        "one epoch with weight decay 0, from seed 0 each."
    )
    text = ABLATION_SENTENCES["ablation_design"](made(tmp_path, monkeypatch, "seeds"))
    assert text.endswith("with weight decay 0 and 0.0005, from seeds 0, 1 and 2 each.")


def test_some_networks_may_have_a_further_weight_decay(tmp_path, monkeypatch):
    results = made(tmp_path, monkeypatch, "further")
    assert ABLATION_SENTENCES["ablation_design"](results).endswith(
        r"with weight decay 0.0005, and \texttt{plain8} and \texttt{resnet8} with weight decay 0 too, from seed 0 each."
    )
    lines = [line for line in ABLATION_TABLES["ablation"](results).splitlines() if r"\texttt" in line]
    assert len(lines) == len(SECTION["networks"]) + 2
    assert lines[-2].startswith(r"0 & \texttt{plain8}") and r"\texttt{resnet8}" in lines[-1]
    assert "With weight decay 0 " not in ABLATION_SENTENCES["ablation_dial"](results)
    for network, decay in (("plain8", 0.0), ("resnet8", 0.0), ("plain8", 0.0005), ("resnet8", 0.0005)):
        change(network, decay, test_accuracy=0.5, normalised_trace=100.0, normalised_trace_error=1.0)
    change("plain8", 0.0005, normalised_trace=50.0)
    text = ABLATION_SENTENCES["ablation_variants"](results)
    assert "resnet8} against \\texttt{plain8}, higher normalised trace (weight decay 0.0005)" in text
    assert r"weight decay 0.0005 against 0, lower normalised trace (\texttt{plain8})." in text
    assert (
        "In 12 comparisons, not corrected" in text
    )  # three pairs, one of them at both decays, two networks; two responses


def told_of(results, network):
    """What the sentence of the variants says of one network."""
    text = ABLATION_SENTENCES["ablation_variants"](results)
    return re.search(rf"\\texttt\{{{network}\}} against \\texttt\{{\w+\}}, ([^;]*?)[;.]( |$)", text)[1]


@pytest.mark.parametrize(
    ("error", "trace", "words"),
    [
        (34.0, 2380.0, "none"),
        (40.0, 2380.0, "higher test error (weight decay 0)"),
        (20.0, 2800.0, "lower test error (weight decay 0) and higher normalised trace (weight decay 0)"),
        (35.0, 1900.0, "lower normalised trace (weight decay 0)"),
    ],
)
def test_a_variant_is_told_by_what_exceeds_its_errors(tmp_path, monkeypatch, error, trace, words):
    results = made(tmp_path, monkeypatch, "whole")
    results.dataset["test"]["images"] = (
        10_000  # standard error of a difference of test errors near 34 %: 0.67 points
    )
    same = {
        "test_accuracy": 0.66,
        "normalised_trace": 2380.0,
        "normalised_trace_error": 100.0,
    }  # of a difference: 141
    for network, decay in product(("resnet8", "resnet8-projection"), (0.0, 0.0005)):
        change(network, decay, **same)
    change("resnet8-projection", 0.0, test_accuracy=1 - error / 100, normalised_trace=trace)
    assert told_of(results, "resnet8-projection") == words


def test_the_ends_of_the_dial_are_compared_at_every_decay(tmp_path, monkeypatch):
    results = made(tmp_path, monkeypatch, "whole")
    for decay in (0.0, 0.0005):
        change("resnet8", decay, test_accuracy=0.9, normalised_trace=10.0, normalised_trace_error=1.0)
        change("plain8", decay, test_accuracy=0.1, normalised_trace=10.0, normalised_trace_error=1.0)
    assert told_of(results, "resnet8") == "lower test error (weight decay 0 and 0.0005)"
    assert "twice the standard error" in ABLATION_SENTENCES["ablation_variants"](results)


def test_several_seeds_are_compared_in_pairs(tmp_path, monkeypatch):
    results = made(tmp_path, monkeypatch, "seeds")
    for seed, accuracy in ((0, 0.7), (1, 0.1), (2, 0.71)):  # plain8-1 diverged
        for decay in (0.0, 0.0005):
            for network, value in (("resnet8", accuracy), ("plain8", accuracy - 0.3)):
                path = ablation_path(network, decay, seed)
                if read_json(path)["reason"] is None:
                    write_json(path, read_json(path) | {"test_accuracy": value})
    assert told_of(results, "resnet8").startswith("lower test error")
    text = ABLATION_SENTENCES["ablation_variants"](results)
    assert "interval over paired seeds" in text and "twice" not in text
    row = next(line for line in ABLATION_TABLES["ablation"](results).splitlines() if r"{plain8}" in line)
    assert row.count(r"(2/3)") == 8


@pytest.mark.parametrize(
    ("spread", "words"),
    [
        (40.0, ": a difference of 300\\,\\textpm\\,172 (95\\,\\% interval over 3 seeds, paired; the two"),
        (
            400.0,
            "interval over 3 seeds, paired, within which lies zero; the two are the farthest apart of all",
        ),
    ],
)
def test_the_ends_of_the_traces_are_set_apart_over_paired_seeds(tmp_path, monkeypatch, spread, words):
    results = made(tmp_path, monkeypatch, "seeds")
    for network, low in (
        ("plain8", 2000.0),
        ("resnet8-shortcut0.25", 2100.0),
        ("resnet8-shortcut0.5", 2200.0),
    ):
        for seed in (0, 1, 2):
            write_json(
                path := ablation_path(network, 0.0, seed),
                read_json(path) | {"normalised_trace": low, "normalised_trace_error": 1.0, "reason": None},
            )
    for seed, off in enumerate((-1, 1, 0)):
        path = ablation_path("resnet8", 0.0, seed)
        write_json(path, read_json(path) | {"normalised_trace": 2300.0 + off * spread * 3**0.5})
    text = ABLATION_SENTENCES["ablation_dial"](results).partition("With weight decay 0.0005")[0]
    assert r"between 2000 (\texttt{plain8}) and 2300 (\texttt{resnet8})" in text
    assert words in text and "sign vectors" not in text


def test_weight_decays_are_set_apart_network_by_network(tmp_path, monkeypatch):
    results = made(tmp_path, monkeypatch, "whole")
    for network in SECTION["networks"]:
        for decay in (0.0, 0.0005):
            change(network, decay, test_accuracy=0.5, normalised_trace=100.0, normalised_trace_error=1.0)
    change("plain8", 0.0005, normalised_trace=50.0)
    change("resnet8", 0.0005, test_accuracy=0.9)
    text = ABLATION_SENTENCES["ablation_variants"](results)
    assert (
        r"weight decay 0.0005 against 0, lower test error (\texttt{resnet8}) and lower normalised trace (\texttt{plain8})."
        in text
    )
    assert (
        "In 24 comparisons, not corrected" in text
    )  # three pairs at two decays, six networks, two responses each


def test_runs_that_were_not_measured_are_named_with_their_reason(tmp_path, monkeypatch):
    results = made(tmp_path, monkeypatch, "two ends")
    assert "plain8} with weight decay 0, seed 0 (the run diverged in epoch 1)" in ABLATION_SENTENCES[
        "ablation_unmeasured"
    ](results)
    assert told_of(results, "resnet8") == "not measured"
    assert r"\multicolumn{10}{c}{the run diverged in epoch 1}" in ABLATION_TABLES["ablation"](results)
    change("plain8", 0.0, reason=None)
    assert ABLATION_SENTENCES["ablation_unmeasured"](results) == ""


def test_a_missing_run_is_named_with_the_remedy(tmp_path, monkeypatch):
    results = made(tmp_path, monkeypatch, "whole")
    ablation_path("plain8", 0.0005, 0).unlink()
    with pytest.raises(FileNotFoundError, match=r"plain8-decay0.0005-0.json not found.*dvc repro"):
        ABLATION_TABLES["ablation"](results)
