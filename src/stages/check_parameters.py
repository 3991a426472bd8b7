"""Check all of params.yaml before anything runs, and describe the networks it declares."""

import sys
from dataclasses import asdict

from experiment.parameters.loading import ParameterError
from experiment.parameters.whole import load_parameters
from experiment.storage import NETWORKS, write_json
from flatness.names import parse_name
from flatness.networks import build_network

CLASSES = {"cifar10": 10, "cifar100": 100, "digits": 10}  # of data sets that are always the same
CHANNELS = 3


def main() -> None:
    parameters = load_parameters()
    classes = CLASSES.get(parameters.dataset.name)
    write_json(
        NETWORKS, [describe(name, classes) | {"seeds": parameters.seeds} for name in parameters.networks]
    )


def describe(name: str, classes: int | None) -> dict:
    """What the name declares, and the network's parameters; null where only the data tell the classes."""
    architecture = parse_name(name)
    return asdict(architecture) | {
        "family": architecture.family,
        "blocks_per_stage": architecture.blocks_per_stage,
        "parameters": None if classes is None else count_parameters(name, classes),
    }


def count_parameters(name: str, classes: int) -> int:
    return sum(parameter.numel() for parameter in build_network(name, 0, CHANNELS, classes).parameters())


if __name__ == "__main__":
    try:
        main()
    except ParameterError as fault:
        sys.exit(str(fault))
