"""Measure one run's gradients at its checkpoints: their norm layer by layer, and how far they hold along their step."""

import sys
from collections.abc import Callable
from functools import partial
from math import nan
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from experiment.evidence import Parts, evidence_path
from experiment.images import load_images
from experiment.machine import execution
from experiment.measuring import measured_images
from experiment.parameters.gradients import Gradients
from experiment.parameters.loading import load_section
from experiment.provenance import provenance
from experiment.runs import finite_checkpoints, restored_network
from experiment.storage import IMAGES, checkpoints_path, file_hash, run_name, write_json
from experiment.tensors import read_checkpoints
from flatness.data import ImageSet
from flatness.execution import Execution
from flatness.gradients import BATCH_SIZE, along_step, layer_norms, loss_slope
from flatness.unmeasurable import Unmeasurable


def main(network_name: str, seed: int) -> None:
    parameters = load_section("gradients", Gradients)
    machine = Execution(execution().device, torch.float32)
    train_set = load_images()[0]
    origin = provenance(machine, parameters.model_dump())
    path = checkpoints_path(network_name, seed)
    parts = Parts(f"gradients-{run_name(network_name, seed)}", file_hash(path), file_hash(IMAGES), origin)
    weights = finite_checkpoints(network_name, seed)

    def at(epoch: float) -> dict[str, Any]:
        if epoch not in weights:
            return absent(parameters.steps, "the weights are not finite: the run diverged")
        network = machine.place(restored_network(network_name, seed, train_set, weights[epoch]))
        return measure(network, train_set, parameters, machine)

    write_json(
        evidence_path("gradients", network_name, seed),
        {
            "network": network_name,
            "seed": seed,
            "samples": min(parameters.samples, len(train_set)),
            "step_samples": min(parameters.step_samples, len(train_set)),
            "batch_size": BATCH_SIZE,
            "provenance": origin,
            "checkpoints": measured_by_epoch(
                list(read_checkpoints(path)), at, parts, run_name(network_name, seed)
            ),
        },
    )
    parts.remove()


def measured_by_epoch(
    epochs: list[float], measure_at: Callable[[float], dict[str, Any]], parts: Parts, title: str
) -> list[dict[str, Any]]:
    """An entry for each checkpoint, kept as soon as it is known."""
    return [
        {"epoch": epoch, **parts.get(f"{epoch:g}", partial(measure_at, epoch))}
        for epoch in tqdm(epochs, desc=f"{title} gradients", unit="checkpoint")
    ]


def measure(
    network: nn.Module, train_set: ImageSet, parameters: Gradients, machine: Execution
) -> dict[str, Any]:
    """All measures of one checkpoint; absent with a reason where the gradient is not finite, or zero."""
    images, step_images = (
        measured_images(train_set, count).to(machine.device)
        for count in (parameters.samples, parameters.step_samples)
    )
    try:
        slope = loss_slope(network, images)
        layers = layer_norms(network, images, slope)
        same = len(step_images) == len(images)
        step = along_step(
            network, step_images, slope if same else loss_slope(network, step_images), parameters.steps
        )
    except Unmeasurable as fault:
        return absent(parameters.steps, str(fault))
    return {
        "reason": None,
        "loss": slope.loss,
        "gradient_norm": slope.norm,
        "layers": layers,
        "steps": step.steps,
        "loss_change": step.loss_change,
        "gradient_change": step.gradient_change,
        "smoothness": step.smoothness,
    }


def absent(steps: list[float], reason: str) -> dict[str, Any]:
    """A checkpoint without values."""
    nothing = [nan] * len(steps)
    return {
        "reason": reason,
        "loss": nan,
        "gradient_norm": nan,
        "layers": {},
        "steps": steps,
        "loss_change": nothing,
        "gradient_change": nothing,
        "smoothness": nan,
    }


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
