"""Measures of a stored slice of the loss: numbers in, one number out; no network is needed.

A profile is a one-dimensional slice of 2m+1 losses about its centre. Losses, or standard errors where a
measure takes them, that are not finite give NaN: what noise may hide is then unknown, and none of it is
smooth.
"""

from collections.abc import Iterable
from typing import TypeVar

import numpy as np

Index = TypeVar("Index", int, tuple[int, int])  # of a point of a profile, or of a plane
CURVATURE_ERRORS = 2.0  # standard errors by which a second difference must lie below zero to count
BUMP_ERRORS = 3.0  # and a bump must be high: more, since its peak and valley are the extremes of many points


def all_finite(*values: np.ndarray) -> bool:
    """Whether every entry of every array is a finite number."""
    return all(bool(np.isfinite(array).all()) for array in values)


def edge_rise(losses: np.ndarray) -> float:
    """Mean loss at the profile's two ends minus that at its centre; losses [2m+1]."""
    return float((losses[0] + losses[-1]) / 2 - losses[len(losses) // 2])


def halfway_distance(losses: np.ndarray, alphas: np.ndarray, chance: float) -> float:
    """Distance at which the loss, going out from the centre, first reaches half-way to chance: [2m+1] each.

    (L(0) + chance) / 2, linear between points, mean over the two sides. A side that never reaches it within
    the slice, or a centre that is not below chance, gives NaN.
    """
    centre = losses[len(losses) // 2]
    return mean_crossing(losses, alphas, (centre + chance) / 2) if centre < chance else float("nan")


def mean_crossing(losses: np.ndarray, alphas: np.ndarray, level: float) -> float:
    """Mean over the two sides of a profile of the distance at which the loss, going out, first reaches `level`: [2m+1] each."""
    middle = len(losses) // 2
    sides = [
        first_crossing(losses[middle:], alphas[middle:] - alphas[middle], level),
        first_crossing(losses[middle::-1], alphas[middle] - alphas[middle::-1], level),
    ]
    return float(np.mean(sides))


def first_crossing(losses: np.ndarray, distances: np.ndarray, level: float) -> float:
    """First distance at which losses [m+1], starting below `level`, reach it; NaN if they do not, or not finitely."""
    above = np.flatnonzero(~(losses < level))  # a loss that is not a number as well
    if len(above) == 0 or above[0] == 0 or not np.isfinite(losses[above[0]]):
        return float("nan")
    end = above[0]
    share = (level - losses[end - 1]) / (losses[end] - losses[end - 1])
    return float(distances[end - 1] + share * (distances[end] - distances[end - 1]))


def bumps(losses: np.ndarray) -> list[tuple[int, int]]:
    """(valley, peak) of every local minimum of losses [n] but the lowest, as indices.

    The peak is the lowest that must be crossed from the valley to a lower one; L_peak - L_valley is the
    minimum's persistence (Edelsbrunner et al. 2002, sublevel sets).
    """
    pairs: list[tuple[int, int]] = []
    basin: dict[
        int, int
    ] = {}  # the lowest index of the basin that an index below the rising level belongs to
    for index in np.argsort(losses, kind="stable").tolist():
        meeting = sorted({basin[j] for j in (index - 1, index + 1) if j in basin}, key=losses.__getitem__)
        basin[index] = meeting[0] if meeting else index
        for valley in meeting[1:]:
            pairs.append((valley, index))
            basin |= {j: meeting[0] for j, lowest in basin.items() if lowest == valley}
    return pairs


def excess_variation(
    losses: np.ndarray, standard_errors: np.ndarray, threshold: float = BUMP_ERRORS
) -> float:
    """Total variation of a profile over that of a single valley with the same ends and minimum; [n] each.

    sum |L_i+1 - L_i| = (L_first - L_min) + (L_last - L_min) + 2 sum of the bumps' heights, of which only those
    above `threshold` times sqrt(s_valley^2 + s_peak^2) are taken, or sampling noise on a plateau would pass for
    roughness. 1 for a profile without such bumps; NaN for a constant profile.
    """
    if not all_finite(losses, standard_errors):
        return float("nan")
    valley_alone = losses[0] + losses[-1] - 2 * losses.min()
    counted = resolved(bumps(losses), losses, standard_errors, threshold)
    heights = [losses[peak] - losses[valley] for valley, peak in counted]
    return float(1 + 2 * sum(heights) / valley_alone) if valley_alone > 0 else float("nan")


def nonconvex_share(
    losses: np.ndarray, standard_errors: np.ndarray, threshold: float = CURVATURE_ERRORS
) -> float:
    """Share of second differences L_i-1 - 2 L_i + L_i+1 below zero by more than `threshold` standard errors.

    The error of a second difference is taken as sqrt(s_i-1^2 + 4 s_i^2 + s_i+1^2), as if points were independent;
    points that share their samples are better known than that, so the share is a lower bound. [n] each.
    """
    second = losses[:-2] - 2 * losses[1:-1] + losses[2:]
    error = np.sqrt(standard_errors[:-2] ** 2 + 4 * standard_errors[1:-1] ** 2 + standard_errors[2:] ** 2)
    return float(np.mean(second < -threshold * error)) if all_finite(second, error) else float("nan")


def monotone_share(losses: np.ndarray, standard_errors: np.ndarray, threshold: float = BUMP_ERRORS) -> float:
    """Share (0, 1/2 or 1) of the two half-rays of a profile along which the loss never falls, going out from the centre.

    A fall counts where the highest loss met so far exceeds a later one by more than `threshold` times
    sqrt(s_highest^2 + s_later^2); [2m+1] each. A level stretch is no fall.
    """
    if not all_finite(losses, standard_errors):
        return float("nan")
    middle = len(losses) // 2
    sides = (slice(middle, None), slice(middle, None, -1))
    return float(np.mean([not falls(losses[side], standard_errors[side], threshold) for side in sides]))


def falls(losses: np.ndarray, standard_errors: np.ndarray, threshold: float = BUMP_ERRORS) -> bool:
    """Whether losses [m+1], in this order, fall below their running maximum by more than its and their error.

    All finite, the errors too.
    """
    highest = 0
    for index, loss in enumerate(losses):
        if loss >= losses[highest]:
            highest = index
        elif losses[highest] - loss > threshold * np.hypot(standard_errors[highest], standard_errors[index]):
            return True
    return False


def barrier(losses: np.ndarray, standard_errors: np.ndarray) -> tuple[float, float]:
    """How far a line's losses [n], n >= 3, climb above the larger of their two ends, and the standard error of that.

    max(0, highest loss between the ends - larger end); the error is sqrt(s_highest^2 + s_end^2), also of a barrier
    of 0, of which it says how much may be hidden. As if points were independent: an upper bound where they share
    samples.
    """
    if not all_finite(losses, standard_errors):
        return float("nan"), float("nan")
    top = 1 + int(np.argmax(losses[1:-1]))
    end = 0 if losses[0] >= losses[-1] else -1
    error = np.hypot(standard_errors[top], standard_errors[end])
    return max(0.0, float(losses[top] - losses[end])), float(error)


def line_measures(
    losses: np.ndarray, standard_errors: np.ndarray, alphas: np.ndarray, tolerance: float = 1e-6
) -> dict[str, float]:
    """Barrier and number of minima between alpha = 0 and alpha = 1, ends included; [n] each.

    A minimum counts if its bump is higher than BUMP_ERRORS standard errors; an end below its neighbour is one. NaN
    where 0 or 1 is not among the points, or where fewer than three lie between.
    """
    inside = (alphas >= -tolerance) & (alphas <= 1 + tolerance)
    ends = all(np.isclose(alphas, end, rtol=0, atol=tolerance).any() for end in (0, 1))
    if not ends or inside.sum() < 3 or not all_finite(losses[inside], standard_errors[inside]):
        return dict.fromkeys(("barrier", "barrier_error", "minima"), float("nan"))
    losses, standard_errors = losses[inside], standard_errors[inside]
    height, error = barrier(losses, standard_errors)
    minima = 1 + len(resolved(bumps(losses), losses, standard_errors))
    return {"barrier": height, "barrier_error": error, "minima": minima}


def resolved(
    pairs: Iterable[tuple[Index, Index]],
    losses: np.ndarray,
    standard_errors: np.ndarray,
    threshold: float = BUMP_ERRORS,
) -> list[tuple[Index, Index]]:
    """The (valley, peak) of `pairs` whose height is above `threshold` times sqrt(s_valley^2 + s_peak^2).

    All errors are finite.
    """
    return [
        (valley, peak)
        for valley, peak in pairs
        if losses[peak] - losses[valley]
        > threshold * np.hypot(standard_errors[valley], standard_errors[peak])
    ]


def profile_measures(
    losses: np.ndarray, standard_errors: np.ndarray, alphas: np.ndarray, chance: float
) -> dict[str, float]:
    """All measures of one profile by name, with the centre's loss."""
    return {
        "centre_loss": float(losses[len(losses) // 2]),
        "edge_rise": edge_rise(losses),
        "halfway_distance": halfway_distance(losses, alphas, chance),
        "excess_variation": excess_variation(losses, standard_errors),
        "nonconvex_share": nonconvex_share(losses, standard_errors),
        "monotone_share": monotone_share(losses, standard_errors),
    }


def surface_measures(
    losses: np.ndarray, standard_errors: np.ndarray, alphas: np.ndarray, chance: float
) -> dict[str, float]:
    """The measures of a square slice [2m+1, 2m+1] over `alphas` [2m+1] in both directions.

    centre_loss; edge_rise from the centre to the mean over the rim; halfway_distance, the mean of the two central
    profiles; excess_variation and nonconvex_share, means over all rows and columns.
    """
    middle = len(alphas) // 2
    rim = np.concatenate([losses[0], losses[-1], losses[1:-1, 0], losses[1:-1, -1]])
    profiles = [*zip(losses, standard_errors, strict=True), *zip(losses.T, standard_errors.T, strict=True)]
    central = (losses[middle], losses[:, middle])
    return {
        "centre_loss": float(losses[middle, middle]),
        "edge_rise": float(rim.mean() - losses[middle, middle]),
        "halfway_distance": float(
            np.mean([halfway_distance(profile, alphas, chance) for profile in central])
        ),
        "excess_variation": float(np.mean([excess_variation(*profile) for profile in profiles])),
        "nonconvex_share": float(np.mean([nonconvex_share(*profile) for profile in profiles])),
    }
