"""Measure how far one run's loss rises near its weights, and how far rescaling its filters moves each
measure.
"""

import sys
from collections.abc import Callable
from functools import partial
from math import inf, isfinite, isnan, nan
from statistics import fmean
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from experiment.evidence import Parts, evidence_path
from experiment.images import load_images
from experiment.machine import execution
from experiment.measuring import measured_images
from experiment.origins import Origin, declared_origins, measured_by_state
from experiment.parameters.loading import load_section
from experiment.parameters.sharpness import Sharpness
from experiment.provenance import provenance
from experiment.storage import IMAGES, file_hash, run_name, weights_path, write_json
from flatness.data import ImageSet
from flatness.execution import Execution
from flatness.folding import foldable_pairs
from flatness.neighbourhood import Neighbourhood
from flatness.sharpness import (
    GEOMETRIES,
    Ascent,
    average_rises,
    box_rise,
    flat_radius,
    rescaled,
    worst_case_rise,
)
from flatness.unmeasurable import Unmeasurable

Measure = Callable[[Neighbourhood], float]
WORST_CASES = ("box", *GEOMETRIES)
BY_DIRECTION = ("average", "flat_radius")
SMALLEST = 1e-6  # nats or units of the filters' norms: a ratio to less is one of rounding errors
NOT_A_NUMBER = "a loss on the way is not a finite number"


def main(network_name: str, seed: int) -> None:
    parameters = load_section("sharpness", Sharpness)
    machine = Execution(execution().device, torch.float32)  # whatever the machine's precision
    train_set, _ = load_images()
    origin = provenance(machine, parameters.model_dump())
    name = run_name(network_name, seed)
    parts = Parts(f"sharpness-{name}", file_hash(weights_path(network_name, seed)), file_hash(IMAGES), origin)
    origins = declared_origins(network_name, seed, train_set)
    images = measured_images(train_set, parameters.samples)
    with tqdm(total=_count(origins, parameters), desc=f"{name} sharpness", unit="part", miniters=0) as bar:
        session = Session(images, parameters, machine, parts, bar)
        states = measured_by_state(origins, lambda place: session.about(place.network, f"{place.epoch:g}"))
        rescaling = session.rescaling(origins[0].network, states["final"])
    found = {"network": network_name, "seed": seed, "samples": len(images), "provenance": origin}
    write_json(
        evidence_path("sharpness", network_name, seed), found | {"states": states, "rescaling": rescaling}
    )
    parts.remove()


def _count(origins: list[Origin], parameters: Sharpness) -> int:
    """The measures of all distinct weights and of the rescaled network."""
    places = {origin.epoch for origin in origins if origin.network is not None}
    return len(measures(parameters)) * (len(places) + 1) if places else 0


def measures(parameters: Sharpness) -> dict[str, Measure]:
    """By name, each number that is measured about some weights: the worst cases, then those of each
    direction.
    """
    ascent = Ascent(parameters.ascent_steps, parameters.restarts)
    found: dict[str, Measure] = {"box": partial(box_rise, epsilon=parameters.box_epsilon, ascent=ascent)}
    for geometry in GEOMETRIES:
        radius = getattr(parameters.radii, geometry)
        found[geometry] = partial(worst_case_rise, radius=radius, geometry=geometry, ascent=ascent)
    for seed in parameters.direction_seeds:
        found[f"average {seed}"] = partial(_average_rise, sigma=parameters.sigma, seed=seed)
        found[f"flat_radius {seed}"] = partial(
            flat_radius, rise=parameters.rise, seed=seed, extent=parameters.extent
        )
    return found


def _average_rise(near: Neighbourhood, sigma: float, seed: int) -> float:
    return average_rises(near, sigma, [seed])[0]


class Session:
    """One run's measurement: images, parameters, machine, the parts that are known, and the bar that shows
    them.
    """

    def __init__(self, images: ImageSet, parameters: Sharpness, machine: Execution, parts: Parts, bar: tqdm):
        self.images, self.parameters, self.machine = images, parameters, machine
        self.parts, self.bar = parts, bar
        self.passes = 0

    def about(self, network: nn.Module, label: str) -> dict[str, Any]:
        """All measures about a network's weights; Unmeasurable where its loss is not finite."""
        near = Neighbourhood(self.machine.place(network), self.images, on_pass=self._passed)
        loss = self.parts.get(f"{label} loss", lambda: near.base)
        if not isfinite(loss):
            raise Unmeasurable("the loss at the weights is not a finite number")
        values = {}
        for name, measure in measures(self.parameters).items():
            values[name] = self.parts.get(f"{label} {name}", lambda measure=measure: measure(near))
            self.bar.update()
        return {"loss": loss, **self._arranged(values)}

    def _passed(self) -> None:
        """Shows that a long part is alive."""
        self.passes += 1
        self.bar.set_postfix_str(f"{self.passes} passes over the images", refresh=False)
        self.bar.update(0)

    def _arranged(self, values: dict[str, float]) -> dict[str, Any]:
        """Measures by name, lists over directions, with the reasons of those that are not numbers."""
        seeds = self.parameters.direction_seeds
        found: dict[str, Any] = {name: values[name] for name in WORST_CASES}
        found |= {name: [values[f"{name} {seed}"] for seed in seeds] for name in BY_DIRECTION}
        lost = [name for name in WORST_CASES if not isfinite(values[name])]
        lost += ["average"] * any(not isfinite(rise) for rise in found["average"])
        return found | {"extent": self.parameters.extent, "unmeasured": dict.fromkeys(lost, NOT_A_NUMBER)}

    def rescaling(self, network: nn.Module | None, original: dict[str, Any]) -> dict[str, Any]:
        """Each measure with batch-normed filters multiplied by a constant, relative to what it was."""
        factor = self.parameters.rescaling_factor
        if original["reason"] is not None:
            return {"reason": original["reason"], "factor": factor}
        if not foldable_pairs(network):
            return {"reason": "no filter has a batch norm after it", "factor": factor}
        try:
            other = self.about(rescaled(network, factor), "rescaled")
        except Unmeasurable as fault:
            return {"reason": str(fault), "factor": factor}
        before, after = (self._summary(measured) for measured in (original, other))
        return {
            "reason": None,
            "factor": factor,
            "loss_difference": other["loss"] - original["loss"],
            "ratios": {name: ratio(after[name], before[name]) for name in before},
        }

    def _summary(self, measured: dict[str, Any]) -> dict[str, float]:
        """A number for each measure: means over directions, for the flat radius as `mean_radius` has it."""
        extent = self.parameters.extent
        means = {
            "average": fmean(measured["average"]),
            "flat_radius": mean_radius(measured["flat_radius"], extent),
        }
        return {name: measured[name] for name in WORST_CASES} | means


def mean_radius(radii: list[float], extent: float) -> float:
    """Mean of flat radii, those beyond the extent counted as the extent; NaN where all are, since then none
    is known.
    """
    if all(radius == inf for radius in radii):
        return nan
    return fmean(min(radius, extent) for radius in radii)


def ratio(after: float, before: float) -> float:
    """after / before, NaN where either is not a number or `before` is of the size of rounding errors."""
    return nan if isnan(before) or abs(before) < SMALLEST else after / before


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
