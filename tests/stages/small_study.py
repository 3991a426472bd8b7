"""A study small enough for unit tests: 8-layer networks, random images, two epochs."""

from pathlib import Path

import torch
import yaml

from experiment.storage import DATASET, IMAGES, write_json
from experiment.tensors import write_tensors
from stages import match_loss, measure_trajectory, train

RUNS = (("resnet8", 0), ("plain8", 0))

PARAMETERS = {
    "networks": ["resnet8", "plain8"],
    "seeds": [0],
    "train": {
        "recipe": {
            "epochs": 2,
            "batch_size": 16,
            "learning_rate": 0.05,
            "schedule": "one_cycle",
            "warmup_steps": 0,
            "momentum": 0.9,
            "nesterov": True,
            "weight_decay": 0.0005,
            "crop_padding": 2,
            "flip": True,
        },
        "overrides": {},
        "checkpoint_epochs": [0.0, 0.5, 1.0],
    },
    "trajectory": {
        "samples": 100,
        "plane_samples": 100,
        "batch_size": 32,
        "calibration_samples": 32,
        "points": 3,
        "margin": 0.25,
    },
    "surface": {
        "normalisation": "filter",
        "direction_seeds": [1, 2],
        "extent": 1.0,
        "points": 3,
        "relative_error": 0.2,
        "batch_size": 32,
        "recomputed": {"points": 3, "calibration_samples": 32},
        "cuts": {"points": 3, "direction_seeds": [11, 12]},
        "line": {"points": 3, "start": -0.5, "stop": 1.5},
    },
    "curvature": {
        "samples": 32,
        "batch_size": 16,
        "tolerance": 0.01,
        "most_steps": 8,
        "trace_draws": 3,
        "density_draws": 2,
        "density_steps": 5,
        "direction_seeds": [1, 2],
        "map": {"samples": 16, "points": 3, "extent": 1.0, "most_steps": 8, "resolution": 0.1},
    },
    "sharpness": {
        "samples": 32,
        "box_epsilon": 0.001,
        "radii": {"l2": 0.1, "elementwise": 0.5, "filter": 0.5},
        "ascent_steps": 2,
        "restarts": 2,
        "sigma": 0.2,
        "rise": 1.0,
        "extent": 2.0,
        "direction_seeds": [21, 22],
        "rescaling_factor": 3.0,
    },
    "initialisation": {
        "families": ["resnet", "plain"],
        "variants": ["", "-nonorm"],
        "depths": [8, 14],
        "seeds": [0, 1],
        "samples": 16,
        "inputs": 8,
    },
    "gradients": {"samples": 32, "step_samples": 16, "steps": [0.01, 0.1]},
    "clipping": {
        "networks": ["resnet8-nonorm", "plain8-nonorm"],
        "seeds": [0],
        "learning_rate": 0.1,
        "batch_size": 16,
        "steps": 4,
        "largest_norm": 1.0,
    },
    "robustness": {
        "samples": 32,
        "noise": [0.1],
        "blur": [1.0],
        "contrast": [0.5],
        "brightness": [0.2],
        "weight_noise": [0.1, 0.2],
        "direction_seeds": [31, 32],
    },
    "ablation": {
        "networks": ["plain8", "resnet8-shortcut0.5", "resnet8"],
        "weight_decays": [0.0005],
        "further": {"networks": ["plain8", "resnet8"], "weight_decays": [0.0]},
        "seeds": [0],
        "epochs": 1,
        "samples": 16,
        "trace_draws": 2,
        "most_steps": 4,
        "points": 3,
        "direction_seeds": [11, 12],
    },
    "trials": {"networks": ["plain8"], "learning_rates": [0.01], "seeds": [0]},
}


def write_study(overrides: dict | None = None) -> None:
    """params.yaml, images and results/dataset.json in the working directory."""
    parameters = PARAMETERS | {"train": PARAMETERS["train"] | {"overrides": overrides or {}}}
    Path("params.yaml").write_text(yaml.safe_dump(parameters))
    generator = torch.Generator().manual_seed(0)
    tensors = {"mean": torch.full((3,), 0.5), "std": torch.full((3,), 0.25)}
    for part, count in (("train", 96), ("test", 64)):
        tensors[f"{part}_images"] = torch.randint(
            0, 256, (count, 3, 8, 8), dtype=torch.uint8, generator=generator
        )
        tensors[f"{part}_labels"] = torch.arange(count) % 10
    write_tensors(IMAGES, tensors)
    write_json(DATASET, {"classes": [str(digit) for digit in range(10)], "fingerprint": "0" * 64})


def train_study(overrides: dict | None = None) -> None:
    """The study of `write_study` with its RUNS trained, their paths measured and their checkpoints matched."""
    write_study(overrides)
    for run in RUNS:
        train.main(*run)
        measure_trajectory.main(*run)
    match_loss.main()
