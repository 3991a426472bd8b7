"""Convexity |smallest / largest eigenvalue| of the loss on a coarse plane about the checkpoints of equal training loss."""

from math import isnan
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from experiment.layout import MATCHING
from experiment.parameters.study import load_study
from experiment.reporting.convexity import resolved_ratios
from experiment.reporting.stored import comparable_evidence, read_result
from figures.planes import UNDEFINED, label_directions
from figures.sheets import Sheet, arrange, place, sheet_of_panels
from figures.style import COLORMAP, REFERENCE_COLOR

SCALE = Normalize(0, 1)  # beyond 1 the negative curvature is the larger


def draw() -> Figure:
    study = load_study()
    matching = read_result(MATCHING)
    maps = {n: comparable_evidence(matching, "curvature", n, study.seeds[0])["map"] for n in study.networks}
    arrangement = arrange(study.networks)
    sheet = sheet_of_panels(arrangement, 1.5, margins=(0.45, 0.55, 0.75, 0.25), gaps=(0.18, 0.28))
    for axes, network, leftmost, lowest in sheet.entries(arrangement):
        axes.set_title(network)
        if maps[network]["reason"] is not None:
            mark_absent(axes, maps[network]["reason"])
        else:
            draw_map(axes, maps[network])
        extent = max((entry["alphas"][-1] for entry in maps.values() if "alphas" in entry), default=1.0)
        label_directions(axes, extent, leftmost, lowest)
    add_bar(sheet)
    if any(isnan(ratio) for stored in maps.values() for row in resolved_ratios(stored) for ratio in row):
        add_legend(sheet)
    return sheet.figure


def draw_map(axes: Axes, stored: dict[str, Any]) -> None:
    """A cell for each point, in the colour of its ratio; hatched where that is not resolved."""
    alphas = np.array(stored["alphas"])
    ratios = np.array(resolved_ratios(stored))  # [alpha, beta]
    half = (alphas[1] - alphas[0]) / 2
    low, size = alphas[0] - half, alphas[-1] - alphas[0] + 2 * half
    axes.add_patch(Rectangle((low, low), size, size, zorder=0, **UNDEFINED))
    edges = np.linspace(low, low + size, len(alphas) + 1)
    cells = np.ma.masked_invalid(ratios.T)
    axes.pcolormesh(edges, edges, cells, cmap=COLORMAP, norm=SCALE, edgecolors="face", linewidth=0.1)
    axes.set(xlim=(low, low + size), ylim=(low, low + size), aspect="equal")


def mark_absent(axes: Axes, reason: str) -> None:
    axes.set_facecolor("0.95")
    text = fill(reason, 22)
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=REFERENCE_COLOR)
    axes.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal")


def add_bar(sheet: Sheet) -> None:
    _, y0, x1, y1 = sheet.outline
    height = min(y1 - y0, 3.2)
    axes = place(sheet.figure, x1 + 0.12, (y0 + y1 - height) / 2, 0.11, height)
    bar = sheet.figure.colorbar(ScalarMappable(SCALE, COLORMAP), cax=axes, extend="max")
    bar.set_label(r"$|\lambda_{\min}/\lambda_{\max}|$")
    bar.outline.set_linewidth(0.5)


def add_legend(sheet: Sheet) -> None:
    x0, _, x1, _ = sheet.outline
    middle = (x0 + x1) / 2 / sheet.figure.get_figwidth()
    sheet.figure.legend(
        [Patch(**UNDEFINED)], ["not resolved"], loc="lower center", bbox_to_anchor=(middle, 0)
    )
