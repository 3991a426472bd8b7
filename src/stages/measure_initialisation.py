"""Measure gradients of untrained networks: their norm layer by layer, and how they shatter along a line of images."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from experiment.evidence import INITIALISATION, Parts
from experiment.images import load_images, number_of_classes
from experiment.machine import execution
from experiment.measuring import measured_images
from experiment.parameters.gradients import Initialisation
from experiment.parameters.loading import load_section
from experiment.provenance import provenance
from experiment.storage import IMAGES, file_hash, write_json
from flatness.data import ImageSet
from flatness.execution import Execution
from flatness.gradients import BATCH_SIZE, layer_norms, line_between, loss_slope, shattering
from flatness.names import parse_name
from flatness.networks import build_network
from flatness.seeds import generator
from flatness.statistics import recompute_batch_norm
from flatness.unmeasurable import Unmeasurable

LINE, READOUT = range(2)  # what a random draw is for: each has a stream of its own


def main() -> None:
    parameters = load_section("initialisation", Initialisation)
    machine = Execution(execution().device, torch.float32)
    train_set = load_images()[0]
    origin = provenance(machine, parameters.model_dump())
    parts = Parts("initialisation", file_hash(IMAGES), origin)
    networks = {name: described(name) | {"runs": []} for name in parameters.networks}
    runs = [(name, seed) for name in networks for seed in parameters.seeds]
    for name, seed in tqdm(runs, desc="initialisation", unit="network"):
        found = parts.get(f"{name}-{seed}", partial(measure, name, seed, train_set, parameters, machine))
        networks[name]["runs"].append({"seed": seed, **found})
    write_json(
        INITIALISATION,
        {
            "samples": min(parameters.samples, len(train_set)),
            "inputs": parameters.inputs,
            "batch_size": BATCH_SIZE,
            "provenance": origin,
            "networks": networks,
        },
    )
    parts.remove()


def described(name: str) -> dict[str, Any]:
    """What sets a network apart: family, depth and the suffix of its name."""
    architecture = parse_name(name)
    start = f"{architecture.family}{architecture.depth}"
    return {
        "family": architecture.family,
        "depth": architecture.depth,
        "variant": name.removeprefix(start),
    }


def measure(
    name: str, seed: int, train_set: ImageSet, parameters: Initialisation, machine: Execution
) -> dict[str, Any]:
    """Gradient norms and correlations of one untrained network; what cannot be measured is absent, with a reason."""
    images = measured_images(train_set, parameters.samples).to(machine.device)
    network = machine.place(
        build_network(name, seed, train_set.images.shape[3], number_of_classes(train_set))
    )
    found: dict[str, Any] = {"reason": None, "loss": None, "gradient_norm": None, "layers": {}}
    found["correlation"] = None
    try:
        slope = loss_slope(network, images)
        layers = layer_norms(network, images, slope)
        found |= {"loss": slope.loss, "gradient_norm": slope.norm, "layers": layers}
        found["correlation"] = correlation(network, seed, images, parameters.inputs, machine)
    except Unmeasurable as fault:
        found["reason"] = str(fault)
    return found


def correlation(
    network: nn.Module, seed: int, images: ImageSet, points: int, machine: Execution
) -> list[float]:
    """By lag, of the input gradients on the line between two of the images, drawn with the readout from the seed.

    Batch norm has the statistics of all the images, taken as one batch, since an incomplete one is left out.
    Every network has the same line and readout for a seed.
    """
    recompute_batch_norm(network, images, len(images))
    ends = images.take(
        torch.randperm(len(images), generator=generator("cpu", LINE, seed))[:2].to(machine.device)
    )
    line = line_between(*ends.batch(slice(None))[0], points)
    return shattering(network, line, readout(network, seed).to(machine.device))


def readout(network: nn.Module, seed: int) -> Tensor:
    """Gaussian weights of the logits [classes], of unit length."""
    drawn = torch.randn(len(network.head.bias), generator=generator("cpu", READOUT, seed))
    return drawn / drawn.norm()


if __name__ == "__main__":
    main()
