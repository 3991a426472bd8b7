"""Fetch the declared images: one file of tensors, and a description with counts and fingerprint."""

import sys

from torch import Tensor

from experiment.acquisition import acquire
from experiment.labelled_images import LabelledImages
from experiment.parameters.dataset import Dataset
from experiment.parameters.loading import ParameterError, load_section
from experiment.sources import SourceError
from experiment.storage import DATASET, IMAGES, write_json
from experiment.tensors import write_tensors


def main() -> None:
    parameters = load_section("dataset", Dataset)
    images = acquire(parameters)
    tensors = images.tensors()
    write_tensors(IMAGES, tensors)
    write_json(DATASET, description(parameters.name, images, tensors["mean"], tensors["std"]))


def description(name: str, images: LabelledImages, mean: Tensor, std: Tensor) -> dict:
    """What the images are; not which way they came, since that must not change a result."""
    return {
        "name": name,
        "source": images.source,
        "verified": images.verified,
        "classes": images.classes,
        "train": counts(images.classes, images.train_labels),
        "test": counts(images.classes, images.test_labels),
        "mean": mean.tolist(),
        "std": std.tolist(),
        "fingerprint": images.fingerprint(),
    }


def counts(classes: list[str], labels: Tensor) -> dict:
    per_class = labels.bincount(minlength=len(classes)).tolist()
    return {"images": len(labels), "per_class": dict(zip(classes, per_class, strict=True))}


if __name__ == "__main__":
    try:
        main()
    except (SourceError, ParameterError) as fault:
        sys.exit(f"fetch_data: {fault}")
