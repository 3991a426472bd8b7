"""Train one small network with a declared weight decay and reduce it to a few numbers: fit, curvature, cuts."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import cache, partial
from math import log
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from experiment.evidence import Parts, ablation_path
from experiment.images import load_images, number_of_classes
from experiment.machine import execution
from experiment.measuring import IMAGES_SEED, measured_images
from experiment.parameters.ablation import Ablation
from experiment.parameters.loading import load_section
from experiment.parameters.train import Train
from experiment.provenance import provenance, training_provenance
from experiment.runs import parameters_of, restored_network
from experiment.storage import IMAGES, file_hash, progress_path, write_json
from experiment.tensors import weights_hash
from flatness.curvature import ends_of, hutchinson_trace, lanczos_process
from flatness.data import ImageSet
from flatness.directions import random_direction
from flatness.execution import Execution
from flatness.grids import axis, cut_points
from flatness.hessian import HessianProduct, ScaledProduct
from flatness.names import parse_name
from flatness.networks import build_network
from flatness.roughness import profile_measures
from flatness.sampling import LossSampler, Sampling, loss_at_points
from flatness.sharpness import filter_scales
from flatness.training import EpochRecord, Recipe, Trainer, weights_of
from flatness.unmeasurable import Unmeasurable
from stages.train import diverged, finish, resume

TOLERANCE = 0.01  # residual / |eigenvalue| of each end at which the Lanczos process stops; ours
EXTENT = 1.0  # of the cuts, in units of the filters' norms; that of Li et al. 2018, Fig. 5
BATCH_SIZE = 500  # images per graph and per forward pass; no value depends on it
UNMEASURED = dict.fromkeys(
    (
        *("largest_eigenvalue", "largest_residual", "smallest_eigenvalue", "smallest_residual"),
        *("trace", "trace_error", "normalised_largest_eigenvalue", "normalised_largest_residual"),
        *("normalised_smallest_eigenvalue", "normalised_smallest_residual"),
        *("normalised_trace", "normalised_trace_error", "cuts"),
    )
)


def main(network_name: str, weight_decay: float, seed: int) -> None:
    parameters = load_section("ablation", Ablation)
    recipe = recipe_of(load_section("train", Train), parameters, weight_decay)
    machine = execution()
    exact = Execution(machine.device, torch.float32)
    sets = load_images()
    declared = parameters.model_dump(exclude={"networks", "weight_decays", "further", "seeds"})
    origin = provenance(exact, {"recipe": asdict(recipe), "ablation": declared})
    trained = training_provenance(machine, {})
    origin |= {f"training_{key}": trained[key] for key in ("precision", "kernels", "convolutions")}
    path = ablation_path(network_name, weight_decay, seed)
    trainer, records, progress = train(
        network_name, seed, recipe, machine, sets, f"ablation-{path.stem}", origin
    )
    measured = dict(UNMEASURED)
    parts = None
    if not diverged(trainer, records):
        weights = weights_of(trainer.network)
        network = restored_network(network_name, seed, sets[0], weights).to(exact.device)
        parts = Parts(f"ablation-measures-{path.stem}", weights_hash(weights), file_hash(IMAGES), origin)
        measured |= measure(network, sets[0], parameters, exact, parts, path.stem)
    identity = {"network": network_name, "weight_decay": weight_decay, "seed": seed, "provenance": origin}
    write_json(path, identity | training_numbers(network_name, trainer, records) | measured)
    progress.unlink(missing_ok=True)
    if parts is not None:
        parts.remove()


def recipe_of(section: Train, parameters: Ablation, weight_decay: float) -> Recipe:
    """`train.recipe` for the ablation's epochs with its weight decay; overrides of single networks do not count."""
    fields = section.recipe.model_dump() | {"epochs": parameters.epochs, "weight_decay": weight_decay}
    return Recipe(**fields)


def train(
    network_name: str,
    seed: int,
    recipe: Recipe,
    machine: Execution,
    sets: tuple[ImageSet, ImageSet],
    title: str,
    origin: dict[str, Any],
) -> tuple[Trainer, list[EpochRecord], Any]:
    """The trained network with its epochs' records, going on after the last epoch of an interrupted run.

    The progress file (third) also holds the finished training, until the measurements are stored.
    """
    network = build_network(network_name, seed, sets[0].images.shape[3], number_of_classes(sets[0]))
    trainer = Trainer(network, *sets, recipe, seed, machine)
    progress = progress_path(title, file_hash(IMAGES), origin)
    records = resume(trainer, progress)
    finish(trainer, records, progress, title)
    return trainer, records, progress


