"""What the errors of a stored slice may hide: its roughness without any threshold, and the bump that would count.

The measures of `flatness.roughness` count what exceeds the error of independent points. Points of a slice share their
samples, so that this is a cautious rule; these numbers stand beside it. Values that are not finite give NaN.
"""

from collections.abc import Sequence

import numpy as np

from flatness.roughness import BUMP_ERRORS, excess_variation, nonconvex_share


def resolvable_bump(standard_errors: np.ndarray, threshold: float = BUMP_ERRORS) -> float:
    """Height, in nats, above which half of a profile's neighbours would show a bump: standard errors [n].

    The median over i of `threshold` times sqrt(s_i^2 + s_i+1^2).
    """
    return float(np.median(threshold * np.hypot(standard_errors[:-1], standard_errors[1:])))


def unfiltered_measures(
    profiles: Sequence[np.ndarray], standard_errors: Sequence[np.ndarray]
) -> dict[str, float]:
    """Roughness of profiles, each [n] with its errors [n], that counts everything, sampling noise included.

    raw_excess_variation: total variation over that of a single valley; raw_nonconvex_share: share of second
    differences below 0, both means over the profiles; resolvable_bump, in nats, their median, as those on a steep rim
    have errors without measure.
    """
    pairs = list(zip(profiles, standard_errors, strict=True))
    return {
        "raw_excess_variation": float(
            np.mean([excess_variation(losses, np.zeros_like(errors)) for losses, errors in pairs])
        ),
        "raw_nonconvex_share": float(
            np.mean([nonconvex_share(losses, np.zeros_like(errors)) for losses, errors in pairs])
        ),
        "resolvable_bump": float(np.median([resolvable_bump(errors) for _, errors in pairs])),
    }
