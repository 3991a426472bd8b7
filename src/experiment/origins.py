"""The weights about which curvature, sharpness and the like are measured: a run's last, and those of equal loss."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any

from torch import nn

from experiment.layout import STATES
from experiment.runs import finite_checkpoints, restored_network
from experiment.storage import has_diverged
from experiment.views import matched_epoch
from flatness.data import ImageSet


@dataclass(frozen=True)
class Origin:
    """Weights of one run; no network where there are none, and then the reason."""

    state: str  # of STATES
    epoch: float
    network: nn.Module | None
    reason: str | None = None


def declared_origins(network: str, seed: int, train_set: ImageSet) -> list[Origin]:
    """The run's final weights and its checkpoint of equal training loss."""
    if has_diverged(network, seed):
        return [Origin(state, float("nan"), None, "the run diverged") for state in STATES]
    checkpoints = finite_checkpoints(network, seed)
    epochs = {"final": max(checkpoints), "matched": matched_epoch(network, seed)}
    return [
        Origin(state, epoch, restored_network(network, seed, train_set, checkpoints[epoch]))
        if isfinite(epoch)
        else Origin(state, epoch, None, "no checkpoint of equal training loss")
        for state, epoch in epochs.items()
    ]


def measured_by_state(
    origins: list[Origin], measure: Callable[[Origin], dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """What `measure` finds by state, with `epoch` and `reason` (null where measured); equal weights are measured once.

    Where there are no weights, or where `measure` raises a ValueError, an entry has its reason and nothing else.
    """
    found: dict[float, dict[str, Any]] = {}
    for origin in origins:
        if origin.network is not None and origin.epoch not in found:
            try:
                found[origin.epoch] = {"reason": None, **measure(origin)}
            except ValueError as fault:
                found[origin.epoch] = {"reason": str(fault)}
    return {
        origin.state: {"epoch": origin.epoch, **found.get(origin.epoch, {"reason": origin.reason})}
        for origin in origins
    }
