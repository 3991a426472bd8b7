"""Spectral density of the Hessian: a row per depth, at the final weights and at equal training loss.

Eigenvalues are in units of the largest one of their run and state, since those of the raw Hessian have no scale that networks
share. Lines are means over draws and seeds, bands reach from the seeds' lowest to their highest density.
"""

from collections.abc import Mapping, Sequence
from math import ceil
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from experiment.layout import MATCHING, STATES
from experiment.parameters.study import Study, load_study
from experiment.reporting.stored import comparable_evidence, read_result
from figures.curves import BAND_OPACITY, Legend, label_outer, mean_and_band
from figures.sheets import sheet_of_panels
from figures.style import REFERENCE_COLOR, color_of, dashes_of, depths
from flatness.names import parse_name
from flatness.quadrature import SpectralQuadrature

TITLES = {"final": "final weights", "matched": "equal loss"}
WIDTH = 0.01  # of the Gaussian, its standard deviation, in units of the largest eigenvalue
DECADES = 8  # of density that are shown below the highest
LEAST_POINTS, POINTS_PER_WIDTH = 1000, 4  # of a curve, so that no peak falls between two
Spectra = dict[str, dict[str, list[dict[str, Any]]]]  # network -> state -> a stored state per seed


def draw() -> Figure:
    study = load_study()
    spectra = stored_spectra(study)
    legend = spectra_legend(study, spectra)
    rows = [[(depth, state) for state in STATES] for depth in depths(study.networks)]
    sheet = sheet_of_panels(
        rows, widest=2.95, aspect=0.42, margins=(0.5, 0.35 + legend.height, 0.1, 0.25), gaps=(0.2, 0.28)
    )
    x = eigenvalue_axis(spectra)
    highest = 0.0
    for axes, (depth, state), leftmost, lowest in sheet.entries(rows):
        members = {n: spectra[n] for n in study.networks if parse_name(n).depth == depth}
        highest = max(highest, draw_panel(axes, x, members, state, study.networks))
        label_outer(axes, "eigenvalue / largest eigenvalue", "density", leftmost, lowest)
        axes.set_title(f"depth {depth}, {TITLES[state]}")
    for axes in sheet.axes:
        set_density_axis(axes, highest or 1.0)
    legend.add_to(sheet.figure)
    return sheet.figure


def stored_spectra(study: Study) -> Spectra:
    """What the stage left, by network and state in the order of the seeds."""
    matching = read_result(MATCHING)
    runs = {
        n: [comparable_evidence(matching, "curvature", n, seed) for seed in study.seeds]
        for n in study.networks
    }
    return {
        n: {state: [run["states"][state] for run in of_seeds] for state in STATES}
        for n, of_seeds in runs.items()
    }


def measured_nodes(states: Sequence[Mapping[str, Any]]) -> list[SpectralQuadrature]:
    """The quadratures of those seeds that have one, nodes in units of the state's largest eigenvalue."""
    return [in_units_of_largest(state) for state in states if state["reason"] is None]


def in_units_of_largest(state: Mapping[str, Any]) -> SpectralQuadrature:
    nodes, weights = (np.array(state["density"][key], dtype=float) for key in ("nodes", "weights"))
    return SpectralQuadrature(nodes / abs(state["largest_eigenvalue"]), weights)


def draw_panel(axes: Axes, x: np.ndarray, members: Spectra, state: str, networks: Sequence[str]) -> float:
    """One depth at one state, at the eigenvalues x [P]. Returns the highest density."""
    highest = 0.0
    for network, states in members.items():
        if quadratures := measured_nodes(states[state]):
            curves = np.stack([quadrature.density(x, WIDTH) for quadrature in quadratures])
            draw_density(axes, x, curves, network, networks)
            highest = max(highest, float(curves.max()))
    axes.set_xlim(float(x[0]), float(x[-1]))
    if not highest:
        reasons = sorted({entry["reason"] for states in members.values() for entry in states[state]})
        text = fill(f"not measured: {'; '.join(reasons)}", 40)
        axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=REFERENCE_COLOR)
    return highest


def eigenvalue_axis(spectra: Spectra) -> np.ndarray:
    """From below the lowest to above the highest node of all spectra, zero included."""
    found = [
        q for states in spectra.values() for of_seeds in states.values() for q in measured_nodes(of_seeds)
    ]
    low, high = (
        pick([default, *(float(pick(q.nodes.ravel())) for q in found)])
        for pick, default in ((min, 0.0), (max, 1.0))
    )
    low, high = low - 4 * WIDTH, high + 4 * WIDTH
    points = max(LEAST_POINTS, ceil(POINTS_PER_WIDTH * (high - low) / WIDTH))
    return np.linspace(low, high, points)


def draw_density(
    axes: Axes, x: np.ndarray, curves: np.ndarray, network: str, networks: Sequence[str]
) -> None:
    """Mean of curves [seeds, P], and their band where there are several."""
    color = color_of(network, networks)
    mean, lowest, highest = mean_and_band(curves)
    axes.plot(x, mean, color=color, linestyle=dashes_of(network, networks))
    if len(curves) > 1:
        axes.fill_between(x, lowest, highest, color=color, alpha=BAND_OPACITY, linewidth=0)


def set_density_axis(axes: Axes, highest: float) -> None:
    axes.set_yscale("log")
    axes.set_ylim(highest * 10**-DECADES, 3 * highest)
    axes.yaxis.set_major_locator(LogLocator(numticks=5))
    axes.yaxis.set_minor_locator(NullLocator())


def spectra_legend(study: Study, spectra: Spectra) -> Legend:
    """The networks, with the number of seeds where not all were measured and the reason where none was."""
    look = {
        n: {"color": color_of(n, study.networks), "linestyle": dashes_of(n, study.networks)} for n in spectra
    }
    handles = [Line2D([], [], **look[network]) for network in spectra]
    return Legend(handles, [legend_name(network, states) for network, states in spectra.items()])


def legend_name(network: str, states: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    final = states["final"]
    missing = [state["reason"] for state in final if state["reason"] is not None]
    if not missing:
        return network
    if len(missing) < len(final):
        return f"{network} ({len(final) - len(missing)} of {len(final)} seeds)"
    diverged = "diverged" if all("diverged" in reason for reason in missing) else "not measured"
    return f"{network} ({diverged})"
