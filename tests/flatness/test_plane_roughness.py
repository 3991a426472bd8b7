import numpy as np
import pytest
from scipy.ndimage import label

from flatness.plane_roughness import (
    basins,
    number_of_minima,
    plane_measures,
    quadratic_deviation,
    within_share,
)

AXIS = np.linspace(-1, 1, 41)
A, B = np.meshgrid(AXIS, AXIS, indexing="ij")
QUADRATIC = 0.5 + 0.3 * A - 0.2 * B + 4 * A**2 - 1.5 * A * B + 2 * B**2
EGG_CRATE = np.cos(4 * np.pi * A) + np.cos(
    4 * np.pi * B
)  # minima -2 at +-1/4, +-3/4; passes between them at 0
EXACT = np.zeros_like(A)


def brute_force(losses: np.ndarray) -> list[tuple[tuple, float]]:
    """(valley, level at which its basin first holds a lower point) of every minimum but the lowest, by flooding."""
    found = []
    for valley in np.ndindex(losses.shape):
        for level in np.sort(losses.ravel()):
            lakes, _ = label(losses <= level, structure=np.ones((3, 3)))
            inside = lakes == lakes[valley]
            if level >= losses[valley] and losses[inside].min() < losses[valley]:
                around = tuple(slice(max(0, i - 1), i + 2) for i in valley)
                if losses[around].min() == losses[valley]:
                    found.append((valley, float(level)))
                break
    return sorted(found)


@pytest.mark.parametrize("shape", [(1, 12), (5, 5), (4, 7), (7, 6)])
def test_basins_are_those_that_flooding_finds(shape):
    for seed in range(6):
        losses = np.random.default_rng(seed).normal(size=shape)
        found = sorted((valley, float(losses[top])) for valley, top in basins(losses))
        assert found == brute_force(losses)


def test_a_quadratic_is_one_basin_and_deviates_by_nothing():
    assert number_of_minima(QUADRATIC, EXACT) == 1
    assert quadratic_deviation(QUADRATIC, EXACT, AXIS, AXIS)[0] == pytest.approx(0, abs=1e-12)


def test_the_egg_crate_has_its_known_minima_of_known_persistence():
    assert number_of_minima(EGG_CRATE, EXACT) == 16
    counted = [EGG_CRATE[top] - EGG_CRATE[valley] for valley, top in basins(EGG_CRATE)]
    assert sorted(height for height in counted if height > 1e-9) == pytest.approx([2.0] * 15)
    assert number_of_minima(EGG_CRATE, EXACT + 0.47) == 16  # 3 sqrt(2) 0.47 = 1.994 < 2
    assert number_of_minima(EGG_CRATE, EXACT + 0.48) == 1


def test_the_egg_crate_is_far_from_any_quadratic():
    even = np.linspace(-1, 1, 401)
    a, b = np.meshgrid(even, even, indexing="ij")
    crate = np.cos(4 * np.pi * a) + np.cos(4 * np.pi * b)
    # on [-1, 1], the part of cos(k x), k = 4 pi, along P2(x) has the square 5 (3 / k^2)^2 of the variance's 1/2
    expected = np.sqrt(1 - 5 * (3 / (4 * np.pi) ** 2) ** 2 / 0.5)
    deviation, _ = quadratic_deviation(crate, 0 * crate, even, even)
    assert deviation == pytest.approx(expected, abs=1e-3)


def test_noise_below_its_error_makes_no_minima():
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(scale=0.02, size=A.shape)
        assert number_of_minima(2 + noise, EXACT + 0.02) == 1
        assert number_of_minima(QUADRATIC + noise, EXACT + 0.02) == 1
        assert number_of_minima(2 + noise, EXACT) > 50


def test_a_valley_askew_to_the_grid_is_one_valley():
    diagonal = np.where(np.eye(9, dtype=bool), 0.0, 1.0)
    assert number_of_minima(diagonal, np.zeros_like(diagonal)) == 1


def test_plateaus_and_level_floors_are_one_minimum_each():
    assert number_of_minima(np.ones((5, 5)), np.zeros((5, 5))) == 1
    floors = np.ones((5, 9))
    floors[1:4, 1:4] = floors[1:4, 5:8] = 0.0
    assert number_of_minima(floors, np.zeros_like(floors)) == 2
    assert all(np.isnan(quadratic_deviation(np.ones((5, 5)), np.ones((5, 5)), AXIS[:5], AXIS[:5])))


def test_the_deviation_is_that_of_an_ordinary_fit_and_knows_no_units():
    losses = QUADRATIC + 0.3 * np.random.default_rng(0).normal(size=A.shape)
    columns = np.stack([np.ones_like(A), A, B, A**2, A * B, B**2], axis=-1).reshape(-1, 6)
    _, (squares,), *_ = np.linalg.lstsq(columns, losses.ravel(), rcond=None)
    deviation, share = quadratic_deviation(losses, EXACT + 0.3, AXIS, AXIS)
    assert deviation == pytest.approx(np.sqrt(squares / A.size) / losses.std())
    assert share == pytest.approx(0.3**2 * (A.size - 6) / squares)
    other, same_share = quadratic_deviation(7 + 5 * losses, EXACT + 1.5, 3 * AXIS, 10 * AXIS + 2)
    assert (other, same_share) == pytest.approx((deviation, share))


def test_errors_explain_on_average_the_deviation_that_they_make():
    errors = 0.1 + 0.2 * np.abs(A)  # not the same everywhere
    draws = (errors * np.random.default_rng(seed).normal(size=A.shape) for seed in range(40))
    inverse = [1 / quadratic_deviation(QUADRATIC + noise, errors, AXIS, AXIS)[1] for noise in draws]
    assert np.mean(inverse) == pytest.approx(1, abs=4 * np.std(inverse) / np.sqrt(40))


def test_the_share_within_a_bound_of_a_paraboloid_is_its_disc():
    fine = np.linspace(-1, 1, 401)
    bowl = 0.5 + 4 * (fine[:, None] ** 2 + fine**2)
    assert within_share(bowl, 1.0) == pytest.approx(
        np.pi / 4 / 4, abs=3e-3
    )  # radius 1/2 in a square of area 4
    assert within_share(bowl, 1e-9) == 1 / 401**2
    assert within_share(bowl, 100) == 1
    assert within_share(-bowl, 0.0) == 1  # all below the centre


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_plane_with_a_loss_that_is_not_finite_is_not_measured(value):
    broken = QUADRATIC.copy()
    broken[0, 3] = value
    measures = plane_measures(broken, EXACT, AXIS, AXIS, 1.0)
    assert set(measures) == {"within_share", "minima", "quadratic_deviation", "quadratic_error_share"}
    assert all(np.isnan(number) for number in measures.values())


def test_minima_beside_unknown_errors_are_not_counted():
    errors = EXACT + np.where(np.arange(EXACT.size).reshape(EXACT.shape) == 5, np.nan, 0.0)
    measures = plane_measures(EGG_CRATE, errors, AXIS, AXIS, 1.0)
    assert np.isnan(measures["minima"]) and np.isnan(measures["quadratic_error_share"])
    assert measures["quadratic_deviation"] == quadratic_deviation(EGG_CRATE, EXACT, AXIS, AXIS)[0]
