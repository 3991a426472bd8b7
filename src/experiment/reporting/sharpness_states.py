"""Numbers of one state (final weights, equal training loss) of a run's sharpness, as its results file holds them."""

from statistics import fmean
from typing import Any

STATES = {"final": "final weights", "matched": "equal training loss"}


def by_direction(state: dict[str, Any], key: str) -> list[float] | None:
    """A measure along each direction, radii beyond the extent as the extent; None where it has none, or not
    all.
    """
    values = state.get(key)
    if state["reason"] is not None or not isinstance(values, list):
        return None
    if key == "flat_radius":
        return [state["extent"] if radius is None else radius for radius in values]
    return None if any(value is None for value in values) else values


def number(state: dict[str, Any], key: str) -> float | None:
    """A state's measure, the mean over directions where there are several; None where it was not measured."""
    if state["reason"] is not None:
        return None
    values = state[key]
    if not isinstance(values, list):
        return values
    each = by_direction(state, key)
    return fmean(each) if each else None


def is_bound(state: dict[str, Any], key: str) -> bool:
    """Whether the number is a lower bound, since a direction stays flat up to the extent."""
    return key == "flat_radius" and state["reason"] is None and None in state[key]
