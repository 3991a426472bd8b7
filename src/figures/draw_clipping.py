"""Short trainings by plain SGD with and without clipped gradients: loss and gradient norm by step, a column per network.

A line for every seed; a cross where a run breaks, its last step with a finite value. Unclipped runs lie thin upon the
clipped ones, so that both are seen where they are the same. Every panel has its own vertical axis, wide enough for the
runs that do not break (for all, where each does): a run that breaks may leave it, and has its cross on the rim then.
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
from figures.curves import CHANCE_LINE, Legend
from figures.losses import chance_loss
from figures.sheets import PANELS_PER_ROW, in_rows, sheet_of_panels
from figures.spreads import as_numbers, set_log_axis
from figures.style import FAMILY_COLORS, FONT_SIZE
from flatness.names import parse_name

UNCLIPPED_COLOR = "black"
WIDEST_LINEAR = 3  # ratio of a panel's values up to which its axis is linear
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
        panels, widest=2.2, aspect=0.62, margins=(0.62, 0.38 + legend.height, 0.1, 0.5), gaps=(0.4, 0.3)
    )
    chance, _ = chance_loss()
    for axes, (network, kind), leftmost, _ in sheet.entries(panels):
        members = [run for run in runs if run["network"] == network]
        for run in members:
            draw_run(axes, run, kind)
        values = values_in_view(members, kind)
        if kind == "losses":
            axes.axhline(chance, **CHANCE_LINE, zorder=1)
            axes.set_title(title_of(network, members), fontsize=FONT_SIZE)
            values.append(chance)
        set_value_axis(axes, values)
        for run in filter(breaks, members):
            draw_break(axes, run, kind)
        lower = kind == list(LABELS)[-1]
        axes.set(
            ylabel=LABELS[kind] if leftmost else "", xlabel="step" if lower else "", xlim=(0, declared.steps)
        )
        axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
        axes.tick_params(labelbottom=lower)
    legend.add_to(sheet.figure)
    return sheet.figure


def breaks(run: dict[str, Any]) -> bool:
    return run["diverged_step"] is not None


def values_in_view(runs: list[dict[str, Any]], kind: str) -> list[float | None]:
    """Those of the runs that do not break; of all where each does. In its last steps a run can reach 1e36."""
    lasting = [run for run in runs if not breaks(run)]
    return [value for run in lasting or runs for value in run[kind]]


def title_of(network: str, runs: list[dict[str, Any]]) -> str:
    """The network, and how many of its runs break."""
    lines = [network]
    for clipped, mode in ((False, "unclipped"), (True, "clipped")):
        of_mode = [run for run in runs if run["clipped"] == clipped]
        broken = sum(map(breaks, of_mode))
        lines.append(f"{mode}: {broken} of {len(of_mode)} break")
    return "\n".join(lines)


def set_value_axis(axes: Axes, values: list[float | None]) -> None:
    """A logarithmic axis where the values span more than a factor of three, else a linear one that shows them large."""
    found = np.array(as_numbers(values), dtype=float)
    found = found[np.isfinite(found)]
    positive = found[found > 0]
    if positive.size == 0 or positive.max() > WIDEST_LINEAR * positive.min():
        set_log_axis([axes], positive)
    else:
        margin = 0.15 * (np.ptp(found) or found.max())
        axes.set_ylim(found.min() - margin, found.max() + margin)
        axes.yaxis.set_major_locator(MaxNLocator(4))


def draw_run(axes: Axes, run: dict[str, Any], kind: str) -> None:
    values = np.array(as_numbers(run[kind]))
    color = color_for(run["network"], run["clipped"])
    look = {"linewidth": 1.8, "alpha": 0.6} if run["clipped"] else {"linewidth": 0.6, "zorder": 3}
    axes.plot(values, color=color, **look)


def draw_break(axes: Axes, run: dict[str, Any], kind: str) -> None:
    """A cross at the last finite value, on the panel's rim where that lies beyond it."""
    values = np.array(as_numbers(run[kind]))
    finite = np.flatnonzero(np.isfinite(values))
    if finite.size:
        look = {"marker": "x", "markersize": 4, "zorder": 4, "clip_on": False}
        height = np.clip(values[finite[-1]], *axes.get_ylim())
        axes.plot(finite[-1:], height, color=color_for(run["network"], run["clipped"]), **look)


def color_for(network: str, clipped: bool) -> str:
    return FAMILY_COLORS[parse_name(network).family] if clipped else UNCLIPPED_COLOR


def modes_legend(declared: Clipping) -> Legend:
    """The modes by colour, the cross, and the line of chance."""
    families = dict.fromkeys(parse_name(network).family for network in declared.networks)
    handles = [Line2D([], [], color=FAMILY_COLORS[family], linewidth=1.8, alpha=0.6) for family in families]
    names = [f"{family}, clipped to norm {declared.largest_norm:g}" for family in families]
    handles.append(Line2D([], [], color=UNCLIPPED_COLOR, linewidth=0.6))
    handles.append(Line2D([], [], color=UNCLIPPED_COLOR, linestyle="", marker="x", markersize=4))
    handles.append(Line2D([], [], **CHANCE_LINE))
    return Legend(handles, [*names, "unclipped", "breaks", chance_loss()[1]])
