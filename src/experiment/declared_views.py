"""The slices this study declares of each run: from which weights, along which directions, at which points."""

import numpy as np

from experiment.images import number_of_classes
from experiment.origins import declared_origins
from experiment.parameters.surface import Surface
from experiment.runs import parameters_of
from experiment.views import BOTH, Geometry, View, rays, square
from flatness.data import ImageSet
from flatness.directions import Direction, direction_between, random_direction
from flatness.networks import build_network


def declared_views(network: str, seed: int, train_set: ImageSet, surface: Surface) -> list[View]:
    """Every view of one run, those at its final weights first."""
    declared = declared_origins(network, seed, train_set)
    final, matched = (origin.epoch for origin in declared)
    origins = {origin.epoch: origin.network for origin in declared if origin.network is not None}
    if origins:
        image = train_set.images.shape[3], number_of_classes(train_set)
        origins.setdefault(0.0, build_network(network, seed, *image).eval())

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
