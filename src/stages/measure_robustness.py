"""Measure one run's accuracy on disturbed test images, and with disturbed weights.

The result's `pixels` is the number format in which the disturbed images were made, whatever the precision of
the network.
"""

import sys
from math import isnan
from typing import Any

from tqdm import tqdm

from experiment.evidence import Parts, evidence_path
from experiment.images import load_images, number_of_classes
from experiment.machine import execution
from experiment.measuring import measured_images
from experiment.origins import Origin, declared_origins
from experiment.parameters.loading import load_section
from experiment.parameters.robustness import Robustness
from experiment.provenance import provenance
from experiment.runs import parameters_of
from experiment.storage import IMAGES, file_hash, run_name, weights_path, write_json
from flatness.directions import random_direction
from flatness.robustness import DISTURBANCES, PIXELS, AccuracyMeter

NO_ACCURACY = "the network's outputs are not numbers"


def main(network_name: str, seed: int) -> None:
    parameters = load_section("robustness", Robustness)
    machine = execution()
    train_set, test_set = load_images()
    origin = provenance(machine, parameters.model_dump())
    name = run_name(network_name, seed)
    parts = Parts(
        f"robustness-{name}", file_hash(weights_path(network_name, seed)), file_hash(IMAGES), origin
    )
    final: Origin = declared_origins(network_name, seed, train_set)[0]
    images = measured_images(test_set, parameters.samples)
    found = {"network": network_name, "seed": seed, "samples": len(images), "provenance": origin}
    found |= {"pixels": str(PIXELS).removeprefix("torch."), "classes": number_of_classes(train_set)}
    found |= {"epoch": final.epoch, "reason": final.reason}
    if final.network is None:
        accuracies = unmeasured()
    else:
        accuracies = measure(AccuracyMeter(final.network, images, machine), parameters, parts, name)
    write_json(evidence_path("robustness", network_name, seed), found | accuracies)
    parts.remove()


def unmeasured() -> dict[str, Any]:
    return {"accuracy": None, "images": {}, "weights": {}}


def measure(meter: AccuracyMeter, parameters: Robustness, parts: Parts, title: str) -> dict[str, Any]:
    """Accuracies undisturbed, by disturbance and strength, and by strength of the weight noise and direction."""
    strengths = {kind: getattr(parameters, kind) for kind in DISTURBANCES}
    seeds, distances = parameters.direction_seeds, parameters.weight_noise
    total = 1 + sum(map(len, strengths.values())) + len(seeds) * len(distances)
    with tqdm(total=total, desc=f"{title} robustness", unit="accuracy") as bar:

        def part(name: str, method, *arguments) -> float:
            value = parts.get(name, lambda: method(*arguments))
            bar.update()
            return value

        clean = part("clean", meter.clean)
        if isnan(clean):
            return unmeasured() | {"reason": NO_ACCURACY}
        images = {
            kind: {str(s): part(f"{kind} {s}", meter.on_disturbed, kind, s) for s in strengths[kind]}
            for kind in strengths
        }
        weights: dict[str, list[float]] = {str(distance): [] for distance in distances}
        for seed in seeds:
            direction = random_direction(parameters_of(meter.network), seed)
            for distance in distances:
                accuracy = part(f"weights {distance} {seed}", meter.along, direction, distance)
                weights[str(distance)].append(accuracy)
    return {"accuracy": clean, "images": images, "weights": weights}


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
