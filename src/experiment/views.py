"""What a slice is made of: an origin, directions, points."""

from dataclasses import dataclass

import numpy as np
from torch import nn

from flatness.directions import Direction
from flatness.grids import axis, cut_points, grid_points

BOTH = ("train", "test")
NOWHERE = float("nan")  # the epoch of weights that there are none of, or that are not measured


@dataclass(frozen=True)
class Geometry:
    """Points of a slice as coefficients [P, k] along k directions, and the axes they are arranged on."""

    points: np.ndarray
    coordinates: dict[str, np.ndarray]


@dataclass(frozen=True)
class View:
    """One slice about a network's weights; no network and no directions where there are none, or none are measured."""

    name: str
    epoch: float  # of the weights at the origin
    network: nn.Module | None
    directions: list[Direction]
    geometry: Geometry
    sets: tuple[str, ...]  # the training set first
    recomputed: bool = False  # batch-norm statistics recomputed at each point; else the running ones

    @property
    def statistics(self) -> str:
        return "recomputed" if self.recomputed else "running"


def square(extent: float, points: int) -> Geometry:
    """The plane of two directions."""
    alphas = axis(extent, points)
    return Geometry(grid_points(alphas, alphas), {"alpha": alphas, "beta": alphas})


def rays(extent: float, points: int, directions: int) -> Geometry:
    """Each direction alone."""
    alphas = axis(extent, points)
    return Geometry(cut_points(alphas, directions), {"direction": np.arange(directions), "alpha": alphas})
