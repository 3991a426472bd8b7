"""What departs from the originals is worded by the parameters; times are told where a second run need not repeat them."""

import csv
from dataclasses import replace

import pytest
from synthetic import write_synthetic_results

from experiment.reporting.deviations import DEVIATIONS_SENTENCES
from experiment.reporting.results import load_results
from experiment.reporting.times import TIMES_SENTENCES, seconds_of
from experiment.storage import epochs_path


def study(folder, monkeypatch, networks=("resnet20", "plain20"), seeds=(0,), diverged=()):
    write_synthetic_results(folder, list(networks), list(seeds), diverged=diverged)
    monkeypatch.chdir(folder)
    return replace(load_results(), scale="laptop")


def test_every_deviation_is_a_whole_sentence(tmp_path, monkeypatch):
    results = study(tmp_path, monkeypatch)
    results.training["resnet20-0"]["provenance"] |= {"kernels": "compiled", "convolutions": "winograd"}
    for sentence in DEVIATIONS_SENTENCES.values():
        text = sentence(results)
        assert text.endswith(".") and "None" not in text and text.count("{") == text.count("}")


@pytest.mark.parametrize(
    ("trained_by", "said"),
    [
        ({}, []),
        ({"kernels": "torch", "convolutions": "torch"}, []),
        ({"kernels": "compiled", "convolutions": "torch"}, ["Where it says compiled, batch norm"]),
        (
            {"kernels": "compiled", "convolutions": "winograd"},
            ["Where it says compiled, batch norm", "; where it says Winograd, training's convolutions"],
        ),
    ],
)
def test_kernels_of_ours_are_told_where_one_run_had_them(tmp_path, monkeypatch, trained_by, said):
    results = study(tmp_path, monkeypatch)
    results.training["plain20-0"]["provenance"] |= trained_by
    text = DEVIATIONS_SENTENCES["deviation_kernels"](results)
    assert all(words in text for words in said) and bool(text) == bool(said)
    assert text.count("where it says") + text.count("Where it says") == len(said)


@pytest.mark.parametrize(
    ("epochs", "schedule", "words"),
    [
        (1, "one_cycle", "we train for one epoch, the rate changing along one cycle"),
        (164, "he2016", "we train for 164 epochs, the rate changing in the steps of the former"),
        (300, "li2018", "we train for 300 epochs, the rate changing in the steps of the latter"),
    ],
)
def test_training(tmp_path, monkeypatch, epochs, schedule, words):
    results = study(tmp_path, monkeypatch)
    results.parameters["train"]["recipe"] |= {"epochs": epochs, "schedule": schedule}
    text = DEVIATIONS_SENTENCES["deviation_training"](results)
    assert words in text and "for about 164 epochs" in text and "for 300, both" in text


def test_points_and_images_are_those_of_the_parameters(tmp_path, monkeypatch):
    results = study(tmp_path, monkeypatch)
    results.parameters["surface"] |= {"points": 25, "relative_error": None, "line": {"points": 21}}
    results.parameters["curvature"] |= {"samples": 10**9, "density_steps": 7, "density_draws": 2}
    results.parameters["curvature"]["map"] |= {"samples": 50, "points": 3}
    assert r"we $25\times25$, each on the whole training set too." in DEVIATIONS_SENTENCES[
        "deviation_planes"
    ](results)
    assert "by 21 points" in DEVIATIONS_SENTENCES["deviation_line"](results)
    text = DEVIATIONS_SENTENCES["deviation_curvature"](results)
    everything = f"{results.dataset['train']['images']:,}".replace(",", r"\,")
    assert f"our spectra are of {everything} of {everything} images and our map is of 50, at" in text
    assert r"$3\times3$ points" in text and "7 Lanczos steps from two starts" in text


def test_the_scope_follows_networks_and_decays(tmp_path, monkeypatch):
    results = study(tmp_path, monkeypatch)
    assert "of wide residual networks" in DEVIATIONS_SENTENCES["scope"](results)
    results.parameters["ablation"] |= {"weight_decays": [0.0], "networks": ["plain8", "resnet8"]}
    assert "is not varied." in DEVIATIONS_SENTENCES["scope"](results)
    results.parameters["ablation"] |= {"weight_decays": [0.0, 0.1]}
    assert "in networks of depth 8." in DEVIATIONS_SENTENCES["scope"](results)
    wide = study(tmp_path / "wide", monkeypatch, ("resnet20-width2", "plain20-width2"))
    assert "wide residual networks" not in DEVIATIONS_SENTENCES["scope"](wide)


def test_times_are_means_over_the_runs_that_ended(tmp_path, monkeypatch):
    results = study(tmp_path, monkeypatch, seeds=(0, 1), diverged=("plain20-0", "plain20-1", "resnet20-1"))
    path = epochs_path("resnet20", 0)
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    for row, seconds in zip(rows, (600.0, 57.0, *[0.0] * len(rows)), strict=False):
        row["seconds"] = seconds
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    assert seconds_of("resnet20", 0) == 657
    text = TIMES_SENTENCES["training_times"](results)
    assert (
        r"training took 10.9 (\texttt{resnet20}) minutes a run (Imaginary CPU @ 2.90GHz with 2 threads)"
        in text
    )


def test_no_time_is_told_without_a_run_or_at_the_scale_that_is_repeated(tmp_path, monkeypatch):
    lost = study(tmp_path, monkeypatch, diverged=("plain20-0", "resnet20-0"))
    assert "no time is stated" in TIMES_SENTENCES["training_times"](lost)
    smoke = replace(lost, scale="smoke")
    assert "minutes" not in TIMES_SENTENCES["training_times"](smoke)
    assert TIMES_SENTENCES["repeats"](smoke).endswith("which are not stated at this scale.")
    assert r"except the times of training, which \cref{sec:machines} states." in TIMES_SENTENCES["repeats"](
        lost
    )
