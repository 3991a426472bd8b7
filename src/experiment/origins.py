"""The weights about which a run's loss is measured: its last, and those of equal training loss."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from experiment.layout import MATCHING, STATES
from experiment.runs import restored_network
from experiment.storage import checkpoints_path, has_diverged, read_json, training_path, weights_path
from experiment.tensors import read_checkpoints, read_tensors
from experiment.views import NOWHERE
from flatness.data import ImageSet
from flatness.names import parse_name
from flatness.unmeasurable import Unmeasurable


@dataclass(frozen=True)
class Origin:
    """Weights of one run; no network where there are none, and then the reason."""

    state: str  # of STATES
    epoch: float  # NOWHERE where there is no network
    network: nn.Module | None
    reason: str | None = None


def declared_origins(network: str, seed: int, train_set: ImageSet) -> list[Origin]:
    """The run's final weights and its checkpoint of equal training loss, by STATES."""
    if has_diverged(network, seed):
        return [_nowhere(state, "the run diverged") for state in STATES]
    last = float(read_json(training_path(network, seed))["epochs"])
    final = restored_network(network, seed, train_set, read_tensors(weights_path(network, seed)))
    return [Origin("final", last, final), _matched(network, seed, train_set, last)]


def _matched(network: str, seed: int, train_set: ImageSet, last: float) -> Origin:
    epoch = matched_epoch(network, seed)
    if epoch is None:
        return _nowhere("matched", "no checkpoint of equal training loss")
    path = weights_path(network, seed)
    weights = (
        read_tensors(path) if epoch == last else read_checkpoints(checkpoints_path(network, seed))[epoch]
    )
    return Origin("matched", epoch, restored_network(network, seed, train_set, weights))


def _nowhere(state: str, reason: str) -> Origin:
    return Origin(state, NOWHERE, None, reason)


def matched_epoch(network: str, seed: int) -> float | None:
    """The epoch that `match_loss` chose for the run, None if it diverged."""
    group = read_json(MATCHING)[str(seed)].get(str(parse_name(network).depth), {"networks": {}})
    return group["networks"].get(network, {"epoch": None})["epoch"]


def measured_by_state(
    origins: list[Origin], measure: Callable[[Origin], dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """What `measure` finds by state, with `epoch` and `reason` (null where measured); equal weights are measured once.

    Where there are no weights, or where `measure` finds them Unmeasurable, an entry has its reason and nothing else.
    """
    found: dict[float, dict[str, Any]] = {}
    for origin in origins:
        if origin.network is not None and origin.epoch not in found:
            try:
                found[origin.epoch] = {"reason": None, **measure(origin)}
            except Unmeasurable as fault:
                found[origin.epoch] = {"reason": str(fault)}
    return {
        origin.state: {"epoch": origin.epoch, **found.get(origin.epoch, {"reason": origin.reason})}
        for origin in origins
    }
