"""Measure every declared slice of one run's loss: about its final weights, at equal training loss, on the way there."""

import sys

import numpy as np

from experiment.declared_views import declared_views
from experiment.images import load_images
from experiment.layout import surface_path
from experiment.machine import execution
from experiment.measuring import calibration_images, measure_points
from experiment.parameters.loading import load_section
from experiment.parameters.measured import Measured
from experiment.parameters.surface import Surface
from experiment.progress import PointLog
from experiment.provenance import provenance
from experiment.slices import write_slice
from experiment.storage import DATASET, IMAGES, file_hash, read_json, run_name, weights_path
from experiment.views import View
from flatness.data import ImageSet
from flatness.execution import Execution
from flatness.sampling import LossSampler, Sampling, precision_difference, unmeasured
from flatness.surface import slice_dataset

CHECKED_BATCHES = 4  # per point, on which the fast path is held against float32


def main(network_name: str, seed: int) -> None:
    parameters = load_section("surface", Surface)
    machine = execution()
    sets = dict(zip(("train", "test"), load_images(), strict=True))
    origin = provenance(machine, parameters.model_dump())
    common = {"network": network_name, "seed": seed, "fingerprint": read_json(DATASET)["fingerprint"]}
    depends_on = (file_hash(weights_path(network_name, seed)), file_hash(IMAGES), origin)
    logs: list[PointLog] = []
    measured: dict[tuple, np.ndarray] = {}
    for view in declared_views(
        network_name, seed, sets["train"], parameters, load_section("measured", Measured)
    ):
        title = f"{run_name(network_name, seed)} {view.name}"
        same_points = (
            view.epoch,
            view.recomputed,
            tuple(view.geometry.coordinates),
            len(view.geometry.points),
        )
        if same_points in measured:  # the matched checkpoint is the final one
            values = measured[same_points][:, : len(view.sets)]
        else:
            logs.append(PointLog(f"surface-{title.replace(' ', '-')}", view.epoch, *depends_on))
            values = measured[same_points] = measure(view, sets, parameters, machine, logs[-1], title)
        attributes = common | view_attributes(view, parameters) | origin
        attributes["precision_check"] = precision(view, sets["train"], parameters, machine)
        dataset = slice_dataset(values, view.sets, view.geometry.coordinates, attributes)
        write_slice(surface_path(network_name, seed, view.name), dataset)
    for log in logs:
        log.remove()


def measure(
    view: View, sets: dict[str, ImageSet], parameters: Surface, machine: Execution, log: PointLog, title: str
) -> np.ndarray:
    """The view's values [P, S, 4], going on from the log; NaN with no samples where there are no weights."""
    points = view.geometry.points
    if view.network is None:
        return unmeasured(len(points), len(view.sets))
    calibration = calibration_of(view, sets["train"], parameters)
    sampling = Sampling(parameters.batch_size, parameters.relative_error)
    sampler = LossSampler(
        view.network, {name: sets[name] for name in view.sets}, machine, sampling, calibration
    )
    return measure_points(sampler, view.directions, points, log, title)


def calibration_of(view: View, train_set: ImageSet, parameters: Surface) -> ImageSet | None:
    """The images that give batch norm its statistics at each point, where the view has them recomputed."""
    return (
        calibration_images(train_set, parameters.recomputed.calibration_samples) if view.recomputed else None
    )


def precision(view: View, train_set: ImageSet, parameters: Surface, machine: Execution) -> float:
    """Largest relative difference between the fast path and float32 at the view's first, middle and last point."""
    if view.network is None:
        return float("nan")
    points = view.geometry.points
    probes = points[[0, len(points) // 2, -1]]
    samples = CHECKED_BATCHES * parameters.batch_size
    calibration = calibration_of(view, train_set, parameters)
    return precision_difference(
        view.network, train_set, view.directions, probes, machine, samples, calibration
    )


def view_attributes(view: View, parameters: Surface) -> dict:
    return {
        "view": view.name,
        "epoch": view.epoch,
        "statistics": view.statistics,
        "normalisation": parameters.normalisation,
        "direction_seeds": parameters.cuts.direction_seeds
        if "direction" in view.geometry.coordinates
        else parameters.direction_seeds,
        "relative_error": float("nan") if parameters.relative_error is None else parameters.relative_error,
    }


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
