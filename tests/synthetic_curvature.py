"""Made-up results of the instrument `curvature`, as its stage leaves them."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiment.storage import run_name, write_json
from flatness.grids import axis
from flatness.names import parse_name

STATES = {"final": 1.0, "matched": 0.8}  # a factor of every eigenvalue
ABSENT = {"epoch": None, "reason": "the run diverged"}
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


def write(results: Path, parameters: Mapping[str, Any], diverged: Collection[str]) -> None:
    """Write this instrument's files below `results` for the declared runs; `diverged` names runs without values."""
    for network in parameters["networks"]:
        for seed in parameters["seeds"]:
            name = run_name(network, seed)
            values = _absent() if name in diverged else _measured(network, seed, parameters)
            about = {"network": network, "seed": seed, "samples": parameters["curvature"]["samples"]}
            write_json(results / "curvature" / f"{name}.json", about | {"provenance": PROVENANCE} | values)


def _absent() -> dict[str, Any]:
    return {"states": dict.fromkeys(STATES, ABSENT), "map": ABSENT}


def _measured(network: str, seed: int, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Deep plain networks are given a large curvature and much of it negative."""
    architecture, curvature = parse_name(network), parameters["curvature"]
    plain = architecture.family == "plain"
    size = (5 + seed) * (1 + architecture.depth / (10 if plain else 40))
    epochs = parameters["train"]["recipe"]["epochs"]
    states = {state: _state(factor * size, plain, epochs, curvature) for state, factor in STATES.items()}
    return {"states": states, "map": _map(size, plain, epochs, curvature["map"])}


def _state(size: float, plain: bool, epoch: int, curvature: Mapping[str, Any]) -> dict[str, Any]:
    lowest = -0.3 * size if plain else -0.05 * size
    raw = {
        "largest_eigenvalue": size,
        "largest_residual": 0.001 * size,
        "smallest_eigenvalue": lowest,
        "smallest_residual": 0.004 * size,
        "trace": 8 * size,
        "trace_error": 0.3 * size,
    }
    normalised = {f"normalised_{name}": 1.5 * value for name, value in raw.items()}
    draws, steps = curvature["density_draws"], curvature["density_steps"]
    nodes = np.linspace(lowest, size, steps) * (1 + 0.01 * np.arange(draws)[:, None])
    weights = np.exp(-20 * np.abs(nodes) / size)
    density = {"nodes": nodes.tolist(), "weights": (weights / weights.sum(1, keepdims=True)).tolist()}
    return {"epoch": float(epoch), "reason": None} | raw | normalised | {"products": 50, "density": density}


def _map(size: float, plain: bool, epoch: int, grid: Mapping[str, Any]) -> dict[str, Any]:
    """Less convex away from the centre; the first corner is not resolved, in plain networks nor is the last."""
    alphas = axis(grid["extent"], grid["points"])
    distance = np.hypot(alphas[:, None], alphas[None, :])
    largest = size * np.exp(-distance)
    smallest = -largest * np.minimum((0.4 if plain else 0.1) * (0.2 + distance), 1.5)
    residual = 0.02 * largest
    residual[0, 0] = largest[0, 0]
    if plain:
        largest[-1, -1] = smallest[-1, -1] = residual[-1, -1] = np.nan
    unresolved = ~(residual <= grid["resolution"] * np.maximum(abs(largest), abs(smallest)))
    values = {
        "largest": largest,
        "smallest": smallest,
        "residual": residual,
        "convexity": np.where(unresolved, np.nan, np.abs(smallest / largest)),
    }
    grids = {name: array.tolist() for name, array in values.items()}
    return {"epoch": float(epoch), "reason": None, "alphas": alphas.tolist()} | grids
