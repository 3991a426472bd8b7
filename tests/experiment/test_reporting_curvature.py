"""The words and tables of curvature follow the results, whatever they are."""

import copy
from math import sqrt

import pytest
from synthetic import write_synthetic_results

from experiment.evidence import evidence_path
from experiment.reporting.curvature import CURVATURE_SENTENCES, CURVATURE_TABLES, map_measures
from experiment.reporting.results import load_results
from experiment.storage import read_json, write_json

STUDIES = {  # networks, seeds, diverged runs
    "pairs": (["resnet8", "plain8", "resnet14", "plain14"], [0], ()),
    "seeds": (["resnet20", "plain20", "resnet56", "plain56"], [0, 1, 2], ("plain56-1",)),
    "alone": (["resnet20-tanh"], [3], ()),
    "diverged": (["resnet20", "plain20"], [0], ("resnet20-0", "plain20-0")),
}


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Writes a study's made-up results into the working directory and reads them."""
    monkeypatch.chdir(tmp_path)

    def results(name):
        networks, seeds, diverged = STUDIES[name]
        write_synthetic_results(tmp_path, networks, seeds, diverged=diverged)
        return load_results()

    return results


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_has_every_sentence_and_table(study, name):
    results = study(name)
    texts = {key: make(results) for key, make in (CURVATURE_SENTENCES | CURVATURE_TABLES).items()}
    for text in texts.values():
        assert text and "nan" not in text and "None" not in text and "inf" not in text
    for table in CURVATURE_TABLES:
        for network in results.study.networks:
            assert rf"\texttt{{{network}}}" in texts[table]
        rows = [
            line for line in texts[table].splitlines() if line.endswith(r"\\") and "multicolumn" not in line
        ]
        assert len({line.count("&") for line in rows}) == 1


def change(network, seed, **numbers):
    path = evidence_path("curvature", network, seed)
    stored = read_json(path)
    stored["states"]["final"] |= numbers
    write_json(path, stored)


@pytest.mark.parametrize(
    ("residual", "plain", "residuals", "word"),
    [(2.0, 5.0, 0.1, "residual lower"), (5.0, 2.0, 0.1, "plain lower"), (2.0, 2.1, 0.1, "within its error")],
)
def test_a_single_seed_is_judged_by_the_numerical_error(study, residual, plain, residuals, word):
    results = study("pairs")
    for network, value in (("resnet8", residual), ("plain8", plain)):
        change(network, 0, largest_eigenvalue=value, largest_residual=residuals)
    text = CURVATURE_SENTENCES["curvature_final"](results)
    clause = text.split("largest eigenvalue ")[1].split(";")[0]
    assert clause.startswith(f"{residual:.2f} against {plain:.2f}") and clause.endswith(f"({word})")
    assert r"\textpm\,0.20" in clause and "numerical error alone" in text


def test_the_trace_has_the_interval_of_its_draws(study):
    results = study("pairs")
    change("resnet8", 0, trace=10.0, trace_error=3.0)
    change("plain8", 0, trace=20.0, trace_error=4.0)
    clause = CURVATURE_SENTENCES["curvature_final"](results).split("; trace ")[1].split(";")[0]
    half = 1.959964 * sqrt(3**2 + 4**2)
    assert (
        clause
        == rf"10.0 against 20.0, a difference of \ensuremath{{-}}10.0\,\textpm\,{half:.1f} (residual lower)"
    )


def test_seeds_that_diverged_are_counted_and_named(study):
    results = study("seeds")
    table = CURVATURE_TABLES["curvature"](results)
    assert "(2/3)" in table and r"\texttt{plain56-1} (the run diverged)" in table
    assert r"\texttt{plain56-1}" in CURVATURE_SENTENCES["curvature_missing"](results)
    assert "3 seeds" in CURVATURE_SENTENCES["curvature_matched"](results)


def test_what_was_not_measured_is_a_dash_and_never_a_comparison(study):
    results = study("diverged")
    assert r"\texttt{plain20} & --- & --- & --- & --- & --- & ---" in CURVATURE_TABLES[
        "curvature_normalised"
    ](results)
    assert "no spectra can be compared" in CURVATURE_SENTENCES["curvature_final"](results)
    assert "cannot be compared" in CURVATURE_SENTENCES["curvature_convexity"](results)


def test_one_network_is_compared_with_nothing(study):
    assert "nothing is compared" in CURVATURE_SENTENCES["curvature_convexity"](study("alone"))


def test_a_map_is_summed_up_by_its_resolved_points():
    stored = {"convexity": [[0.1, None], [0.3, 0.9]]}
    assert map_measures(stored) == {"points": 4, "resolved": 0.75, "median": 0.3, "largest": 0.9}
    unresolved = copy.deepcopy(stored)
    unresolved["convexity"] = [[None, None]]
    assert map_measures(unresolved) == {"points": 2, "resolved": 0.0, "median": None, "largest": None}
    assert map_measures({"reason": "the run diverged"})["resolved"] is None
