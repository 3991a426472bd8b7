"""Made-up results of the instrument `ablation`, as its stage leaves them."""

from collections.abc import Collection, Mapping
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np

from experiment.dial import ablation_runs
from experiment.evidence import ablation_path
from experiment.storage import run_name, write_json
from flatness.grids import axis
from flatness.names import Architecture, parse_name
from flatness.roughness import profile_measures

PROVENANCE = {"device": "Imaginary CPU @ 2.90GHz", "precision": "float32", "training_precision": "bfloat16"}
CHANCE = log(10)
HESSIAN = ("largest_eigenvalue", "largest_residual", "smallest_eigenvalue", "smallest_residual")
NUMBERS = (*HESSIAN, "trace", "trace_error")


def write(results: Path, parameters: Mapping[str, Any], diverged: Collection[str]) -> None:
    """Write this instrument's files below `results` for the declared runs; `diverged` names runs without values."""
    section = parameters["ablation"]
    for network, weight_decay in ablation_runs(section):
        for seed in section["seeds"]:
            lost = run_name(network, seed) in diverged
            run = _lost() if lost else _run(parse_name(network), weight_decay, seed, section)
            path = results.parent / ablation_path(network, weight_decay, seed)
            write_json(path, _identity(parse_name(network), weight_decay, seed) | run)


def _identity(architecture: Architecture, weight_decay: float, seed: int) -> dict[str, Any]:
    return {
        "network": architecture.name,
        "weight_decay": weight_decay,
        "seed": seed,
        "provenance": PROVENANCE,
        "shortcut": architecture.shortcut,
        "projection": architecture.projection,
        "activation": architecture.activation,
    }


def _lost() -> dict[str, Any]:
    fit = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
    measures = (f"{prefix}{name}" for prefix in ("", "normalised_") for name in NUMBERS)
    unknown = dict.fromkeys((*fit, *measures, "cuts"))
    return {"reason": "the run diverged in epoch 1", "diverged_epoch": 1, **unknown}


def _run(
    architecture: Architecture, weight_decay: float, seed: int, section: Mapping[str, Any]
) -> dict[str, Any]:
    """Less loss, curvature and roughness the stronger the shortcut; a little of each for every other choice."""
    odd = 0.1 * architecture.projection + 0.2 * (architecture.activation != "relu")
    loss = 1.2 - 0.6 * architecture.shortcut + odd + 0.05 * seed + 100 * weight_decay
    curvature = {
        name: value * exp(loss) for name, value in zip(NUMBERS, (40, 0.2, -4, 0.3, 300, 20), strict=True)
    }
    return {
        "reason": None,
        "diverged_epoch": None,
        "train_loss": loss,
        "train_accuracy": exp(-loss),
        "test_loss": loss + 0.1,
        "test_accuracy": exp(-loss - 0.1),
        **curvature,
        **{f"normalised_{name}": 3 * value for name, value in curvature.items()},
        "cuts": _cuts(loss, section),
    }


def _cuts(loss: float, section: Mapping[str, Any]) -> dict[str, list[float]]:
    alphas = axis(1.0, section["points"])
    each = []
    for number in range(len(section["direction_seeds"])):
        stretched = alphas * (1 + 0.02 * number)
        losses = loss + 4 * loss * stretched**2 + 3 * max(loss - 0.8, 0) * np.sin(2 * np.pi * stretched) ** 2
        each.append(profile_measures(losses, 0.01 * losses, alphas, CHANCE))
    return {name: [measures[name] for measures in each] for name in each[0]}
