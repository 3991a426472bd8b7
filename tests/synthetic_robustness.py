"""Made-up results of the instrument `robustness`, as its stage leaves them."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from synthetic_sharpness import DIVERGED, PROVENANCE

from experiment.storage import run_name, write_json
from flatness.names import parse_name

FALLS = {
    "noise": 2.0,
    "blur": 0.2,
    "contrast": 0.3,
    "brightness": 0.5,
    "weights": 1.2,
}  # accuracy by strength
CLASSES = {"cifar10": 10, "cifar100": 100, "digits": 10, "images": 3}


def write(results: Path, parameters: Mapping[str, Any], diverged: Collection[str]) -> None:
    """Write this instrument's files below `results` for the declared runs; `diverged` names runs without
    values.
    """
    for network in parameters["networks"]:
        for seed in parameters["seeds"]:
            name = run_name(network, seed)
            content = _run(network, seed, parameters, name in diverged)
            write_json(results / "robustness" / f"{name}.json", content)


def _run(network: str, seed: int, parameters: Mapping[str, Any], diverged: bool) -> dict[str, Any]:
    declared = parameters["robustness"]
    found = {"network": network, "seed": seed, "samples": declared["samples"]}
    found |= {
        "provenance": PROVENANCE | {"precision": "bfloat16"},
        "pixels": "float32",
        "classes": CLASSES[parameters["dataset"]["name"]],
    }
    if diverged:
        return found | {"epoch": None, "reason": DIVERGED, "accuracy": None, "images": {}, "weights": {}}
    architecture = parse_name(network)
    plain = architecture.family == "plain"
    clean = 0.9 - 0.005 * seed - (0.003 * architecture.depth if plain else 0.0)
    steepness = 1.4 if plain else 1.0

    def accuracy(kind: str, strength: float) -> float:
        effect = 1 - strength if kind == "contrast" else strength
        return max(0.1, clean - steepness * FALLS[kind] * effect)

    images = {
        kind: {str(strength): accuracy(kind, strength) for strength in declared[kind]}
        for kind in ("noise", "blur", "contrast", "brightness")
    }
    directions = range(len(declared["direction_seeds"]))
    weights = {
        str(strength): [accuracy("weights", strength * (1 + 0.1 * number)) for number in directions]
        for strength in declared["weight_noise"]
    }
    epoch = float(parameters["train"]["recipe"]["epochs"])
    return found | {"epoch": epoch, "reason": None, "accuracy": clean, "images": images, "weights": weights}
