"""Made-up results of the instrument `gradients`, as its stage leaves them."""

from collections.abc import Collection, Mapping
from math import exp
from pathlib import Path
from typing import Any

import synthetic
from synthetic_initialisation import layer_names

from experiment.evidence import evidence_path
from experiment.storage import run_name, write_json
from flatness.names import parse_name


def write(results: Path, parameters: Mapping[str, Any], diverged: Collection[str]) -> None:
    """Write this instrument's files below `results` for the declared runs; `diverged` names runs that end early."""
    declared = parameters["gradients"]
    for network in parameters["networks"]:
        for seed in parameters["seeds"]:
            content = {
                "network": network,
                "seed": seed,
                "samples": declared["samples"],
                "step_samples": declared["step_samples"],
                "batch_size": 128,
                "provenance": synthetic.MACHINE | {"precision": "float32"},
                "checkpoints": [
                    {"epoch": epoch, **_checkpoint(network, seed, epoch, declared["steps"])}
                    for epoch in synthetic.checkpoints(parameters, run_name(network, seed) in diverged)
                ],
            }
            write_json(results.parent / evidence_path("gradients", network, seed), content)


def _checkpoint(network: str, seed: int, epoch: float, steps: list[float]) -> dict[str, Any]:
    architecture = parse_name(network)
    bent = (0.05 if architecture.family == "plain" else 0.02) * architecture.depth * (1 + 0.1 * seed)
    norm = (1 + bent) * (0.3 + exp(-0.3 * epoch))
    layers = layer_names(architecture.blocks_per_stage)
    return {
        "reason": None,
        "loss": 0.4 + 2 * exp(-0.8 * epoch),
        "gradient_norm": norm,
        "layers": dict.fromkeys(layers, 0.9 * norm / len(layers) ** 0.5),
        "steps": steps,
        "loss_change": [-step * norm**2 * (1 - bent * step) for step in steps],
        "gradient_change": [bent * step for step in steps],
        "smoothness": bent,
    }
