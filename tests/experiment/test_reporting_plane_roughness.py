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
    assert (
        "Minima beyond their errors, residual against plain: 1 against 4 at depth 20 about the final weights."
        in text
    )
    rays = r"Monotone half-rays, residual against plain: 100\,\% against 50\,\% at depth 20 about the final weights."
    assert rays in text
    lost = changed(
        results, {("plain20-0", "final", name): None for name in results.roughness["plain20-0"]["final"]}
    )
    assert "the planes about the final weights cannot be compared" in PLANE_ROUGHNESS_SENTENCES[
        "whole_planes"
    ](lost)


def test_what_stands_out_nowhere_is_said_once(tmp_path, monkeypatch):
    results = made(tmp_path, monkeypatch, "one seed")
    text = PLANE_ROUGHNESS_SENTENCES["whole_planes"](results)
    assert text.startswith(
        "On no plane of a pair is a second minimum resolved. Along no half-ray of the cuts does the loss fall"
    )
    assert text.count("against") <= 4


def with_shares(results, runs, final, matched):
    """The share within the bound of residual and plain planes, for these seeds."""
    return changed(
        results,
        {
            (f"{network}-{seed}", state, "within_share"): both[number] + 0.001 * seed * number
            for seed in runs
            for state, both in (("final", final), ("matched", matched))
            for number, network in enumerate(("resnet20", "plain20"))
        },
    )


def test_values_are_printed_where_the_comparisons_disagree(tmp_path, monkeypatch):
    results = made(tmp_path, monkeypatch, "one seed")
    text = PLANE_ROUGHNESS_SENTENCES["whole_planes"](with_shares(results, [0], (0.123, 0.126), (0.15, 0.126)))
    assert (
        "As to the share of the square within the bound, at depth 20 it is nearly the same for both "
        r"networks about the final weights (12.3\,\% against 12.6\,\%) and larger for the residual network at equal training "
        r"loss (15.0\,\% against 12.6\,\%)." in text
    )
    text = PLANE_ROUGHNESS_SENTENCES["whole_planes"](with_shares(results, [0], (0.2, 0.1), (0.3, 0.1)))
    assert (
        "at depth 20 it is larger for the residual network in both comparisons." in text and "0.2" not in text
    )
    assert text.endswith("These are single planes, for which no error can be stated.")


def test_over_seeds_planes_are_compared_by_their_interval(tmp_path, monkeypatch):
    results = made(tmp_path, monkeypatch, "three seeds")
    shares = with_shares(results, [0, 2], (0.2, 0.1), (0.1, 0.1))
    text = PLANE_ROUGHNESS_SENTENCES["whole_planes"](shares)
    assert (
        "As to the share of the square within the bound, at depth 20 it is larger for the residual network about the"
        in text
    )
    assert "single planes" not in text
    assert (
        r"and larger for neither beyond its error at equal training loss (10.0\,\% against 10.1\,\%)" in text
    )


def test_the_share_of_the_errors_is_a_ratio(tmp_path, monkeypatch):
    results = made(tmp_path, monkeypatch, "one seed")
    results = changed(results, {("plain20-0", "recomputed", "quadratic_error_share"): 2.957})
    lines = PLANE_ROUGHNESS_TABLES["persistence"](results).splitlines()
    assert "Error ratio" in next(line for line in lines if "Minima" in line)
    assert " & 2.96 & " in [line for line in lines if "plain20" in line][-1]


@pytest.mark.parametrize(
    ("height", "error", "words"),
    [
        (
            0.5,
            0.1,
            r"is met on the line: 0.50 nats for \texttt{plain20}. Not for \texttt{resnet20} does the loss between the ends",
        ),
        (
            0.2,
            0.1,
            "On none of the lines does the loss between the ends rise above the higher end by more than three ",
        ),
        (None, None, r"Not measured: \texttt{plain20}"),
    ],
)
def test_barriers_are_those_beyond_their_error(tmp_path, monkeypatch, height, error, words):
    results = made(tmp_path, monkeypatch, "one seed")
    changes = {("plain20-0", "line", "barrier"): height, ("plain20-0", "line", "barrier_error"): error}
    assert words in PLANE_ROUGHNESS_SENTENCES["barriers"](changed(results, changes))
