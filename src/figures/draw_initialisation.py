"""Gradients of untrained networks, a column per variant: first against last layer by depth, layer by layer, and their
correlation along a line of images at a few of the depths.

Lines are medians over seeds, bands reach from the least to the largest value. Colours are families; dashes tell the
depths of the correlations apart, of which the deepest is solid.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from experiment.evidence import INITIALISATION
from experiment.parameters.gradients import Initialisation
from experiment.parameters.loading import load_section
from experiment.storage import read_json
from figures.curves import CHANCE_LINE, Legend
from figures.sheets import PANELS_PER_ROW, in_rows, sheet_of_panels
from figures.spreads import as_numbers, draw_spread, say, set_log_axis
from figures.style import DASHES, FAMILY_COLORS, REFERENCE_COLOR

LABELS = {
    "ratio": ("depth", "gradient norm,\nfirst / last layer"),
    "layers": ("layer, first to last", "gradient norm by\nlayer, deepest"),
    "correlation": ("lag (share of the line)", "correlation of\ninput gradients"),
}
NEARLY_ONE = 0.99  # correlations that are all above it are said in words, since their lines are one
Untrained = dict[str, dict[str, Any]]  # networks of results/initialisation.json


def draw() -> Figure:
    declared = load_section("initialisation", Initialisation)
    found = read_json(INITIALISATION)["networks"]
    panels = [
        [None if variant is None else (variant, kind) for variant in chunk]
        for chunk in in_rows(declared.variants, PANELS_PER_ROW)
        for kind in LABELS
    ]
    legend = family_legend(declared)
    sheet = sheet_of_panels(
        panels, widest=2.2, aspect=0.65, margins=(0.62, 0.38 + legend.height, 0.1, 0.25), gaps=(0.4, 0.4)
    )
    for axes, (variant, kind), leftmost, _ in sheet.entries(panels):
        networks = [name for name in declared.networks if found[name]["variant"] == variant]
        DRAWN[kind](axes, networks, found)
        axes.set(xlabel=LABELS[kind][0], ylabel=LABELS[kind][1] if leftmost else "")
        if kind == "ratio":
            axes.set_title(
                variant.removeprefix("-").replace("nonorm", "no norm").replace("-no", ", no") or "batch norm"
            )
        say(axes, "\n".join(notes_on(kind, networks, found)))
    legend.add_to(sheet.figure)
    return sheet.figure


def measured(name: str, found: Untrained) -> list[dict[str, Any]]:
    """The runs of a network that have gradients."""
    return [run for run in found[name]["runs"] if run["layers"]]


def notes_on(kind: str, networks: list[str], found: Untrained) -> list[str]:
    """What a panel says in words: correlations whose lines cannot be told apart, networks without values."""
    notes = []
    values = [value for of_runs in correlations(networks, found).values() for value in of_runs.flat]
    if kind == "correlation" and values and np.nanmin(values) > NEARLY_ONE:
        notes.append(f"all above {NEARLY_ONE:g}")
    if lost := [name for name in networks if not measured(name, found)]:
        notes += ["not measured:", *lost]
    return notes


def draw_ratios(axes: Axes, networks: list[str], found: Untrained) -> None:
    """Norm of the first layer's gradient over that of the last, by depth; no change in between is 1."""
    everything = []
    for family in dict.fromkeys(found[name]["family"] for name in networks):
        members = [name for name in networks if found[name]["family"] == family]
        members = sorted((n for n in members if measured(n, found)), key=lambda name: found[name]["depth"])
        seeds = max((len(found[name]["runs"]) for name in members), default=0)
        ratios = np.full((seeds, len(members)), np.nan)
        for column, name in enumerate(members):
            for row, run in enumerate(measured(name, found)):
                norms = list(run["layers"].values())
                ratios[row, column] = norms[0] / norms[-1] if norms[-1] else np.nan
        if members:
            draw_spread(
                axes,
                [found[name]["depth"] for name in members],
                ratios,
                members[-1],
                networks,
                color=FAMILY_COLORS[family],
            )
        everything += ratios.ravel().tolist()
    axes.axhline(1, **CHANCE_LINE)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    set_log_axis([axes], [*everything, 1.0])


def draw_layers(axes: Axes, networks: list[str], found: Untrained) -> None:
    """Norms by the layer's place between the first (0) and the last (1), for the deepest networks."""
    depth = max(found[name]["depth"] for name in networks)
    everything: list[float] = []
    for name in networks:
        if found[name]["depth"] == depth and (runs := measured(name, found)):
            norms = np.array([as_numbers(run["layers"].values()) for run in runs])
            look = {"color": FAMILY_COLORS[found[name]["family"]], "marker": ""}
            draw_spread(axes, np.linspace(0, 1, norms.shape[1]), norms, name, networks, **look)
            everything += norms.ravel().tolist()
    axes.set_xlim(-0.03, 1.03)
    set_log_axis([axes], everything)


def draw_correlations(axes: Axes, networks: list[str], found: Untrained) -> None:
    """Correlations by lag at the shown depths."""
    shown = shown_depths(found[name]["depth"] for name in networks)
    for name, values in correlations(networks, found).items():
        shares = np.arange(values.shape[1]) / (2 * (values.shape[1] - 1))  # lags reach half the line
        dashes = DASHES[shown.index(found[name]["depth"])]
        look = {"color": FAMILY_COLORS[found[name]["family"]], "linestyle": dashes, "marker": ""}
        draw_spread(axes, shares, values, name, networks, **look)
    axes.axhline(0, **CHANCE_LINE)
    axes.set(xlim=(0, 0.5), ylim=(-0.25, 1.05))


def correlations(networks: list[str], found: Untrained) -> dict[str, np.ndarray]:
    """Of the networks of the shown depths that have any: correlations [runs, lags]."""
    shown = shown_depths(found[name]["depth"] for name in networks)
    values = {
        name: np.array(
            [as_numbers(run["correlation"]) for run in measured(name, found) if run["correlation"]]
        )
        for name in networks
        if found[name]["depth"] in shown
    }
    return {name: of_runs for name, of_runs in values.items() if of_runs.size}


def shown_depths(depths: Iterable[int]) -> list[int]:
    """The deepest, a middle and the shallowest of the depths, in this order: more lines would hide each other."""
    ordered = sorted(set(depths), reverse=True)
    return list(dict.fromkeys([ordered[0], ordered[(len(ordered) - 1) // 2], ordered[-1]]))


DRAWN = {"ratio": draw_ratios, "layers": draw_layers, "correlation": draw_correlations}


def family_legend(declared: Initialisation) -> Legend:
    """The families in their colours, and the dashes of the correlations' depths."""
    handles = [Line2D([], [], color=FAMILY_COLORS[family]) for family in declared.families]
    shown = shown_depths(declared.depths)
    handles += [Line2D([], [], color=REFERENCE_COLOR, linestyle=DASHES[i]) for i in range(len(shown))]
    return Legend(handles, [*declared.families, *(f"correlations at depth {depth}" for depth in shown)])
