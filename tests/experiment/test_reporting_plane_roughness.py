"""Texts of whole planes and of barriers follow roughness.json."""

import copy
import re
from dataclasses import replace

import pytest
from synthetic import write_synthetic_results

from experiment.reporting.plane_roughness import PLANE_ROUGHNESS_SENTENCES, PLANE_ROUGHNESS_TABLES
from experiment.reporting.results import load_results

STUDIES = {  # networks, seeds, diverged runs
    "one seed": (["resnet20", "plain20"], [0], ()),
    "three seeds": (["resnet20", "plain20", "plain56"], [0, 1, 2], ("plain20-1",)),
    "alone": (["resnet20-tanh"], [3], ()),
    "all diverged": (["resnet20", "plain20"], [0], ("resnet20-0", "plain20-0")),
}


def made(folder, monkeypatch, study):
    networks, seeds, diverged = STUDIES[study]
    write_synthetic_results(folder, networks, seeds, "cifar10", diverged)
    monkeypatch.chdir(folder)
    return load_results()


def changed(results, changes):
    roughness = copy.deepcopy(results.roughness)
    for (run, state, measure), value in changes.items():
        roughness[run][state][measure] = value
    return replace(results, roughness=roughness)


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_has_all_texts(tmp_path, monkeypatch, study):
    results = made(tmp_path, monkeypatch, study)
    makers = (*PLANE_ROUGHNESS_SENTENCES.values(), *PLANE_ROUGHNESS_TABLES.values())
    text = " ".join(maker(results) for maker in makers)
    assert not re.search(r"\bnan\b|None|\binf\b", text)
    for network in results.study.networks:
        assert all(network in table(results) for table in PLANE_ROUGHNESS_TABLES.values())


def test_planes_are_compared_pair_by_pair_in_both_places(tmp_path, monkeypatch):
    results = made(tmp_path, monkeypatch, "one seed")
    results = changed(
        results, {("plain20-0", "final", "minima"): 4, ("plain20-0", "cuts", "monotone_share"): 0.5}
    )
    text = PLANE_ROUGHNESS_SENTENCES["whole_planes"](results)
    assert "about the final weights" in text and "at equal training loss" in text
    assert "minima 1 against 4" in text and r"monotone half-rays 100\,\% against 50\,\%" in text
    lost = changed(
        results, {("plain20-0", "final", name): None for name in results.roughness["plain20-0"]["final"]}
    )
    lost = changed(lost, {("plain20-0", "cuts", "monotone_share"): None})
    assert "the planes about the final weights cannot be compared" in PLANE_ROUGHNESS_SENTENCES[
        "whole_planes"
    ](lost)


@pytest.mark.parametrize(
    ("height", "error", "words"),
    [
        (
            0.5,
            0.1,
            r"is met on the line: 0.50 nats for \texttt{plain20-0}. No barrier is resolved for \texttt{resnet20-0}",
        ),
        (0.2, 0.1, r"No barrier is resolved for \texttt{resnet20-0} and \texttt{plain20-0}"),
        (None, None, r"Not measured: \texttt{plain20-0}"),
    ],
)
def test_barriers_are_those_beyond_their_error(tmp_path, monkeypatch, height, error, words):
    results = made(tmp_path, monkeypatch, "one seed")
    changes = {("plain20-0", "line", "barrier"): height, ("plain20-0", "line", "barrier_error"): error}
    assert words in PLANE_ROUGHNESS_SENTENCES["barriers"](changed(results, changes))
