"""Short trainings by plain SGD with and without clipped gradients: loss and gradient norm by step, a column per network.

A line for every seed; a cross where a run breaks, its last step with a finite value.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from experiment.evidence import CLIPPING
from experiment.parameters.gradients import Clipping
from experiment.parameters.loading import load_section
from experiment.storage import read_json
from figures.curves import Legend
from figures.sheets import PANELS_PER_ROW, in_rows, sheet_of_panels
from figures.spreads import as_numbers, set_log_axis
from figures.style import FAMILY_COLORS, FONT_SIZE, REFERENCE_COLOR, write_figure
from flatness.networks import parse_name

LABELS = {"losses": "loss of the\nbatch (nats)", "gradient_norms": "gradient norm\nbefore clipping"}


def draw() -> Figure:
    declared = load_section("clipping", Clipping)
    runs = read_json(CLIPPING)["runs"]
    panels = [
        [None if network is None else (network, kind) for network in chunk]
        for chunk in in_rows(declared.networks, PANELS_PER_ROW)
        for kind in LABELS
    ]
    legend = modes_legend(declared)
    sheet = sheet_of_panels(
        panels, widest=2.2, aspect=0.75, margins=(0.62, 0.4 + legend.height, 0.1, 0.55), gaps=(0.15, 0.5)
    )
    for axes, (network, kind), leftmost, _ in sheet.entries(panels):
        members = [run for run in runs if run["network"] == network]
        for run in members:
            draw_run(axes, run, kind)
        axes.set(xlabel="step", ylabel=LABELS[kind] if leftmost else "", xlim=(0, declared.steps))
        axes.set_title(title_of(network, members) if kind == "losses" else "", fontsize=FONT_SIZE)
        axes.tick_params(labelleft=leftmost)
        axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    for kind in LABELS:
        same = [axes for axes, entry, *_ in sheet.entries(panels) if entry[1] == kind]
        set_log_axis(same, [value for run in runs for value in run[kind]])
    legend.add_to(sheet.figure)
    return sheet.figure


def title_of(network: str, runs: list[dict[str, Any]]) -> str:
    """The network, and how many of its runs break."""
    lines = [network]
    for clipped, mode in ((False, "unclipped"), (True, "clipped")):
        of_mode = [run for run in runs if run["clipped"] == clipped]
        broken = sum(run["diverged_step"] is not None for run in of_mode)
        lines.append(f"{mode}: {broken} of {len(of_mode)} break")
    return "\n".join(lines)


def draw_run(axes: Axes, run: dict[str, Any], kind: str) -> None:
    values = np.array(as_numbers(run[kind]))
    color = color_for(run["network"], run["clipped"])
    axes.plot(values, color=color, linewidth=0.9 if run["clipped"] else 0.7)
    if run["diverged_step"] is not None and np.isfinite(values).any():
        last = np.flatnonzero(np.isfinite(values))[-1]
        axes.plot([last], values[last], color=color, marker="x", markersize=4)


def color_for(network: str, clipped: bool) -> str:
    return FAMILY_COLORS[parse_name(network).family] if clipped else REFERENCE_COLOR


def modes_legend(declared: Clipping) -> Legend:
    """The modes by colour, and the cross."""
    families = dict.fromkeys(parse_name(network).family for network in declared.networks)
    handles = [Line2D([], [], color=FAMILY_COLORS[family]) for family in families]
    names = [f"{family}, clipped to norm {declared.largest_norm:g}" for family in families]
    handles.append(Line2D([], [], color=REFERENCE_COLOR, linewidth=0.7))
    handles.append(Line2D([], [], color=REFERENCE_COLOR, linestyle="", marker="x", markersize=4))
    return Legend(handles, [*names, "unclipped", "breaks"])


if __name__ == "__main__":
    write_figure("clipping", draw)
