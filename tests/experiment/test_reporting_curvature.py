"""The words and tables of curvature follow the results, whatever they are."""

from math import sqrt
from statistics import stdev

import pytest
from synthetic import write_synthetic_results

from experiment.evidence import evidence_path
from experiment.reporting.curvature import CURVATURE_SENTENCES, CURVATURE_TABLES
from experiment.reporting.curvature_values import map_measures
from experiment.reporting.results import load_results
from experiment.reporting.stored import NO_COUNTERPART
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
    for key, text in texts.items():
        assert "nan" not in text and "None" not in text and "inf" not in text
        assert text or key in ("curvature_missing", "curvature_ties")
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
    ("residual", "plain", "residuals", "text"),
    [
        (
            2.0,
            5.0,
            0.1,
            r"in this run the residual network has the lower {} (2.00\,\textpm\,0.10 against 5.00\,\textpm\,0.10)",
        ),
        (5.0, 2.0, 0.0001, r"in this run the plain network has the lower {} (5.00 against 2.00)"),
        (2.0, 2.1, 0.1, "no difference is resolved in {}"),
    ],
)
def test_a_single_seed_is_judged_by_the_numerical_error(study, residual, plain, residuals, text):
    results = study("pairs")
    name = "normalised_largest_eigenvalue"
    for network, value in (("resnet8", residual), ("plain8", plain)):
        change(network, 0, **{name: value, "normalised_largest_residual": residuals})
    made = CURVATURE_SENTENCES["curvature_final"](results).split("At depth 14")[0]
    assert text.format("filter-normalised largest eigenvalue") in made


@pytest.mark.parametrize(
    ("shares", "words"),
    [((0.98, 0.98), "98.00"), ((0.98, 0.75), "between 75.00 and 98.00")],
)
def test_the_mass_near_zero_is_that_of_the_quadrature(study, shares, words):
    results = study("pairs")
    for network, seed in results.study.runs:
        path = evidence_path("curvature", network, seed)
        stored = read_json(path)
        for state, share in zip(stored["states"].values(), shares, strict=True):
            nodes = [
                [-0.01, 0.02, 0.04, 3.0],
                [-0.04, 0.0, 0.02, 3.0],
            ]  # of two draws; a hundredth of the largest is 0.03
            inside = [share + 0.01, share - 0.01]
            weights = [
                [0.1, inside[0] - 0.1, 0.005, 0.995 - inside[0]],
                [0.1, inside[1] - 0.1, 0.1, 0.9 - inside[1]],
            ]
            state |= {"largest_eigenvalue": 3.0, "density": {"nodes": nodes, "weights": weights}}
        write_json(path, stored)
    text = CURVATURE_SENTENCES["curvature_density"](results)
    assert (
        f"By the quadrature, {words}\\,\\% of a network's eigenvalues have a modulus below 1\\,\\% of the largest"
        in text
    )
    assert "No spectral density" in CURVATURE_SENTENCES["curvature_density"](study("diverged"))


@pytest.mark.parametrize(("error", "resolved"), [(3.4, True), (3.6, False)])
def test_traces_differ_beyond_two_standard_errors_of_their_difference(study, error, resolved):
    results = study("pairs")
    change("resnet8", 0, normalised_trace=10.0, normalised_trace_error=error)
    change("plain8", 0, normalised_trace=20.0, normalised_trace_error=error)
    made = CURVATURE_SENTENCES["curvature_final"](results).split("At depth 14")[0]
    values = rf"filter-normalised trace (10\,\textpm\,{error:.0f} against 20\,\textpm\,{error:.0f})"
    assert (values in made) == resolved == (10 > 2 * sqrt(2 * error**2))
    assert ("no difference is resolved in filter-normalised trace" in made) != resolved


def test_numerical_errors_are_no_intervals(study):
    text = CURVATURE_SENTENCES["curvature_final"](study("pairs"))
    samples = load_results().parameters["curvature"]["samples"]
    assert (
        "numerical error alone" in text
        and f"on {samples} images, whose draw the error does not cover." in text
    )
    assert "95" not in text and "Intervals" not in text
    assert "numerical" not in CURVATURE_SENTENCES["curvature_matched"](load_results())  # said once
    several = CURVATURE_SENTENCES["curvature_final"](study("seeds"))
    assert r"Intervals are 95\,\% (2 seeds or 3 seeds)." in several  # one run of the deeper pair diverged
    assert "in this run" not in several and "numerical" not in several


