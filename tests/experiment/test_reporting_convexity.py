"""One rule says which points of a convexity map are resolved."""

from math import nan

import pytest

from experiment.reporting.convexity import resolved_ratios

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
