import numpy as np
import pytest

from flatness.quadrature import SpectralQuadrature


def test_the_density_is_the_mean_of_the_draws_bells():
    quadrature = SpectralQuadrature(np.array([[0.0, 2.0], [1.0, 0.0]]), np.array([[0.25, 0.75], [1.0, 0.0]]))
    x = np.linspace(-3, 5, 2001)

    def bell(centre):
        return np.exp(-((x - centre) ** 2) / (2 * 0.3**2)) / np.sqrt(2 * np.pi * 0.3**2)

    expected = (0.25 * bell(0) + 0.75 * bell(2) + bell(1)) / 2
    np.testing.assert_allclose(quadrature.density(x, 0.3), expected, rtol=1e-12)
    assert np.trapezoid(quadrature.density(x, 0.3), x) == pytest.approx(1, abs=1e-6)