def test_raw_numbers_are_printed_where_they_contradict_the_normalised_ones(study):
    results = study("pairs")
    change("resnet8", 0, largest_eigenvalue=9.0, largest_residual=0.1)
    change("plain8", 0, largest_eigenvalue=8.0, largest_residual=0.1)
    made = CURVATURE_SENTENCES["curvature_final"](results).split("At depth 14")[0]
    assert (
        r"the plain network has the lower raw largest eigenvalue (9.00\,\textpm\,0.10 against 8.00\,\textpm\,0.10)"
        in made
    )
    assert "filter-normalised trace (" in made and "raw trace (" not in made


def test_over_seeds_the_difference_has_its_interval(study):
    results = study("seeds")
    for seed, (residual, plain) in enumerate(((10.0, 20.0), (11.0, 22.0), (12.0, 23.0))):
        change("resnet20", seed, normalised_trace=residual)
        change("plain20", seed, normalised_trace=plain)
    made = CURVATURE_SENTENCES["curvature_final"](results)
    half = 4.302653 * stdev((10, 11, 11)) / sqrt(3)  # t_0.975 of 2
    assert f"{half:.1f}" == "1.4"
    values = r"filter-normalised trace (11.0 against 21.7, a difference of \ensuremath{-}10.7\,\textpm\,1.4)"
    assert values in made


@pytest.mark.parametrize(("smallest", "residual"), [(-0.5, 0.6), (0.01, 0.2)])
def test_a_smallest_eigenvalue_below_its_residual_is_not_printed(study, smallest, residual):
    results = study("pairs")
    change("resnet8", 0, normalised_smallest_eigenvalue=smallest, normalised_smallest_residual=residual)
    rows = CURVATURE_TABLES["curvature_normalised"](results).splitlines()
    cells = next(row for row in rows if "resnet8" in row).split(" & ")
    assert cells[4:6] == ["not resolved", f"{residual:.2f}"]
    assert CURVATURE_TABLES["curvature"](results).count("not resolved") == 0


def test_one_unresolved_seed_leaves_no_mean(study):
    results = study("seeds")
    change("resnet20", 1, smallest_eigenvalue=-0.1, smallest_residual=0.2)
    rows = CURVATURE_TABLES["curvature"](results).splitlines()
    assert next(row for row in rows if "resnet20" in row).split(" & ")[4] == "not resolved"


def test_seeds_that_diverged_are_counted_and_named(study):
    results = study("seeds")
    table = CURVATURE_TABLES["curvature"](results)
    assert "(2/3)" in table and r"\texttt{plain56-1} (the run diverged)" in table
    assert r"\texttt{plain56-1}" in CURVATURE_SENTENCES["curvature_missing"](results)
    assert CURVATURE_SENTENCES["curvature_missing"](study("pairs")) == ""
    assert rf"\texttt{{resnet20-tanh-3}} ({NO_COUNTERPART})" in CURVATURE_SENTENCES["curvature_missing"](
        study("alone")
    )


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
    stored = {
        "convexity": [[0.1, None], [0.3, 0.9]],
        "smallest": [[-1.0, -1.0], [-3.0, -9.0]],
        "residual": [[0.5, 0.5], [0.5, 0.5]],
    }
    assert map_measures(stored) == {"points": 4, "resolved": 0.75, "median": 0.3, "largest": 0.9}
    stored["residual"] = [[1.5, 0.5], [0.5, 9.5]]  # above the first and the last point
    assert map_measures(stored) == {"points": 4, "resolved": 0.25, "median": 0.3, "largest": 0.3}
    stored["convexity"] = [[None, None], [None, None]]
    assert map_measures(stored) == {"points": 4, "resolved": 0.0, "median": None, "largest": None}
    assert map_measures({"reason": "the run diverged"})["resolved"] is None


def test_unresolved_points_are_not_in_the_sentence(study):
    results = study("pairs")
    path = evidence_path("curvature", "plain14", 0)
    stored = read_json(path)
    points = len(stored["map"]["convexity"])
    for name, value in (("convexity", 0.5), ("smallest", -2.0), ("residual", 0.1)):
        stored["map"][name] = [[value] * points for _ in range(points)]
    stored["map"]["convexity"][0][0], stored["map"]["residual"][0][0] = 5.8e-6, 3.0
    write_json(path, stored)
    row = next(row for row in CURVATURE_TABLES["convexity"](results).splitlines() if "plain14" in row)
    assert row == rf"\texttt{{plain14}} & {points**2} & {100 - 100 / points**2:.1f} & 0.500 & 0.500 \\"
    assert "against 0.50 in the median" in CURVATURE_SENTENCES["curvature_convexity"](results)
