"""Loss on the straight line through the initial (0) and the final (1) weights, on training and test set.

Lines are means over seeds, bands reach from the smallest to the largest loss among them.
"""

import numpy as np
from matplotlib.figure import Figure

from experiment.parameters.study import load_study
from figures.curves import (
    CHANCE_LINE,
    draw_curve,
    label_outer,
    network_legend,
    set_loss_axis,
    surviving_slices,
)
from figures.losses import chance_loss
from figures.sheets import sheet_of_panels
from figures.style import REFERENCE_COLOR

SETS = {"train": "training set", "test": "test set"}


def draw() -> Figure:
    study = load_study()
    slices = {subset: surviving_slices(study, "line", subset) for subset in SETS}
    chance, _ = chance_loss()
    legend = network_legend(study, slices["train"], chance=True)
    panels = [list(SETS)]
    sheet = sheet_of_panels(
        panels, widest=2.95, aspect=0.48, margins=(0.5, 0.35 + legend.height, 0.1, 0.25), gaps=(0.3, 0.28)
    )
    for axes, subset, leftmost, lowest in sheet.entries(panels):
        for network, runs in slices[subset].items():
            if runs:
                losses = np.stack([run.values for run in runs])
                draw_curve(axes, runs[0].alpha.values, losses, network, study.networks)
                axes.set_xlim(runs[0].alpha[0], runs[0].alpha[-1])
        for weights in (0, 1):
            axes.axvline(weights, color=REFERENCE_COLOR, linewidth=0.4, zorder=1)
        axes.axhline(chance, **CHANCE_LINE, zorder=1)
        axes.set_title(SETS[subset])
        label_outer(axes, "way from initial (0) to final weights (1)", "loss (nats)", leftmost, lowest)
    losses = [run.values for of_set in slices.values() for runs in of_set.values() for run in runs]
    set_loss_axis(sheet.axes, [*losses, np.array([chance])])
    legend.add_to(sheet.figure)
    return sheet.figure
