"""Train networks for a few steps of plain SGD, with and without clipped gradients, and keep where they break."""

from functools import partial
from math import inf
from typing import Any

import torch
from tqdm import tqdm

from experiment.evidence import CLIPPING, Parts
from experiment.images import load_images, number_of_classes
from experiment.machine import execution
from experiment.parameters.gradients import Clipping
from experiment.parameters.loading import load_section
from experiment.provenance import provenance
from experiment.storage import IMAGES, file_hash, run_name, write_json
from flatness.clipping import train_shortly
from flatness.data import ImageSet
from flatness.execution import Execution
from flatness.networks import build_network


def main() -> None:
    parameters = load_section("clipping", Clipping)
    machine = Execution(execution().device, torch.float32)
    train_set = load_images()[0].to(machine.device)
    origin = provenance(machine, parameters.model_dump())
    parts = Parts("clipping", file_hash(IMAGES), origin)
    runs = [
        (network, seed, clipped)
        for network in parameters.networks
        for seed in parameters.seeds
        for clipped in (False, True)
    ]
    found = []
    with tqdm(total=len(runs) * parameters.steps, desc="clipping", unit="step") as bar:
        for number, run in enumerate(runs, 1):
            title = f"{run_name(*run[:2])}-{'clipped' if run[2] else 'unclipped'}"
            values = parts.get(title, partial(train, *run, train_set, parameters, machine, bar))
            bar.update(number * parameters.steps - bar.n)
            found.append(dict(zip(("network", "seed", "clipped"), run, strict=True)) | values)
    write_json(CLIPPING, {"provenance": origin, "runs": found})
    parts.remove()


def train(
    network: str,
    seed: int,
    clipped: bool,
    train_set: ImageSet,
    parameters: Clipping,
    machine: Execution,
    bar: tqdm,
) -> dict[str, Any]:
    """One short training from the seed's initial weights; the two of a seed differ by clipping alone."""
    done = train_shortly(
        machine.place(build_network(network, seed, train_set.images.shape[3], number_of_classes(train_set))),
        train_set,
        parameters.learning_rate,
        parameters.batch_size,
        parameters.steps,
        seed,
        parameters.largest_norm if clipped else inf,
        bar.update,
    )
    return {
        "losses": done.losses,
        "gradient_norms": done.gradient_norms,
        "diverged_step": done.diverged_step,
        "final_loss": done.final_loss,
    }


if __name__ == "__main__":
    main()
