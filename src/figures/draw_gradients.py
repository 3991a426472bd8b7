"""Gradients in training, a row per depth: their norm by epoch, how far one holds along its step, the effective
smoothness by epoch.

Lines are medians over seeds, along the step over seeds and trained checkpoints; bands reach from the least to the
largest value.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from experiment.evidence import evidence_path
from experiment.parameters.study import Study, load_study
from experiment.storage import read_json
from figures.curves import network_legend
from figures.sheets import sheet_of_panels
from figures.spreads import as_numbers, draw_spread, say, set_log_axis
from figures.style import depths, write_figure
from flatness.names import parse_name

LABELS = {
    "gradient_norm": ("epoch", "gradient norm"),
    "gradient_change": (r"step size $\eta$", r"change of the gradient"),
    "smoothness": ("epoch", "effective smoothness"),
}
Checkpoints = dict[str, list[list[dict[str, Any]]]]  # by network, the checkpoints of each seed's run


def draw() -> Figure:
    study = load_study()
    found = {
        network: [read_json(evidence_path("gradients", network, seed))["checkpoints"] for seed in study.seeds]
        for network in study.networks
    }
    panels = [[(depth, kind) for kind in LABELS] for depth in depths(study.networks)]
    legend = network_legend(study, survivors(found), chance=False)
    sheet = sheet_of_panels(
        panels, widest=1.8, aspect=0.6, margins=(0.5, 0.38 + legend.height, 0.1, 0.25), gaps=(0.5, 0.28)
    )
    for axes, (depth, kind), _, lowest in sheet.entries(panels):
        draw_panel(axes, kind, depth, study, found)
        axes.set(xlabel=LABELS[kind][0] if lowest else "", ylabel=LABELS[kind][1], title=f"depth {depth}")
        axes.tick_params(labelbottom=lowest)
    for kind in LABELS:
        same = [axes for axes, entry, *_ in sheet.entries(panels) if entry[1] == kind]
        set_log_axis(
            same, [value for runs in found.values() for run in runs for value in values_of(run, kind)]
        )
    legend.add_to(sheet.figure)
    return sheet.figure


def survivors(found: Checkpoints) -> dict[str, list]:
    """By network, the runs whose last checkpoint was measured."""
    return {network: [run for run in runs if run[-1]["reason"] is None] for network, runs in found.items()}


def trained(run: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The checkpoints after the initial weights."""
    return [checkpoint for checkpoint in run if checkpoint["epoch"] > 0]


def values_of(run: list[dict[str, Any]], kind: str) -> list[float]:
    """All values of one kind that a run's panel shows."""
    if kind == "gradient_change":
        return [value for checkpoint in trained(run) for value in as_numbers(checkpoint[kind])]
    return as_numbers(checkpoint[kind] for checkpoint in run)


def draw_panel(axes: Axes, kind: str, depth: int, study: Study, found: Checkpoints) -> None:
    members = [network for network in study.networks if parse_name(network).depth == depth]
    for network in members:
        if kind == "gradient_change":
            values = [as_numbers(checkpoint[kind]) for run in found[network] for checkpoint in trained(run)]
            draw_spread(axes, found[network][0][0]["steps"], np.array(values), network, study.networks)
        else:
            values = [values_of(run, kind) for run in found[network]]
            epochs = [checkpoint["epoch"] for checkpoint in found[network][0]]
            draw_spread(axes, epochs, np.array(values), network, study.networks)
    if kind == "gradient_change":
        show_steps(axes, found[members[0]][0][0]["steps"])
    else:
        last = max(checkpoint["epoch"] for network in members for checkpoint in found[network][0])
        axes.set_xlim(-0.03 * last, 1.03 * last)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    lost = [network for network in members if not np.isfinite(all_values(found[network], kind)).any()]
    say(axes, "\n".join(["not measured:", *lost]) if lost else "")


def all_values(runs: list[list[dict[str, Any]]], kind: str) -> np.ndarray:
    return np.array([value for run in runs for value in values_of(run, kind)], dtype=float)


def show_steps(axes: Axes, steps: list[float]) -> None:
    """The declared step sizes as ticks."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(steps))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:g}"))


if __name__ == "__main__":
    write_figure("gradients", draw)
