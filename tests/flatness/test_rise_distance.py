import numpy as np
import pytest

from flatness.rise_distance import rise_distance

ALPHAS = np.linspace(-1, 1, 41)


@pytest.mark.parametrize("centre", [-0.5, 0.0, 2.0])
@pytest.mark.parametrize("rise", [0.25, 0.5])
def test_of_a_bowl_it_is_that_of_its_curvature_whatever_its_centre(centre, rise):
    assert rise_distance(centre + 2 * ALPHAS**2, ALPHAS, rise) == pytest.approx((rise / 2) ** 0.5, abs=0.003)


def test_it_is_the_mean_of_both_sides():
    losses = np.where(ALPHAS < 0, -ALPHAS, 2 * ALPHAS)
    assert rise_distance(losses, ALPHAS, 0.5) == pytest.approx((0.5 + 0.25) / 2)


def test_it_is_the_first_distance():
    losses = np.where(abs(ALPHAS) > 0.5, 0.1, 4 * abs(ALPHAS))
    assert rise_distance(losses, ALPHAS, 1.0) == pytest.approx(0.25)


def test_it_is_absent_where_a_side_does_not_rise_so_far_or_not_finitely():
    assert np.isnan(rise_distance(np.where(ALPHAS > 0, ALPHAS, 0.0), ALPHAS, 0.5))
    assert np.isnan(rise_distance(np.where(ALPHAS == 0.5, np.nan, ALPHAS**2), ALPHAS, 0.5))
