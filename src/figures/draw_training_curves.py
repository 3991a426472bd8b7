"""Loss and error by epoch, on training and test set: whether depth makes plain networks worse on both.

Lines are means over seeds, bands reach from the smallest to the largest value among them. A seed that
diverged is drawn alone, as a thin line up to a cross at its last finite epoch.
"""

from typing import NamedTuple

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiment.parameters.study import load_study
from experiment.storage import epochs_path, has_diverged
from figures.curves import draw_curve, label_outer, network_legend, set_loss_axis
from figures.sheets import sheet_of_panels
from figures.style import color_of, dashes_of

PANELS = [["train_loss", "test_loss", "train_error", "test_error"]]
SETS = {"train": "training set", "test": "test set"}
QUANTITIES = {"loss": "loss (nats)", "error": "error (%)"}


class Run(NamedTuple):
    """A run's rows, one per epoch, and whether its training diverged."""

    epochs: pandas.DataFrame
    diverged: bool


def draw() -> Figure:
    study = load_study()
    runs = {
        network: [Run(read_epochs(network, seed), has_diverged(network, seed)) for seed in study.seeds]
        for network in study.networks
    }
    finished = {network: [run for run in of_seeds if not run.diverged] for network, of_seeds in runs.items()}
    legend = network_legend(study, finished, chance=False)
    sheet = sheet_of_panels(
        PANELS, widest=1.4, margins=(0.5, 0.35 + legend.height, 0.1, 0.25), gaps=(0.38, 0.15)
    )
    for axes, column, _, lowest in sheet.entries(PANELS):
        for network in study.networks:
            draw_runs(axes, column, runs[network], network, study.networks)
        subset, quantity = column.split("_")
        axes.set_title(SETS[subset])
        label_outer(axes, "epoch", QUANTITIES[quantity], subset == "train", lowest)
        axes.tick_params(labelleft=True)
        axes.xaxis.get_major_locator().set_params(integer=True)
    everything = pandas.concat([run.epochs for of_seeds in runs.values() for run in of_seeds])
    losses, errors = (everything[[f"{subset}_{quantity}" for subset in SETS]] for quantity in QUANTITIES)
    set_loss_axis(sheet.axes[:2], [losses.values])
    for axes in sheet.axes[2:]:
        axes.set_ylim(0, 1.05 * max(1.0, errors.max(axis=None)))
    legend.add_to(sheet.figure)
    return sheet.figure


def read_epochs(network: str, seed: int) -> pandas.DataFrame:
    """A run's rows, one per epoch, with errors in per cent."""
    epochs = pandas.read_csv(epochs_path(network, seed))
    errors = {f"{subset}_error": 100 * (1 - epochs[f"{subset}_accuracy"]) for subset in SETS}
    return epochs.assign(**errors).replace([np.inf, -np.inf], np.nan)


def draw_runs(axes: Axes, column: str, runs: list[Run], network: str, networks: list[str]) -> None:
    """One column of a network's runs: those that finished together, each that diverged alone."""
    finished = [run.epochs for run in runs if not run.diverged]
    if finished:
        draw_curve(axes, finished[0].epoch, np.stack([run[column] for run in finished]), network, networks)
    color, dashes = color_of(network, networks), dashes_of(network, networks)
    for run in (run.epochs for run in runs if run.diverged):
        finite = run[run.train_loss.notna() & run.test_loss.notna()]
        axes.plot(finite.epoch, finite[column], color=color, linestyle=dashes, linewidth=0.6)
        axes.plot(finite.epoch[-1:], finite[column][-1:], color=color, marker="x", markersize=4)
