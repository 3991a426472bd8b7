"""Made-up results of the instrument `clipping`, as its stage leaves them."""

from collections.abc import Collection, Mapping
from math import exp, nan
from pathlib import Path
from typing import Any

import synthetic

from experiment.storage import run_name, write_json
from flatness.names import parse_name

BREAK = 3  # the step at which unclipped residual networks break


def write(results: Path, parameters: Mapping[str, Any], diverged: Collection[str]) -> None:
    """Write this instrument's files below `results` for the declared runs; `diverged` names runs that break with
    clipping too."""
    declared = parameters["clipping"]
    runs = [
        {
            "network": network,
            "seed": seed,
            "clipped": clipped,
            **_run(network, seed, clipped, lost, declared["steps"]),
        }
        for network in declared["networks"]
        for seed in declared["seeds"]
        for lost in [run_name(network, seed) in diverged]
        for clipped in (False, True)
    ]
    content = {"provenance": synthetic.MACHINE | {"precision": "float32"}, "runs": runs}
    write_json(results / "clipping.json", content)


def _run(network: str, seed: int, clipped: bool, lost: bool, steps: int) -> dict[str, Any]:
    breaks = lost or (parse_name(network).family == "resnet" and not clipped)
    if breaks:
        step = min(BREAK, steps - 1)
        losses = [10.0 ** (number + 1) for number in range(step)] + [nan]
        return {
            "losses": losses,
            "gradient_norms": [10 * loss for loss in losses],
            "diverged_step": step,
            "final_loss": nan,
        }
    losses = [1.5 + 0.1 * seed + exp(-0.1 * number) for number in range(steps)]
    return {
        "losses": losses,
        "gradient_norms": [2 * loss for loss in losses],
        "diverged_step": None,
        "final_loss": losses[-1],
    }
