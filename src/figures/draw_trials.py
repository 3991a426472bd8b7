"""Contours about the final weights of the trials' networks: as the study trains them, and at other learning rates.

A row per network, first declared seeds; its residual counterpart, where the study has one, stands in front. Where no
trial is declared, one line says so, and the paper does without.
"""

import xarray
from matplotlib.figure import Figure

from experiment.layout import surface_path
from experiment.pairs import residual_counterpart
from experiment.parameters.loading import load_section
from experiment.parameters.study import Study, load_study
from experiment.parameters.trials import Trials
from experiment.slices import read_slice
from experiment.trials import trial_slice_path
from figures.losses import chance_loss, loss_scale
from figures.planes import add_loss_bar, add_plane_legend, draw_plane, label_directions
from figures.sheets import line_of_text, sheet_of_panels

Panel = tuple[str, xarray.Dataset]  # title, slice on the training set


def draw() -> Figure:
    study, trials = load_study(), load_section("trials", Trials)
    if not trials.runs:
        return line_of_text("No other learning rate is tried at this scale.")
    rows = [panels_of(network, study, trials) for network in trials.networks]
    most = max(map(len, rows))
    panels = [[*[None] * (most - len(row)), *row] for row in rows]  # the trials below one another
    slices = [panel[1] for row in rows for panel in row]
    scale = loss_scale(plane.loss.values for plane in slices)
    chance, chance_name = chance_loss()
    sheet = sheet_of_panels(panels, 1.95, margins=(0.45, 0.6, 0.75, 0.39), gaps=(0.18, 0.39))
    for axes, (title, plane), leftmost, lowest in sheet.entries(panels):
        draw_plane(axes, plane.alpha.values, plane.beta.values, plane.loss.values, scale, chance)
        axes.set_title(title)
        label_directions(axes, float(plane.alpha[-1]), leftmost, lowest)
    add_loss_bar(sheet, scale, chance)
    add_plane_legend(sheet, chance_name, (plane.loss.values for plane in slices))
    return sheet.figure


def panels_of(network: str, study: Study, trials: Trials) -> list[Panel]:
    """Residual counterpart and network as the study trains them, then the network at each rate of the trials."""
    counterpart = residual_counterpart(study.networks, network)
    own = dict.fromkeys(name for name in (counterpart, network) if name in study.networks)
    study_panels = [
        (f"{name}\nthe study's rate", training_plane(surface_path(name, study.seeds[0], "final")))
        for name in own
    ]
    trial_panels = [
        (
            f"{network}\nrate {rate:g}",
            training_plane(trial_slice_path(network, rate, trials.seeds[0], "final")),
        )
        for rate in trials.learning_rates
    ]
    return study_panels + trial_panels


def training_plane(path) -> xarray.Dataset:
    return read_slice(path).sel(set="train").transpose("alpha", "beta")
