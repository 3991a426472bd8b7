"""The slices this study declares of each run: from which weights, along which directions, at which points."""

from dataclasses import dataclass

import numpy as np
from torch import nn

from experiment.layout import MATCHING
from experiment.parameters.surface import Surface
from experiment.runs import finite_checkpoints, parameters_of, restored_network
from experiment.storage import has_diverged, read_json
from flatness.data import ImageSet
from flatness.directions import Direction, direction_between, random_direction
from flatness.grids import axis, cut_points, grid_points
from flatness.names import parse_name

BOTH = ("train", "test")
NOWHERE = float("nan")  # the epoch of weights that do not exist, since the run diverged


@dataclass(frozen=True)
class Geometry:
    """Points of a slice as coefficients [P, k] along k directions, and the axes they are arranged on."""

    points: np.ndarray
    coordinates: dict[str, np.ndarray]


@dataclass(frozen=True)
class View:
    """One slice about a network's weights; no network and no directions where the run diverged."""

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


def declared_views(network: str, seed: int, train_set: ImageSet, surface: Surface) -> list[View]:
    """Every view of one run, those at its final weights first."""
    checkpoints = finite_checkpoints(network, seed)
    origins = {e: restored_network(network, seed, train_set, weights) for e, weights in checkpoints.items()}
    final = NOWHERE if has_diverged(network, seed) else max(origins)
    matched = matched_epoch(network, seed)

    def random(epoch: float, seeds: list[int]) -> list[Direction]:
        if epoch not in origins:
            return []
        weights = parameters_of(origins[epoch])
        return [random_direction(weights, direction_seed, surface.normalisation) for direction_seed in seeds]

    def plane(name: str, epoch: float, points: int, sets: tuple[str, ...], recomputed: bool = False) -> View:
        directions = random(epoch, surface.direction_seeds)
        return View(
            name, epoch, origins.get(epoch), directions, square(surface.extent, points), sets, recomputed
        )

    def cuts(name: str, epoch: float, sets: tuple[str, ...]) -> View:
        directions = random(epoch, surface.cuts.direction_seeds)
        geometry = rays(surface.extent, surface.cuts.points, len(surface.cuts.direction_seeds))
        return View(name, epoch, origins.get(epoch), directions, geometry, sets)

    def line(name: str) -> View:
        ends = [parameters_of(origins[epoch]) for epoch in (0.0, final) if epoch in origins]
        directions = [direction_between(*ends)] if len(ends) == 2 else []
        origin = origins[0.0] if directions else None
        alphas = np.linspace(surface.line.start, surface.line.stop, surface.line.points)
        return View(
            name, 0.0, origin, directions, Geometry(alphas[:, None], {"alpha": alphas}), BOTH, recomputed=True
        )

    return [
        plane("final", final, surface.points, BOTH),
        plane("recomputed", final, surface.recomputed.points, BOTH, recomputed=True),
        cuts("cuts", final, BOTH),
        line("line"),
        plane("matched", matched, surface.points, ("train",)),
        cuts("matched_cuts", matched, ("train",)),
    ]


def square(extent: float, points: int) -> Geometry:
    """The plane of two directions."""
    alphas = axis(extent, points)
    return Geometry(grid_points(alphas, alphas), {"alpha": alphas, "beta": alphas})


def rays(extent: float, points: int, directions: int) -> Geometry:
    """Each direction alone."""
    alphas = axis(extent, points)
    return Geometry(cut_points(alphas, directions), {"direction": np.arange(directions), "alpha": alphas})


def matched_epoch(network: str, seed: int) -> float:
    """The epoch that `match_loss` chose for the run, NaN if it diverged."""
    group = read_json(MATCHING)[str(seed)].get(str(parse_name(network).depth), {"networks": {}})
    return group["networks"].get(network, {"epoch": NOWHERE})["epoch"]
