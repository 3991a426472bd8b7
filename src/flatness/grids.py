"""Where a loss is measured: coefficients along directions, on a grid or on cuts through its centre."""

import numpy as np


def axis(extent: float, points: int) -> np.ndarray:
    """Coordinates from -extent to extent, exactly symmetric, with an exact zero at the centre: [points].

    Raises ValueError unless `points` is odd and at least 3.
    """
    if points < 3 or points % 2 == 0:
        raise ValueError(
            f"expected an odd number of points from 3, with centre and ends on the grid; found {points}"
        )
    half = np.arange(1, points // 2 + 1) * (extent / (points // 2))
    return np.concatenate([-half[::-1], [0.0], half])


def grid_points(alphas: np.ndarray, betas: np.ndarray) -> np.ndarray:
    """All (alpha, beta), alpha the slow index: [A * B, 2]."""
    return np.stack([mesh.ravel() for mesh in np.meshgrid(alphas, betas, indexing="ij")], axis=1)


def cut_points(alphas: np.ndarray, directions: int) -> np.ndarray:
    """Every alpha along each direction alone: [directions * A, directions]."""
    return np.concatenate([np.outer(alphas, unit) for unit in np.eye(directions)])
