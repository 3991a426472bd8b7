"""What is measured of a view: its points' losses, the fast path's error, what the file says of itself."""

from typing import Any

import numpy as np

from experiment.measuring import calibration_images, measure_points
from experiment.parameters.surface import Surface
from experiment.progress import PointLog
from experiment.views import View
from flatness.data import ImageSet
from flatness.execution import Execution
from flatness.sampling import LossSampler, Sampling, precision_difference, unmeasured

CHECKED_BATCHES = 4  # per point, on which the fast path is held against float32


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


def view_attributes(view: View, parameters: Surface) -> dict[str, Any]:
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
