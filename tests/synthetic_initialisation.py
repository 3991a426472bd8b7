"""Made-up results of the instrument `initialisation`, as its stage leaves them."""

from collections.abc import Collection, Mapping
from math import exp, nan
from pathlib import Path
from typing import Any

import synthetic

from experiment.storage import run_name, write_json
from flatness.names import parse_name

GROWTH = {
    "": 1.08,
    "-nonorm": 1.0,
    "-tanh-nonorm": 0.97,
    "-sigmoid-nonorm": 0.6,
}  # by layer, away from the head


def write(results: Path, parameters: Mapping[str, Any], diverged: Collection[str]) -> None:
    """Write this instrument's files below `results` for the declared runs; `diverged` names runs without values."""
    declared = parameters["initialisation"]
    names = [
        f"{family}{depth}{variant}"
        for variant in declared["variants"]
        for family in declared["families"]
        for depth in declared["depths"]
    ]
    content = {
        "samples": declared["samples"],
        "inputs": declared["inputs"],
        "batch_size": 128,
        "provenance": synthetic.MACHINE | {"precision": "float32"},
        "networks": {name: _network(name, declared, diverged) for name in names},
    }
    write_json(results / "initialisation.json", content)


def _network(name: str, declared: Mapping[str, Any], diverged: Collection[str]) -> dict[str, Any]:
    architecture = parse_name(name)
    variant = name.removeprefix(f"{architecture.family}{architecture.depth}")
    runs = [
        {"seed": seed, **_run(name, seed, variant, declared["inputs"], run_name(name, seed) in diverged)}
        for seed in declared["seeds"]
    ]
    return {"family": architecture.family, "depth": architecture.depth, "variant": variant, "runs": runs}


def _run(name: str, seed: int, variant: str, inputs: int, lost: bool) -> dict[str, Any]:
    if lost:
        reason = "the loss or its gradient is not finite"
        return {"reason": reason, "loss": nan, "gradient_norm": nan, "layers": {}, "correlation": None}
    architecture = parse_name(name)
    growth = GROWTH.get(variant, 1.0) ** (1 if architecture.family == "plain" else 0.2)
    layers = layer_names(architecture.blocks_per_stage)
    norms = [(1 + 0.1 * seed) * growth ** (len(layers) - number) for number in range(len(layers))]
    decay = architecture.depth / (40 if architecture.family == "plain" else 200)
    return {
        "reason": None,
        "loss": 2.4 + 0.01 * seed,
        "gradient_norm": sum(norm**2 for norm in norms) ** 0.5,
        "layers": dict(zip(layers, norms, strict=True)),
        "correlation": [exp(-decay * lag) for lag in range(inputs // 2 + 1)],
    }


def layer_names(blocks: int) -> list[str]:
    """The weights of a network with `blocks` blocks a stage, first layer first."""
    return [
        "conv.weight",
        *(
            f"stages.{stage}.{block}.conv{number}.weight"
            for stage in range(3)
            for block in range(blocks)
            for number in (1, 2)
        ),
        "head.weight",
    ]