def training_numbers(network_name: str, trainer: Trainer, records: list[EpochRecord]) -> dict[str, Any]:
    """Architecture and fit; what a diverged run left is null, and `reason` says so."""
    architecture, last = parse_name(network_name), records[-1]
    lost = diverged(trainer, records)
    keys = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
    return {
        "reason": f"the run diverged in epoch {trainer.epoch}" if lost else None,
        "shortcut": architecture.shortcut,
        "projection": architecture.projection,
        "activation": architecture.activation,
        "diverged_epoch": trainer.epoch if lost else None,
        **{key: None if lost else getattr(last, key) for key in keys},
    }


def measure(
    network: nn.Module, train_set: ImageSet, parameters: Ablation, exact: Execution, parts: Parts, title: str
) -> dict[str, Any]:
    """Curvature and cuts, part by part; where a part cannot be measured, `reason` in its place."""
    hessians = curvature_pieces(network, measured_images(train_set, parameters.samples), parameters)
    cuts = cut_pieces(network, train_set, parameters, exact)
    found = {
        name: parts.get(name, partial(measured_or_reason, piece))
        for name, piece in tqdm((hessians | cuts).items(), desc=f"{title} measures", unit="part")
    }
    numbers = {
        key: value for name in reversed(hessians) for key, value in found[name].items()
    }  # the first reason stays
    directions = [found[name] for name in cuts]
    return numbers | {"cuts": {key: [cut[key] for cut in directions] for key in directions[0]}}


def measured_or_reason(piece: Callable[[], dict[str, float]]) -> dict[str, Any]:
    """What `piece` measures, or the reason why it cannot."""
    try:
        return piece()
    except Unmeasurable as fault:
        return {"reason": str(fault)}


def curvature_pieces(
    network: nn.Module, images: ImageSet, parameters: Ablation
) -> dict[str, Callable[[], dict[str, float]]]:
    """Ends of the spectrum and trace of H, and of S H S with S the filters' norms."""

    @cache
    def hessian() -> HessianProduct:
        return HessianProduct(network, images, BATCH_SIZE)

    def normalised() -> ScaledProduct:
        return ScaledProduct(hessian(), filter_scales(dict(network.named_parameters())))

    return {
        "curvature": lambda: curvature(hessian(), parameters, ""),
        "normalised curvature": lambda: curvature(normalised(), parameters, "normalised_"),
    }


def curvature(product: HessianProduct | ScaledProduct, parameters: Ablation, prefix: str) -> dict[str, float]:
    """One Lanczos process for the ends of the spectrum; the trace with what it has spanned left out of the error."""
    process = lanczos_process(product, TOLERANCE, parameters.most_steps, each=True)
    ends, trace = ends_of(process), hutchinson_trace(product, parameters.trace_draws, deflated=process)
    return {
        f"{prefix}largest_eigenvalue": ends.largest_algebraic.value,
        f"{prefix}largest_residual": ends.largest_algebraic.residual,
        f"{prefix}smallest_eigenvalue": ends.smallest_algebraic.value,
        f"{prefix}smallest_residual": ends.smallest_algebraic.residual,
        f"{prefix}trace": trace.value,
        f"{prefix}trace_error": trace.standard_error,
    }


def cut_pieces(
    network: nn.Module, train_set: ImageSet, parameters: Ablation, exact: Execution
) -> dict[str, Callable[[], dict[str, float]]]:
    """The measures of the cut along each direction, on the images of the curvature, running statistics."""
    chance = log(number_of_classes(train_set))
    alphas = axis(EXTENT, parameters.points)

    @cache
    def sampler() -> LossSampler:
        sampling = Sampling(BATCH_SIZE, most_samples=parameters.samples, order_seed=IMAGES_SEED)
        return LossSampler(network, {"train": train_set}, exact, sampling)

    def cut(seed: int) -> dict[str, float]:
        placed = sampler()  # before the direction, whose norms depend on the weights' layout to the last bit
        direction = random_direction(parameters_of(network), seed)
        values = loss_at_points(placed, [direction], cut_points(alphas, 1))[:, 0]
        losses, _, errors, _ = values.T
        return profile_measures(losses, errors, alphas, chance)

    return {f"cut {seed}": partial(cut, seed) for seed in parameters.direction_seeds}


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
