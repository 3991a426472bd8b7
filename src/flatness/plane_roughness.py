"""Measures of a stored plane of the loss beyond those of its rows and columns: numbers in, one number out.

A plane is a grid of losses L [A, B] (nats) over coordinates a [A] and b [B]. A loss that is not finite gives
NaN for every measure of its plane, since neither a fit nor a pass between valleys is known without it; a
standard error that is not finite for those that take it.
"""

import numpy as np

from flatness.roughness import BUMP_ERRORS, all_finite, resolved

Point = tuple[int, int]
ROUNDING = 1e-10  # relative deviation below which a plane is a quadratic
NEIGHBOURS = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]  # of a point: eight


def within_share(losses: np.ndarray, bound: float) -> float:
    """Share of the grid's points, the centre among them, whose loss is at most `bound` nats above the centre's.

    losses [2m+1, 2k+1]. The share of points estimates that of the square's area within the level set.
    """
    centre = losses[losses.shape[0] // 2, losses.shape[1] // 2]
    return float(np.mean(losses <= centre + bound)) if np.isfinite(losses).all() else float("nan")


def basins(losses: np.ndarray) -> list[tuple[Point, Point]]:
    """(valley, pass) of every local minimum of finite losses [A, B] but the lowest, as indices.

    Points join in the order of their losses, each to its eight neighbours; where two basins meet, the one with the
    higher valley ends (0-dimensional persistence of sublevel sets, Edelsbrunner et al. 2002). The pass is the point
    at which they meet, and L_pass - L_valley the minimum's persistence. With eight neighbours a valley that runs
    askew to the grid is one valley. Points of equal loss join one after the other, so that of a level floor one
    point is the valley and the others have persistence 0, or are not listed.
    """
    parent: dict[Point, Point] = {}  # towards the valley of the basin; in it are those that have joined

    def valley_of(point: Point) -> Point:
        while parent[point] != point:
            parent[point] = point = parent[parent[point]]
        return point

    pairs: list[tuple[Point, Point]] = []
    order = np.argsort(losses, axis=None, kind="stable")
    rank = np.empty(losses.size, dtype=int)
    rank[order] = np.arange(losses.size)
    rank = rank.reshape(losses.shape)
    for flat in order.tolist():
        point = divmod(flat, losses.shape[1])
        around = ((point[0] + i, point[1] + j) for i, j in NEIGHBOURS)
        meeting = sorted({valley_of(other) for other in around if other in parent}, key=rank.__getitem__)
        parent[point] = meeting[0] if meeting else point
        for valley in meeting[1:]:
            pairs.append((valley, point))
            parent[valley] = meeting[0]
    return pairs


def number_of_minima(
    losses: np.ndarray, standard_errors: np.ndarray, threshold: float = BUMP_ERRORS
) -> float:
    """Local minima of a plane, the lowest included, whose persistence exceeds `threshold` combined standard errors.

    1 + the number of basins with L_pass - L_valley > threshold sqrt(s_valley^2 + s_pass^2); [A, B] each. Minima on
    the border count, although they may go on falling beyond it.
    """
    if not all_finite(losses, standard_errors):
        return float("nan")
    return 1 + len(resolved(basins(losses), losses, standard_errors, threshold))


def quadratic_deviation(
    losses: np.ndarray, standard_errors: np.ndarray, alphas: np.ndarray, betas: np.ndarray
) -> tuple[float, float]:
    """RMS deviation of L [A, B] from its best quadratic, over the RMS about its mean; and the share that errors explain.

    The fit is by least squares in 1, a, b, a^2, ab, b^2, all points alike. The first number lies in [0, 1], 0 for a
    quadratic. The second is sum_i (1 - h_i) s_i^2 / sum_i r_i^2, the squared deviation that independent errors s
    leave on average (h_i the fit's leverages) over the one found; it may exceed 1. NaN for a constant plane, and for
    the share where the deviation is rounding.
    """
    values = losses.ravel()
    if not np.isfinite(values).all() or np.ptp(values) == 0:
        return float("nan"), float("nan")
    about_mean = values - values.mean()
    a, b = (mesh.ravel() for mesh in np.meshgrid(alphas, betas, indexing="ij"))
    basis, _ = np.linalg.qr(np.stack([np.ones_like(a), a, b, a * a, a * b, b * b], axis=1))
    squares = float(np.sum((about_mean - basis @ (basis.T @ about_mean)) ** 2))
    by_errors = float(np.sum((1 - np.sum(basis**2, axis=1)) * standard_errors.ravel() ** 2))
    total = float(np.sum(about_mean**2))
    share = by_errors / squares if squares > ROUNDING**2 * total else float("nan")
    return float(np.sqrt(squares / total)), share


def plane_measures(
    losses: np.ndarray, standard_errors: np.ndarray, alphas: np.ndarray, betas: np.ndarray, bound: float
) -> dict[str, float]:
    """All measures of a plane by name: losses and errors [A, B], coordinates [A] and [B], `bound` in nats."""
    deviation, error_share = quadratic_deviation(losses, standard_errors, alphas, betas)
    return {
        "within_share": within_share(losses, bound),
        "minima": number_of_minima(losses, standard_errors),
        "quadratic_deviation": deviation,
        "quadratic_error_share": error_share,
    }
