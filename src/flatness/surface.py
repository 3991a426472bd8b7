"""The loss on a square grid w + alpha d + beta e about a network's weights, as a labelled dataset (Li et al. 2018)."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray

from flatness.directions import Direction
from flatness.grids import axis, grid_points
from flatness.sampling import QUANTITIES, LossSampler, loss_at_points


def slice_dataset(
    values: np.ndarray, sets: Sequence[str], coordinates: Mapping[str, np.ndarray], attributes: Mapping
) -> xarray.Dataset:
    """Measurements [P, S, 4] as a dataset of QUANTITIES with dims (set, *coordinates)."""
    shape = [len(axis) for axis in coordinates.values()]
    arranged = np.moveaxis(values, 0, -1).reshape(len(sets), len(QUANTITIES), *shape)
    dims = ("set", *coordinates)
    variables = {name: (dims, arranged[:, number]) for number, name in enumerate(QUANTITIES)}
    dataset = xarray.Dataset(variables, {"set": list(sets), **coordinates}, dict(attributes))
    dataset["samples"] = dataset["samples"].astype(np.int32)
    dataset["loss"].attrs = {"units": "nats", "long_name": "mean cross-entropy without weight decay"}
    dataset["accuracy"].attrs = {"units": "1", "long_name": "share of correctly classified samples"}
    dataset["standard_error"].attrs = {"units": "nats", "long_name": "standard error of the loss"}
    dataset["samples"].attrs = {"units": "1", "long_name": "samples used"}
    return dataset


def loss_on_grid(
    sampler: LossSampler, directions: Sequence[Direction], extent: float = 1.0, points: int = 25, **resume
) -> xarray.Dataset:
    """Loss and accuracy on the square grid w + alpha d + beta e, |alpha|, |beta| <= extent; dims (set, alpha, beta).

    `resume` is passed on to `loss_at_points`: `done` and `on_point`. ValueError for other than two directions.
    """
    if len(directions) != 2:
        raise ValueError(f"expected two directions, which span a plane; found {len(directions)}")
    coordinates = {"alpha": axis(extent, points), "beta": axis(extent, points)}
    values = loss_at_points(sampler, directions, grid_points(*coordinates.values()), **resume)
    return slice_dataset(values, list(sampler.sets), coordinates, {})
