"""One rule says which points of a convexity map are resolved."""

from math import inf, nan

import pytest
from synthetic import write_synthetic_results

from experiment.evidence import evidence_path
from experiment.reporting.convexity import median_bounds, resolved_ratios
from experiment.reporting.convexity_sentences import convexity_bounds, negative_curvature
from experiment.reporting.results import load_results
from experiment.storage import read_json, write_json

POINTS = {  # ratio, smallest, residual: what is left of the ratio
    "resolved": (0.5, -2.0, 0.1, 0.5),
    "positive": (0.5, 2.0, 0.1, 0.5),
    "at the bound": (0.5, -2.0, 2.0, 0.5),
    "residual above smallest": (2.6e-5, -1e-4, 0.3, nan),
    "masked by the stage": (None, -2.0, 0.1, nan),
    "masked as a number": (nan, -2.0, 0.1, nan),
    "no residual": (0.5, -2.0, nan, nan),
    "no eigenvalue": (0.5, None, 0.1, nan),
}


@pytest.mark.parametrize("name", POINTS)
def test_a_ratio_counts_where_the_smallest_eigenvalue_is_resolved(name):
    ratio, smallest, residual, expected = POINTS[name]
    stored = {"convexity": [[ratio]], "smallest": [[smallest]], "residual": [[residual]]}
    assert resolved_ratios(stored) == [[pytest.approx(expected, nan_ok=True)]]


def test_the_grid_keeps_its_shape():
    stored = {
        "convexity": [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]],
        "smallest": [[-1.0, -1.0, -1.0], [-1.0, -1.0, -1.0]],
        "residual": [[0.0, 0.0, 0.0], [0.0, 2.0, 0.0]],
    }
    first, second = resolved_ratios(stored)
    assert first == [0.1, 0.2, 0.3]
    assert second == [0.4, pytest.approx(nan, nan_ok=True), 0.6]


def test_a_run_without_a_map_has_no_points():
    assert resolved_ratios({"epoch": None, "reason": "the run diverged"}) == []


def grid(*points):
    """A map of one row; points are (smallest, residual), the largest eigenvalue is 10."""
    smallest, residual = ([list(values)] for values in zip(*points, strict=True))
    ratios = [[None if value is None else abs(value) / 10 for value in smallest[0]]]
    return {
        "convexity": ratios,
        "smallest": smallest,
        "largest": [[10.0] * len(points)],
        "residual": residual,
    }


@pytest.mark.parametrize(
    ("points", "bounds"),
    [
        ([(-1.0, 0.1), (-2.0, 0.1), (-3.0, 0.1)], (0.2, 0.2)),  # all resolved
        ([(-0.1, 0.4), (-2.0, 0.1), (-3.0, 0.1)], (0.2, 0.2)),  # below the median, wherever it is
        ([(-0.1, 2.4), (-2.0, 0.1), (-3.0, 0.1)], (0.2, 0.25)),
        ([(None, 0.1), (-2.0, 0.1), (-3.0, 0.1)], (0.2, 0.3)),
        ([(None, 0.1), (None, 0.1), (-3.0, 0.1)], (0.0, inf)),
    ],
)
def test_points_that_are_not_resolved_count_with_all_they_may_be(points, bounds):
    assert median_bounds(grid(*points)) == pytest.approx(bounds)


def test_the_text_says_that_resolution_selects_and_what_it_turns_round(tmp_path, monkeypatch):
    write_synthetic_results(tmp_path, ["resnet20", "plain20"], [0])
    monkeypatch.chdir(tmp_path)
    resolved = [(-1.1, 0.1), (-1.2, 0.1), (-1.3, 0.1)]
    maps = {
        "resnet20": resolved,
        "plain20": [(-0.01, 0.02), (-0.01, 0.02), (-1.15, 0.1), (-1.3, 0.1), (-1.4, 0.1)],
    }
    for network, points in maps.items():
        path = evidence_path("curvature", network, 0)
        write_json(path, read_json(path) | {"map": {"reason": None} | grid(*points)})
    text = convexity_bounds(load_results())
    assert "resolution selects" in text
    assert (
        "the medians are 0.120 against 0.115 at depth 20, which would turn the order round at depth 20."
        in text
    )
    path = evidence_path("curvature", "plain20", 0)
    write_json(path, read_json(path) | {"map": {"reason": "the run diverged"}})
    assert convexity_bounds(load_results()) == ""


def test_where_every_point_is_resolved_nothing_selects(tmp_path, monkeypatch):
    write_synthetic_results(tmp_path, ["resnet20", "plain20"], [0])
    monkeypatch.chdir(tmp_path)
    for network in ("resnet20", "plain20"):
        path = evidence_path("curvature", network, 0)
        write_json(path, read_json(path) | {"map": {"reason": None} | grid((-1.0, 0.1), (-2.0, 0.1))})
    assert convexity_bounds(load_results()) == ""


def test_signs_of_the_resolved_smallest_eigenvalues_are_counted_the_centres_apart(tmp_path, monkeypatch):
    write_synthetic_results(tmp_path, ["resnet20", "plain20"], [0])
    monkeypatch.chdir(tmp_path)
    for network, centre in (("resnet20", -1.0), ("plain20", 2.0)):
        smallest = [
            [-1.0, -2.0, None],
            [0.01, centre, -1.0],
            [-1.0, -1.0, -1.0],
        ]  # one not measured, one not resolved
        square = {
            "convexity": [[0.1] * 3] * 3,
            "smallest": smallest,
            "largest": [[10.0] * 3] * 3,
            "residual": [[0.1] * 3] * 3,
        }
        path = evidence_path("curvature", network, 0)
        write_json(path, read_json(path) | {"map": {"reason": None} | square})
    assert negative_curvature(load_results()) == (
        "The smallest eigenvalue is negative at 13 of 14 resolved points, 1 of 2 resolved centres among them."
    )
    for network in ("resnet20", "plain20"):
        path = evidence_path("curvature", network, 0)
        write_json(path, read_json(path) | {"map": {"reason": "the run diverged"}})
    assert negative_curvature(load_results()) == ""
