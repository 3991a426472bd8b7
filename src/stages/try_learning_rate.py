"""Train one network at another learning rate and measure the slices about its final weights.

A short training may leave a deep plain network whose slices are smooth. Li et al. (2018, section 6) trained theirs at a
lower rate; what that changes is measured with the training, directions and samples of the study's own runs.
"""

import sys
from dataclasses import asdict
from pathlib import Path

from experiment.images import load_images, number_of_classes
from experiment.machine import execution
from experiment.parameters.loading import load_section
from experiment.parameters.surface import Surface
from experiment.parameters.train import Train
from experiment.progress import PointLog
from experiment.provenance import provenance, training_provenance
from experiment.runs import parameters_of, restored_network
from experiment.slices import write_slice
from experiment.storage import DATASET, IMAGES, file_hash, progress_path, read_json, write_json, write_rows
from experiment.tensors import weights_hash, write_tensors
from experiment.trials import (
    trial_epochs_path,
    trial_name,
    trial_slice_path,
    trial_training_path,
    trial_weights_path,
)
from experiment.view_values import measure, precision, view_attributes
from experiment.views import BOTH, NOWHERE, View, rays, square
from flatness.data import ImageSet
from flatness.directions import Direction, random_direction
from flatness.execution import Execution
from flatness.networks import build_network
from flatness.surface import slice_dataset
from flatness.training import EpochRecord, Recipe, Trainer, Weights, weights_of
from stages.train import announce, diverged, finish, resume, summary


def main(network_name: str, learning_rate: float, seed: int) -> None:
    recipe = recipe_at(load_section("train", Train), network_name, learning_rate)
    surface = load_section("surface", Surface)
    machine = execution()
    sets = load_images()
    run = (network_name, learning_rate, seed)
    origin = training_provenance(machine, asdict(recipe))
    progress = progress_path(f"try-{trial_name(*run)}", file_hash(IMAGES), origin)
    trainer, records = train(network_name, seed, recipe, machine, sets, progress, trial_name(*run))
    lost, weights = diverged(trainer, records), weights_of(trainer.network)
    measure_slices(run, None if lost else weights, recipe.epochs, sets, surface, machine)
    write_tensors(trial_weights_path(*run), weights)
    write_rows(trial_epochs_path(*run), [asdict(record) for record in records])
    write_json(
        trial_training_path(*run),
        summary(network_name, seed, trainer, records)
        | {"learning_rate": learning_rate, "provenance": origin},
    )
    progress.unlink(missing_ok=True)


def recipe_at(section: Train, network_name: str, learning_rate: float) -> Recipe:
    """The network's recipe with another peak of the schedule."""
    return Recipe(**section.recipe_for(network_name).model_dump() | {"learning_rate": learning_rate})


def train(
    network_name: str,
    seed: int,
    recipe: Recipe,
    machine: Execution,
    sets: tuple[ImageSet, ImageSet],
    progress: Path,
    title: str,
) -> tuple[Trainer, list[EpochRecord]]:
    """The trained network, going on after the last epoch of an interrupted run; `progress` outlives the training."""
    network = build_network(network_name, seed, sets[0].images.shape[3], number_of_classes(sets[0]))
    trainer = Trainer(network, *sets, recipe, seed, machine)
    records = resume(trainer, progress)
    announce(trainer, network_name)
    finish(trainer, records, progress, title)
    return trainer, records


def measure_slices(
    run: tuple[str, float, int],
    weights: Weights | None,
    epochs: int,
    sets: tuple[ImageSet, ImageSet],
    surface: Surface,
    machine: Execution,
) -> None:
    """Write the plane and the cuts about the weights; unmeasured ones where there are none."""
    network_name, learning_rate, seed = run
    origin = provenance(machine, surface.model_dump())
    identity = {"network": network_name, "seed": seed, "learning_rate": learning_rate}
    common = identity | {"fingerprint": read_json(DATASET)["fingerprint"]} | origin
    by_name, logs = dict(zip(BOTH, sets, strict=True)), []
    for view in views(run, weights, epochs, sets[0], surface):
        title = f"{trial_name(*run)} {view.name}"
        logs.append(
            PointLog(f"try-{title.replace(' ', '-')}", weights_hash(weights or {}), file_hash(IMAGES), origin)
        )
        values = measure(view, by_name, surface, machine, logs[-1], title)
        check = precision(view, sets[0], surface, machine)
        attributes = common | view_attributes(view, surface) | {"precision_check": check}
        dataset = slice_dataset(values, view.sets, view.geometry.coordinates, attributes)
        write_slice(trial_slice_path(*run, view.name), dataset)
    for log in logs:
        log.remove()


def views(
    run: tuple[str, float, int], weights: Weights | None, epochs: int, train_set: ImageSet, surface: Surface
) -> list[View]:
    """The plane and the cuts of `measure_surface`, along directions of the same seeds."""
    network = None if weights is None else restored_network(run[0], run[2], train_set, weights)
    epoch = NOWHERE if weights is None else float(epochs)
    cuts = surface.cuts
    places = {
        "final": (surface.direction_seeds, square(surface.extent, surface.points)),
        "cuts": (cuts.direction_seeds, rays(surface.extent, cuts.points, len(cuts.direction_seeds))),
    }

    def directions(seeds: list[int]) -> list[Direction]:
        if network is None:
            return []
        around = parameters_of(network)
        return [random_direction(around, direction_seed, surface.normalisation) for direction_seed in seeds]

    return [
        View(name, epoch, network, directions(seeds), geometry, BOTH)
        for name, (seeds, geometry) in places.items()
    ]


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
