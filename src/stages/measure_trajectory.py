"""Measure one run's path: its loss at each checkpoint, its principal plane, the loss on that plane."""

import sys

import numpy as np
import torch
import xarray
from torch import Tensor, nn

from experiment.images import load_images
from experiment.layout import trajectory_path
from experiment.machine import execution
from experiment.measuring import calibration_images, measure_points
from experiment.parameters.loading import load_section
from experiment.parameters.trajectory import Trajectory
from experiment.progress import PointLog
from experiment.provenance import provenance
from experiment.runs import finite_checkpoints, parameters_of, restored_network
from experiment.slices import write_slice
from experiment.storage import IMAGES, checkpoints_path, file_hash, has_diverged, run_name
from flatness.data import ImageSet
from flatness.evaluation import Tally
from flatness.grids import grid_points
from flatness.sampling import LossSampler, Sampling, unmeasured
from flatness.surface import slice_dataset
from flatness.trajectory import PrincipalPlane, principal_plane

Checkpoints = dict[float, dict[str, Tensor]]  # by epoch, ascending


def main(network_name: str, seed: int) -> None:
    parameters = load_section("trajectory", Trajectory)
    machine = execution()
    train_set, _ = load_images()
    checkpoints = finite_checkpoints(network_name, seed)
    network = restored_network(network_name, seed, train_set, checkpoints[max(checkpoints)])
    plane = None if has_diverged(network_name, seed) else plane_of(checkpoints, network)
    calibration = calibration_images(train_set, parameters.calibration_samples)
    origin = provenance(machine, parameters.model_dump())
    depends_on = (file_hash(checkpoints_path(network_name, seed)), file_hash(IMAGES), origin)
    logs = []

    def sampler(samples: int, statistics: ImageSet | None) -> LossSampler:
        sampling = Sampling(parameters.batch_size, most_samples=samples)
        return LossSampler(network, {"train": train_set}, machine, sampling, statistics)

    def on_plane(name: str, points: np.ndarray, samples: int) -> np.ndarray:
        """The values [P, 1, 4] at points of the plane, which has no statistics of its own."""
        if plane is None:
            return unmeasured(len(points), 1)
        title = f"{run_name(network_name, seed)} {name}"
        logs.append(PointLog(f"trajectory-{title.replace(' ', '-')}", *depends_on))
        return measure_points(sampler(samples, calibration), plane.components, points, logs[-1], title)

    dataset = path_dataset(plane, checkpoints)
    for name, statistics in (("", None), ("recomputed_", calibration)):
        tallies = along_path(checkpoints, network, sampler(parameters.samples, statistics))
        dataset = dataset.assign(tally_variables(name, tallies))
    path = dataset["path"].values
    dataset["projected_loss"] = ("checkpoint", on_plane("path", path, parameters.samples)[:, 0, 0])
    axes = span(path, parameters)
    values = on_plane("plane", grid_points(*axes.values()), parameters.plane_samples)
    surface = slice_dataset(values, ["train"], axes, {}).isel(set=0, drop=True)
    dataset = dataset.merge(surface.rename({name: f"surface_{name}" for name in surface.data_vars}))
    dataset.attrs = {"network": network_name, "seed": seed, "statistics": "recomputed", **origin}
    write_slice(trajectory_path(network_name, seed), dataset)
    for log in logs:
        log.remove()


def plane_of(checkpoints: Checkpoints, network: nn.Module) -> PrincipalPlane:
    names = parameters_of(network)
    return principal_plane([{name: weights[name] for name in names} for weights in checkpoints.values()])


def path_dataset(plane: PrincipalPlane | None, checkpoints: Checkpoints) -> xarray.Dataset:
    """Where each checkpoint lies on the plane and how far from it; not a number where there is no plane."""
    count = len(checkpoints)
    path, residual, shares = (torch.full(shape, torch.nan) for shape in ((count, 2), (count,), (2,)))
    if plane is not None:
        path, residual, shares = plane.path, plane.residual, plane.explained_variance
    return xarray.Dataset(
        {
            "epoch": ("checkpoint", np.array(list(checkpoints))),
            "path": (("checkpoint", "component"), path.numpy()),
            "residual": ("checkpoint", residual.numpy()),
            "explained_variance": ("component", shares.numpy()),
        }
    )


def along_path(checkpoints: Checkpoints, network: nn.Module, sampler: LossSampler) -> list[Tally]:
    """The sampler's tally at each checkpoint; the network ends with the last one's weights."""
    tallies = []
    for weights in checkpoints.values():
        network.load_state_dict(weights)
        tallies.append(sampler.at([], [])["train"])
    return tallies


def tally_variables(prefix: str, tallies: list[Tally]) -> dict:
    """Loss, standard error and samples by checkpoint."""
    rows = [(tally.loss, tally.standard_error, tally.samples) for tally in tallies]
    columns = zip(("loss", "standard_error", "samples"), zip(*rows, strict=True), strict=True)
    return {f"{prefix}{name}": ("checkpoint", np.array(values)) for name, values in columns}


def span(path: np.ndarray, parameters: Trajectory) -> dict[str, np.ndarray]:
    """The axes x and y of a grid that covers the path [K, 2] with the margin on every side."""
    axes = {}
    for axis, coordinates in zip(("x", "y"), path.T, strict=True):
        margin = parameters.margin * np.ptp(coordinates)
        axes[axis] = np.linspace(coordinates.min() - margin, coordinates.max() + margin, parameters.points)
    return axes


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
