"""Pick, per depth and seed, each network's checkpoint at the training loss that all networks of the depth reach.

A network that trains badly has a flat slice because nothing is there. So beside the final weights, networks are
compared where their training losses are equal: the target is the highest final loss among the networks of a
depth that did not diverge, and each of them takes the checkpoint whose loss is nearest to it.
"""

from collections import defaultdict
from math import isfinite, log

from experiment.layout import MATCHING, trajectory_path
from experiment.parameters.study import load_study
from experiment.slices import read_slice
from experiment.storage import has_diverged, write_json
from flatness.names import parse_name

LossPath = dict[float, float]  # training loss by epoch
SMALLEST = 1e-7  # nats


def main() -> None:
    study = load_study()
    write_json(MATCHING, {str(seed): match_depths(study.networks, seed) for seed in study.seeds})


def match_depths(networks: list[str], seed: int) -> dict:
    """The matched checkpoints of one seed, by depth."""
    groups: dict[int, dict[str, LossPath]] = defaultdict(dict)
    for network in networks:
        path = {} if has_diverged(network, seed) else loss_path(network, seed)
        if path:
            groups[parse_name(network).depth][network] = path
    return {str(depth): match(paths) for depth, paths in sorted(groups.items())}


def loss_path(network: str, seed: int) -> LossPath:
    """The training loss at each checkpoint where it is finite, as measured on un-augmented images."""
    dataset = read_slice(trajectory_path(network, seed))
    losses = zip(dataset["epoch"].values.tolist(), dataset["loss"].values.tolist(), strict=True)
    return {epoch: loss for epoch, loss in losses if isfinite(loss)}


def match(paths: dict[str, LossPath]) -> dict:
    """Target loss, the network that sets it, and each network's nearest checkpoint with its loss."""
    final = {network: path[max(path)] for network, path in paths.items()}
    hardest = max(final, key=final.__getitem__)
    target = final[hardest]
    nearest = {network: min(path, key=lambda e: distance(path[e], target)) for network, path in paths.items()}
    nearest[hardest] = max(paths[hardest])
    return {
        "target_loss": target,
        "hardest": hardest,
        "networks": {
            network: {"epoch": epoch, "loss": paths[network][epoch]} for network, epoch in nearest.items()
        },
    }


def distance(loss: float, target: float) -> float:
    """|ln(loss / target)|, losses below SMALLEST taken as that: float32 has no smaller cross-entropy."""
    return abs(log(max(loss, SMALLEST) / max(target, SMALLEST)))


if __name__ == "__main__":
    main()
