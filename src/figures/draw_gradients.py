"""Gradients in training, a row per depth: their norm by epoch, how far one holds along its step, the effective
smoothness by epoch.

Lines are medians over seeds, along the step over seeds and trained checkpoints; bands reach from the least to the
largest value. A run that diverged counts in the epochs before it did, and not along the step.
"""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from experiment.evidence import evidence_path
from experiment.parameters.study import Study, load_study
from experiment.storage import has_diverged, read_json
from figures.curves import network_legend
from figures.sheets import sheet_of_panels
from figures.spreads import as_numbers, draw_spread, say, set_log_axis
from figures.style import depths
from flatness.names import parse_name

LABELS = {
    "gradient_norm": ("epoch", "gradient norm"),
    "gradient_change": (r"step size $\eta$", r"change of the gradient"),
    "smoothness": ("epoch", "effective smoothness"),
}


class Run(NamedTuple):
    """A run's checkpoints, the initial weights first, and whether its training diverged."""

    checkpoints: list[dict[str, Any]]
    diverged: bool

    @property
    def trained(self) -> list[dict[str, Any]]:
        """The checkpoints of a whole training, after the initial weights."""
        return [] if self.diverged else self.checkpoints[1:]


Runs = dict[str, list[Run]]  # by network, one of each seed


def draw() -> Figure:
    study = load_study()
    found = {network: [read_run(network, seed) for seed in study.seeds] for network in study.networks}
    finished = {network: [run for run in runs if not run.diverged] for network, runs in found.items()}
    panels = [[(depth, kind) for kind in LABELS] for depth in depths(study.networks)]
    legend = network_legend(study, finished, chance=False)
    sheet = sheet_of_panels(
        panels, widest=1.8, aspect=0.6, margins=(0.5, 0.38 + legend.height, 0.1, 0.25), gaps=(0.5, 0.28)
    )
    for axes, (depth, kind), _, lowest in sheet.entries(panels):
        draw_panel(axes, kind, depth, study, found)
        axes.set(xlabel=LABELS[kind][0] if lowest else "", ylabel=LABELS[kind][1], title=f"depth {depth}")
        axes.tick_params(labelbottom=lowest)
    for kind in LABELS:
        same = [axes for axes, entry, *_ in sheet.entries(panels) if entry[1] == kind]
        set_log_axis(same, [value for runs in found.values() for value in values_of(runs, kind)[1].flat])
    legend.add_to(sheet.figure)
    return sheet.figure


def read_run(network: str, seed: int) -> Run:
    checkpoints = read_json(evidence_path("gradients", network, seed))["checkpoints"]
    return Run(checkpoints, has_diverged(network, seed))


def values_of(runs: list[Run], kind: str) -> tuple[list[float], np.ndarray]:
    """What a panel shows of a network: places [P] and values [M, P], NaN where there is none."""
    return along_step(runs) if kind == "gradient_change" else by_epoch(runs, kind)


def along_step(runs: list[Run]) -> tuple[list[float], np.ndarray]:
    """The changes by step size, a row for every trained checkpoint."""
    steps = runs[0].checkpoints[0]["steps"]
    rows = [as_numbers(checkpoint["gradient_change"]) for run in runs for checkpoint in run.trained]
    return steps, np.array(rows).reshape(-1, len(steps))


def by_epoch(runs: list[Run], kind: str) -> tuple[list[float], np.ndarray]:
    """A row for every run over the epochs of all: those that diverged have fewer."""
    rows = [{checkpoint["epoch"]: checkpoint[kind] for checkpoint in run.checkpoints} for run in runs]
    epochs = sorted({epoch for row in rows for epoch in row})
    return epochs, np.array([as_numbers(row.get(epoch) for epoch in epochs) for row in rows])


def draw_panel(axes: Axes, kind: str, depth: int, study: Study, found: Runs) -> None:
    members = [network for network in study.networks if parse_name(network).depth == depth]
    shown = {network: values_of(found[network], kind) for network in members}
    for network, (places, values) in shown.items():
        draw_spread(axes, places, values, network, study.networks)
    if kind == "gradient_change":
        show_steps(axes, shown[members[0]][0])
    else:
        show_epochs(axes, found)
    lost = [network for network, (_, values) in shown.items() if not np.isfinite(values).any()]
    say(axes, "\n".join(["not measured:", *lost]) if lost else "")


def show_epochs(axes: Axes, found: Runs) -> None:
    """One axis for all panels, to the last epoch of any run."""
    last = max(run.checkpoints[-1]["epoch"] for runs in found.values() for run in runs) or 1.0
    axes.set_xlim(-0.03 * last, 1.03 * last)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def show_steps(axes: Axes, steps: list[float]) -> None:
    """The declared step sizes as ticks of one axis for all panels."""
    margin = max(1.1, (max(steps) / min(steps)) ** 0.05)
    axes.set_xscale("log")
    axes.set_xlim(min(steps) / margin, max(steps) * margin)
    axes.xaxis.set_major_locator(FixedLocator(steps))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:g}"))
