"""How far from the centre of a profile its loss has risen by a given amount: width at a level that is the same for all."""

import numpy as np

from flatness.roughness import mean_crossing


def rise_distance(losses: np.ndarray, alphas: np.ndarray, rise: float) -> float:
    """Distance at which the loss, going out from the centre, first lies `rise` (nats, above 0) over it: [2m+1] each.

    Linear between points, mean over the two sides; NaN where a side does not rise so far within the slice. Unlike the
    half-way distance it does not ask for a longer climb from a lower centre.
    """
    return mean_crossing(losses, alphas, losses[len(losses) // 2] + rise)
