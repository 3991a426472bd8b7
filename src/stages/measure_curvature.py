"""Measure the Hessian of one run's training loss: its spectrum at two states, and how convex the loss is on a plane."""

import sys
from math import isnan, nan
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from experiment.evidence import Parts, evidence_path
from experiment.images import load_images
from experiment.machine import execution
from experiment.measuring import measured_images
from experiment.origins import Origin, declared_origins, measured_by_state
from experiment.parameters.curvature import Curvature
from experiment.parameters.loading import load_section
from experiment.provenance import provenance
from experiment.runs import parameters_of
from experiment.storage import IMAGES, file_hash, run_name, weights_path, write_json
from flatness.curvature import (
    Matrix,
    convexity_ratio,
    ends_of,
    extreme_eigenvalues,
    hutchinson_trace,
    lanczos_process,
    spectral_quadrature,
)
from flatness.data import ImageSet
from flatness.directions import Direction, displaced, random_direction
from flatness.execution import Execution
from flatness.grids import axis, grid_points
from flatness.hessian import HessianProduct, ScaledProduct
from flatness.sharpness import filter_scales
from flatness.unmeasurable import Unmeasurable

UNKNOWN_ENDS = {"largest": nan, "smallest": nan, "residual": nan}


def main(network_name: str, seed: int) -> None:
    parameters = load_section("curvature", Curvature)
    machine = Execution(execution().device, torch.float32)  # whatever the machine's precision
    train_set, _ = load_images()
    origin = provenance(machine, parameters.model_dump())
    hashes = (file_hash(weights_path(network_name, seed)), file_hash(IMAGES))
    parts = Parts(f"curvature-{run_name(network_name, seed)}", *hashes, origin)
    states = declared_origins(network_name, seed, train_set)
    for state in states:
        if state.network is not None:
            machine.place(state.network)
    images = measured_images(train_set, parameters.samples)
    with tqdm(total=parts_of(states, parameters), desc=run_name(network_name, seed), unit="part") as bar:
        measured = measured_by_state(states, lambda state: spectra(state, images, parameters, parts, bar))
        centre = next(state for state in states if state.state == "matched")
        plane = convexity_map(centre, train_set, parameters, parts, bar)
    result = {"network": network_name, "seed": seed, "samples": len(images), "provenance": origin}
    write_json(evidence_path("curvature", network_name, seed), result | {"states": measured, "map": plane})
    parts.remove()


def parts_of(states: list[Origin], parameters: Curvature) -> int:
    """Two spectra for each state, of which those with equal weights are one, and the points of the map."""
    epochs = {state.epoch for state in states if state.network is not None}
    return 2 * len(epochs) + parameters.map.points**2 * bool(epochs)


def spectra(
    state: Origin, images: ImageSet, parameters: Curvature, parts: Parts, bar: tqdm
) -> dict[str, Any]:
    """Ends, trace and density of the raw spectrum; ends and trace of the filter-normalised one."""
    product = HessianProduct(state.network, images, parameters.batch_size)
    normalised = ScaledProduct(product, filter_scales(parameters_of(state.network)))
    raw = parts.get(f"{state.epoch:g} raw", lambda: spectrum(product, product, parameters, True))
    bar.update()
    scaled = parts.get(
        f"{state.epoch:g} normalised", lambda: spectrum(normalised, product, parameters, False)
    )
    bar.update()
    products = {"products": raw["products"] + scaled["products"]}
    numbers = {f"normalised_{name}": value for name, value in scaled.items() if name != "products"}
    return raw | numbers | products


def spectrum(
    matrix: Matrix, counted: HessianProduct, parameters: Curvature, with_density: bool
) -> dict[str, Any]:
    """One Lanczos process gives both ends, the first draw of the density and what the trace need not estimate."""
    before, density = counted.taken, {}
    process = lanczos_process(matrix, parameters.tolerance, parameters.most_steps)
    if with_density:
        drawn = spectral_quadrature(matrix, parameters.density_draws, parameters.density_steps, first=process)
        density = {"density": {"nodes": drawn.nodes.tolist(), "weights": drawn.weights.tolist()}}
    ends = ends_of(process)
    trace = hutchinson_trace(matrix, parameters.trace_draws, deflated=process)
    return {
        "largest_eigenvalue": ends.largest_algebraic.value,
        "largest_residual": ends.largest_algebraic.residual,
        "smallest_eigenvalue": ends.smallest_algebraic.value,
        "smallest_residual": ends.smallest_algebraic.residual,
        "trace": trace.value,
        "trace_error": trace.standard_error,
        "products": counted.taken - before,
    } | density


def convexity_map(
    centre: Origin, train_set: ImageSet, parameters: Curvature, parts: Parts, bar: tqdm
) -> dict[str, Any]:
    """The ends of the spectrum on a grid of the plane of two filter-normalised directions about the centre."""
    about = {"epoch": centre.epoch, "reason": centre.reason}
    if centre.network is None:
        return about
    images = measured_images(train_set, parameters.map.samples)
    weights = parameters_of(centre.network)
    directions = [random_direction(weights, seed) for seed in parameters.direction_seeds]
    alphas = axis(parameters.map.extent, parameters.map.points)
    ends = []
    for alpha, beta in grid_points(alphas, alphas).tolist():
        name = f"{centre.epoch:g} map {alpha:g} {beta:g}"
        ends.append(parts.get(name, lambda: ends_at(centre, directions, [alpha, beta], images, parameters)))  # noqa: B023
        bar.update()
    if all(isnan(end["largest"]) for end in ends):
        about["reason"] = "the Hessian is finite at no point"
    ratios = [convexity_ratio(**end, resolution=parameters.map.resolution) for end in ends]
    values = {name: [end[name] for end in ends] for name in UNKNOWN_ENDS} | {"convexity": ratios}
    grids = {name: np.reshape(numbers, (len(alphas), -1)).tolist() for name, numbers in values.items()}
    return about | {"alphas": alphas.tolist()} | grids


def ends_at(
    centre: Origin, directions: list[Direction], point: list[float], images: ImageSet, parameters: Curvature
) -> dict[str, float]:
    """Eigenvalues and the larger residual at one point; NaN where the Hessian is not finite."""
    with displaced(centre.network, directions, point):
        try:
            product = HessianProduct(centre.network, images, parameters.batch_size)
            ends = extreme_eigenvalues(product, parameters.tolerance, parameters.map.most_steps)
        except Unmeasurable:
            return UNKNOWN_ENDS
    largest, smallest = ends.largest_algebraic, ends.smallest_algebraic
    residual = max(largest.residual, smallest.residual)
    return {"largest": largest.value, "smallest": smallest.value, "residual": residual}


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
