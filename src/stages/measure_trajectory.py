"""Measure one run's path: its loss at each checkpoint, its principal plane, the loss on that plane."""

import sys

import numpy as np
import torch
import xarray
from torch import nn

from experiment.images import load_images
from experiment.layout import trajectory_path
from experiment.machine import execution
from experiment.measuring import first, measure_points
from experiment.parameters.loading import load_section
from experiment.parameters.trajectory import Trajectory
from experiment.progress import PointLog
from experiment.provenance import provenance
from experiment.runs import finite_checkpoints, has_diverged, parameters_of, restored_network
from experiment.slices import write_slice
from experiment.storage import IMAGES, checkpoints_path, file_hash, run_name
from flatness.data import ImageSet
from flatness.evaluation import Tally
from flatness.execution import Execution
from flatness.surface import LossSampler, Sampling, grid_points, slice_dataset, unmeasured
from flatness.trajectory import PrincipalPlane, principal_plane

Networks = dict[float, nn.Module]  # by epoch


def main(network_name: str, seed: int) -> None:
    parameters = load_section("trajectory", Trajectory)
    machine = execution()
    train_set, _ = load_images()
    checkpoints = finite_checkpoints(network_name, seed)
    networks = {e: restored_network(network_name, seed, train_set, w) for e, w in checkpoints.items()}
    origin = provenance(machine, parameters.model_dump())
    log = PointLog(
        f"trajectory-{run_name(network_name, seed)}",
        file_hash(checkpoints_path(network_name, seed)),
        file_hash(IMAGES),
        origin,
    )
    sample = first(train_set, parameters.samples)
    calibration = first(train_set, parameters.calibration_samples)
    if has_diverged(network_name, seed):
        plane = no_plane(len(networks))
        axes = span(plane, parameters)
        values = unmeasured(len(networks) + parameters.points**2, 1)
    else:
        plane = principal_plane([parameters_of(network) for network in networks.values()])
        axes = span(plane, parameters)
        points = np.concatenate([plane.path.numpy(), grid_points(*axes.values())])
        last = networks[max(networks)]
        sampler = LossSampler(last, {"train": sample}, machine, Sampling(parameters.batch_size), calibration)
        values = measure_points(sampler, plane.components, points, log, run_name(network_name, seed))
    surface = slice_dataset(values[len(networks) :], ["train"], axes, {}).isel(set=0, drop=True)
    dataset = surface.rename({name: f"surface_{name}" for name in surface.data_vars})
    dataset = dataset.merge(path_dataset(plane, networks))
    for name, statistics in (("", None), ("recomputed_", calibration)):
        tallies = tallies_of(networks, sample, machine, parameters.batch_size, statistics)
        dataset[f"{name}loss"] = ("checkpoint", np.array([tally.loss for tally in tallies]))
        dataset[f"{name}standard_error"] = ("checkpoint", np.array([tally.standard_error for tally in tallies]))
    dataset["samples"] = ("checkpoint", np.array([tally.samples for tally in tallies], np.int32))
    dataset["projected_loss"] = ("checkpoint", values[: len(networks), 0, 0])
    dataset.attrs = {"network": network_name, "seed": seed, "statistics": "recomputed", **origin}
    write_slice(trajectory_path(network_name, seed), dataset)
    log.remove()


def no_plane(checkpoints: int) -> PrincipalPlane:
    """In place of the plane of a path that ended in divergence: nothing measured."""
    path = torch.full((checkpoints, 2), torch.nan)
    return PrincipalPlane(({}, {}), path, path[:, 0], torch.full((2,), torch.nan))


def span(plane: PrincipalPlane, parameters: Trajectory) -> dict[str, np.ndarray]:
    """The axes x and y of a grid that covers the path with the margin on every side."""
    axes = {}
    for axis, coordinates in zip(("x", "y"), plane.path.numpy().T, strict=True):
        margin = parameters.margin * np.ptp(coordinates)
        axes[axis] = np.linspace(coordinates.min() - margin, coordinates.max() + margin, parameters.points)
    return axes


def path_dataset(plane: PrincipalPlane, networks: Networks) -> xarray.Dataset:
    """The path: where each checkpoint lies on the plane and how far from it."""
    return xarray.Dataset(
        {
            "epoch": ("checkpoint", np.array(list(networks))),
            "path": (("checkpoint", "component"), plane.path.numpy()),
            "residual": ("checkpoint", plane.residual.numpy()),
            "explained_variance": ("component", plane.explained_variance.numpy()),
        }
    )


def tallies_of(
    networks: Networks, sample: ImageSet, machine: Execution, batch_size: int, calibration: ImageSet | None
) -> list[Tally]:
    """Every checkpoint's loss with its own batch-norm statistics, or with those recomputed from `calibration`.

    Against the loss at projections, which have no statistics of their own, only the latter compares weights alone.
    """
    samplers = (
        LossSampler(network, {"train": sample}, machine, Sampling(batch_size), calibration)
        for network in networks.values()
    )
    return [sampler.at([], [])["train"] for sampler in samplers]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
