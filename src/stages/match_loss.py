"""Pick, per depth and seed, each network's checkpoint at the training loss that all networks of the depth reach.

A network that trains badly has a flat slice because nothing is there. So beside the final weights, networks are
compared where their training losses are equal: the target is the highest final loss among the networks of a
depth that did not diverge, and each of them takes the checkpoint whose loss is nearest to it.
"""

from collections import defaultdict

import numpy as np

from experiment.layout import MATCHING, trajectory_path
from experiment.parameters.study import load_study
from experiment.runs import has_diverged
from experiment.slices import read_slice
from experiment.storage import write_json
from flatness.networks import parse_name

Path = dict[float, float]  # training loss by epoch


def main() -> None:
    study = load_study()
    write_json(MATCHING, {str(seed): match_depths(study.networks, seed) for seed in study.seeds})


def match_depths(networks: list[str], seed: int) -> dict:
    """The matched checkpoints of one seed, by depth."""
    groups: dict[int, dict[str, Path]] = defaultdict(dict)
    for network in networks:
        if not has_diverged(network, seed):
            groups[parse_name(network).depth][network] = loss_path(network, seed)
    return {str(depth): match(paths) for depth, paths in sorted(groups.items())}


def loss_path(network: str, seed: int) -> Path:
    """The training loss at each checkpoint, as measured on un-augmented images."""
    dataset = read_slice(trajectory_path(network, seed))
    return dict(zip(dataset["epoch"].values.tolist(), dataset["loss"].values.tolist(), strict=True))


def match(paths: dict[str, Path]) -> dict:
    """Target loss, the network that sets it, and each network's nearest checkpoint with its loss."""
    final = {network: path[max(path)] for network, path in paths.items()}
    hardest = max(final, key=final.__getitem__)
    target = final[hardest]
    nearest = {network: min(path, key=lambda e: abs(np.log(path[e] / target))) for network, path in paths.items()}
    nearest[hardest] = max(paths[hardest])
    return {
        "target_loss": target,
        "hardest": hardest,
        "networks": {network: {"epoch": epoch, "loss": paths[network][epoch]} for network, epoch in nearest.items()},
    }


if __name__ == "__main__":
    main()
