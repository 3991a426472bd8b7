"""A study small enough for unit tests: 8-layer networks, random images, two epochs."""

from pathlib import Path

import torch
import yaml

from experiment.storage import DATASET, IMAGES, write_json, write_tensors

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
