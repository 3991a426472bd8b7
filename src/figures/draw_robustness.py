"""Test accuracy by the strength of a disturbance: of the images, a panel each, and of the weights.

Lines are means, bands reach from the smallest to the largest value: over seeds, for the weights over
directions too. Every curve starts from the undisturbed images and weights.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiment.evidence import evidence_path
from experiment.parameters.study import Study, load_study
from experiment.storage import read_json
from figures.curves import CHANCE_LINE, Legend, draw_curve, label_outer, seed_note
from figures.sheets import in_rows, sheet_of_panels
from figures.style import color_of, dashes_of

PANELS = {  # title, axis, strength at which nothing is disturbed
    "noise": ("Gaussian noise", "standard deviation (pixels in [0, 1])", 0.0),
    "blur": ("Gaussian blur", "standard deviation (pixels)", 0.0),
    "contrast": ("contrast", "factor on the distance from the mean", 1.0),
    "brightness": ("brightness", "added (pixels in [0, 1])", 0.0),
    "weights": ("weights moved", r"distance (norms of filters)", 0.0),
}
PER_ROW = 3
PERCENT = 100

Curve = tuple[np.ndarray, np.ndarray]  # strengths [S] and accuracies in per cent [M, S]


def draw() -> Figure:
    study = load_study()
    runs = {
        n: [read_json(evidence_path("robustness", n, seed)) for seed in study.seeds] for n in study.networks
    }
    measured = {n: [run for run in of_network if run["reason"] is None] for n, of_network in runs.items()}
    chance = sorted({PERCENT / run["classes"] for of_network in runs.values() for run in of_network})
    legend = _legend(study, measured, chance)
    panels = in_rows(list(PANELS), PER_ROW)
    sheet = sheet_of_panels(
        panels, widest=1.95, aspect=0.58, margins=(0.45, 0.4 + legend.height, 0.1, 0.22), gaps=(0.2, 0.55)
    )
    for axes, kind, leftmost, _ in sheet.entries(panels):
        for network in study.networks:
            draw_network(axes, kind, measured[network], network, study.networks)
        finish(axes, kind, chance, leftmost, bool(any(measured.values())))
    legend.add_to(sheet.figure)
    return sheet.figure


def draw_network(
    axes: Axes, kind: str, runs: list[dict[str, Any]], network: str, networks: list[str]
) -> None:
    """One network's accuracies over all its measured runs."""
    if runs:
        strengths, accuracies = curve(kind, runs)
        draw_curve(axes, strengths, accuracies, network, networks)


def curve(kind: str, runs: list[dict[str, Any]]) -> Curve:
    """Strengths with the undisturbed one first, and accuracies of all runs (and directions)."""
    entries = [run["weights"] if kind == "weights" else run["images"][kind] for run in runs]
    strengths = [PANELS[kind][2], *map(float, entries[0])]
    rows = []
    for run, entry in zip(runs, entries, strict=True):
        values = np.array([np.atleast_1d(np.array(value, float)) for value in entry.values()]).T  # [M, S]
        rows.append(np.column_stack([np.full(len(values), run["accuracy"]), values]))
    return np.array(strengths), PERCENT * np.concatenate(rows)


def finish(axes: Axes, kind: str, chance: list[float], leftmost: bool, any_measured: bool) -> None:
    """Names, limits, the line of guessing; contrast runs from 1 downwards, so that strength grows to the
    right.
    """
    title, x, undisturbed = PANELS[kind]
    axes.set_title(title)
    label_outer(axes, x, "test accuracy (%)", leftmost, True)
    axes.set_ylim(0, 102)
    for level in chance:
        axes.axhline(level, **CHANCE_LINE, zorder=1)
    if not any_measured:
        axes.set_xticks([])
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", va="center")
        return
    if undisturbed == 1:
        axes.invert_xaxis()
    axes.margins(x=0.02)


def _legend(study: Study, measured: dict[str, list], chance: list[float]) -> Legend:
    """Networks with the number of seeds measured, and the accuracy of guessing."""
    handles = [
        Line2D([], [], color=color_of(n, study.networks), linestyle=dashes_of(n, study.networks))
        for n in study.networks
    ]
    names = [seed_note(n, len(measured[n]), len(study.seeds)) for n in study.networks]
    guessing = [f"chance: {level:.3g} %" for level in chance]
    return Legend([*handles, *(Line2D([], [], **CHANCE_LINE) for _ in chance)], names + guessing)
