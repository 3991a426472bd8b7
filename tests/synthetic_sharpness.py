"""Made-up results of the instrument `sharpness`, as its stage leaves them."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from experiment.storage import run_name, write_json
from flatness.names import parse_name

PROVENANCE = {
    "device": "Imaginary CPU @ 2.90GHz",
    "device_type": "cpu",
    "precision": "float32",
    "threads": 2,
    "python": "3.11.2",
    "torch": "2.15.0",
    "numpy": "2.3.0",
    "parameters": "0" * 64,
}
DIVERGED = "the run diverged"
RATIOS = {"box": 0.4, "l2": 0.2, "elementwise": 1.0, "filter": 1.0, "average": 1.0, "flat_radius": 1.0}


def write(results: Path, parameters: Mapping[str, Any], diverged: Collection[str]) -> None:
    """Write this instrument's files below `results` for the declared runs; `diverged` names runs without
    values.
    """
    for network in parameters["networks"]:
        for seed in parameters["seeds"]:
            name = run_name(network, seed)
            content = _run(network, seed, parameters, name in diverged)
            write_json(results / "sharpness" / f"{name}.json", content)


def _run(network: str, seed: int, parameters: Mapping[str, Any], diverged: bool) -> dict[str, Any]:
    declared = parameters["sharpness"]
    found = {"network": network, "seed": seed, "samples": declared["samples"], "provenance": PROVENANCE}
    factor = declared["rescaling_factor"]
    if diverged:
        states = {state: {"epoch": None, "reason": DIVERGED} for state in ("final", "matched")}
        return found | {"states": states, "rescaling": {"reason": DIVERGED, "factor": factor}}
    epochs = parameters["train"]["recipe"]["epochs"]
    states = {
        "final": _state(network, seed, declared, float(epochs), 1.0),
        "matched": _state(network, seed, declared, epochs / 2, 0.6),
    }
    return found | {"states": states, "rescaling": _rescaling(network, factor)}


def _state(
    network: str, seed: int, declared: Mapping[str, Any], epoch: float, share: float
) -> dict[str, Any]:
    """Sharper with depth, in plain networks more so; the last direction of plain ones is flat up to the
    extent.
    """
    architecture = parse_name(network)
    plain = architecture.family == "plain"
    height = share * (1 + 0.05 * seed) * architecture.depth / 8 * (1.6 if plain else 1.0)
    directions = range(len(declared["direction_seeds"]))
    radii: list[float | None] = [0.9 / height**0.5 + 0.05 * number for number in directions]
    if plain and architecture.depth > 8:
        radii[-1] = None
    return {
        "epoch": epoch,
        "reason": None,
        "loss": 0.3 * share + (0.2 if plain else 0.0),
        "box": 12 * height,
        "l2": 0.4 * height,
        "elementwise": 0.15 * height,
        "filter": 0.9 * height,
        "average": [0.1 * height * (1 + 0.1 * number) for number in directions],
        "flat_radius": radii,
        "extent": declared["extent"],
        "unmeasured": {},
    }


def _rescaling(network: str, factor: float) -> dict[str, Any]:
    if not parse_name(network).normalised:
        return {"reason": "no filter has a batch norm after it", "factor": factor}
    return {"reason": None, "factor": factor, "loss_difference": 2e-7, "ratios": RATIOS}
