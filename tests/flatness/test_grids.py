import numpy as np
import pytest

from flatness.grids import axis, cut_points


@pytest.mark.parametrize("points", [3, 25, 51])
def test_the_axis_is_symmetric_about_an_exact_zero(points):
    values = axis(0.7, points)
    assert values[points // 2] == 0 and values[-1] == pytest.approx(0.7) and len(values) == points
    np.testing.assert_array_equal(values, -values[::-1])
    with pytest.raises(ValueError, match="odd"):
        axis(1, points + 1)


@pytest.mark.parametrize("points", [1, 0, -1, 2])
def test_an_axis_without_two_ends_is_refused(points):
    with pytest.raises(ValueError, match=f"expected an odd number of points from 3, .* found {points}"):
        axis(1.0, points)


def test_cuts_move_along_one_direction_at_a_time():
    np.testing.assert_array_equal(
        cut_points(np.array([-1.0, 0.0, 1.0]), 2), [[-1, 0], [0, 0], [1, 0], [0, -1], [0, 0], [0, 1]]
    )
