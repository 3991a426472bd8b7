"""Check all of params.yaml before anything runs, and describe the networks and list the trials it declares."""

import sys
from dataclasses import asdict

from experiment.parameters.loading import ParameterError
from experiment.parameters.whole import load_parameters
from experiment.storage import NETWORKS, write_json
from experiment.trials import TRIALS, trial_name
from flatness.names import parse_name
from flatness.networks import build_network

CLASSES = {"cifar10": 10, "cifar100": 100, "digits": 10}  # of data sets that are always the same
CHANNELS = 3
DECLARED_TRIALS = TRIALS / "declared.json"  # names; the folder is there even where none is declared


def main() -> None:
    parameters = load_parameters()
    classes = CLASSES.get(parameters.dataset.name)
    write_json(
        NETWORKS, [describe(name, classes) | {"seeds": parameters.seeds} for name in parameters.networks]
    )
    write_json(DECLARED_TRIALS, [trial_name(*trial) for trial in parameters.trials.runs])


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
