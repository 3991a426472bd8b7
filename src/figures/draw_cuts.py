"""Training loss along single directions: at the final weights and at equal training loss, a row per depth.

Lines are means over directions and seeds, bands reach from the smallest to the largest loss among them.
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
from figures.planes import mark_diverged
from figures.sheets import sheet_of_panels
from figures.style import depths
from flatness.names import parse_name

COLUMNS = {"cuts": "at the final weights", "matched_cuts": "at equal training loss"}


def draw() -> Figure:
    study = load_study()
    slices = {view: surviving_slices(study, view, "train") for view in COLUMNS}
    chance, _ = chance_loss()
    legend = network_legend(study, slices["cuts"], chance=True)
    panels = [[(depth, view) for view in COLUMNS] for depth in depths(study.networks)]
    sheet = sheet_of_panels(
        panels, widest=2.95, aspect=0.42, margins=(0.5, 0.35 + legend.height, 0.1, 0.25), gaps=(0.3, 0.28)
    )
    for axes, (depth, view), leftmost, lowest in sheet.entries(panels):
        for network in (network for network in study.networks if parse_name(network).depth == depth):
            if runs := slices[view][network]:
                cuts = np.concatenate([run.transpose("direction", "alpha").values for run in runs])
                draw_curve(axes, runs[0].alpha.values, cuts, network, study.networks)
                axes.set_xlim(runs[0].alpha[0], runs[0].alpha[-1])
        if axes.lines:
            axes.axhline(chance, **CHANCE_LINE, zorder=1)
        else:
            mark_diverged(axes)
            axes.set_xticks([])
        axes.set_title(f"depth {depth}, {COLUMNS[view]}")
        label_outer(axes, r"$\alpha$", "training loss (nats)", leftmost, lowest)
    losses = [run.values for of_view in slices.values() for runs in of_view.values() for run in runs]
    set_loss_axis(sheet.axes, [*losses, np.array([chance])])
    legend.add_to(sheet.figure)
    return sheet.figure
