"""Reduce every stored slice to the measures of roughness, run by run and view by view, trials after the study's runs."""

from math import log
from pathlib import Path
from typing import Any

import numpy as np
import xarray

from experiment.layout import ROUGHNESS, surface_path
from experiment.parameters.loading import load_section
from experiment.parameters.study import load_study
from experiment.parameters.trials import Trials
from experiment.rises import RISES, rise_key
from experiment.slices import read_slice
from experiment.storage import DATASET, read_json, run_name, write_json
from experiment.trials import trial_name, trial_slice_path
from flatness import plane_roughness
from flatness.resolution import unfiltered_measures
from flatness.rise_distance import rise_distance
from flatness.roughness import line_measures, profile_measures, surface_measures

PLANES = ("final", "recomputed", "matched")
CUTS = ("cuts", "matched_cuts")
LOSS_BOUND = 1.0  # nats above the centre within which a point counts as near it in loss; ours


def main() -> None:
    chance = log(len(read_json(DATASET)["classes"]))
    runs = {run_name(*run): measures(*run, chance) for run in load_study().runs}
    trials = {
        trial_name(*trial): trial_measures(*trial, chance) for trial in load_section("trials", Trials).runs
    }
    write_json(ROUGHNESS, runs | trials)


def measures(network: str, seed: int, chance: float) -> dict[str, dict[str, Any]]:
    """The measures of one run's training loss by view; `chance` is the loss of guessing, ln(classes) nats."""
    planes = {
        view: plane_measures(training_slice(surface_path(network, seed, view)), chance) for view in PLANES
    }
    cuts = {view: cut_measures(training_slice(surface_path(network, seed, view)), chance) for view in CUTS}
    line = training_slice(surface_path(network, seed, "line"))
    along = line_measures(line["loss"].values, line["standard_error"].values, line["alpha"].values)
    return planes | cuts | {"line": along}


def trial_measures(network: str, learning_rate: float, seed: int, chance: float) -> dict[str, dict[str, Any]]:
    """Those of a trial's plane and cuts, about its final weights."""
    plane, cuts = (
        training_slice(trial_slice_path(network, learning_rate, seed, view)) for view in ("final", "cuts")
    )
    return {"final": plane_measures(plane, chance), "cuts": cut_measures(cuts, chance)}


def training_slice(path: Path) -> xarray.Dataset:
    return read_slice(path).sel(set="train")


def plane_measures(plane: xarray.Dataset, chance: float) -> dict[str, float]:
    """Those of its rows, columns and rim, and those of the plane as a whole."""
    losses, errors = (plane[name].transpose("alpha", "beta").values for name in ("loss", "standard_error"))
    alphas, betas = plane["alpha"].values, plane["beta"].values
    whole = plane_roughness.plane_measures(losses, errors, alphas, betas, LOSS_BOUND)
    raw = unfiltered_measures([*losses, *losses.T], [*errors, *errors.T])
    return surface_measures(losses, errors, alphas, chance) | raw | whole


def cut_measures(cuts: xarray.Dataset, chance: float) -> dict[str, Any]:
    """Mean over directions, as NAME_sd the standard deviation between them (divisor n - 1), and all by direction."""
    losses, errors = (
        cuts[name].transpose("direction", "alpha").values for name in ("loss", "standard_error")
    )
    alphas = cuts["alpha"].values
    profiles = [
        profile_measures(loss, error, alphas, chance)
        | {rise_key(rise): rise_distance(loss, alphas, rise) for rise in RISES}
        | unfiltered_measures([loss], [error])
        for loss, error in zip(losses, errors, strict=True)
    ]
    columns = {name: np.array([profile[name] for profile in profiles]) for name in profiles[0]}
    means = {name: float(column.mean()) for name, column in columns.items()}
    deviations = {f"{name}_sd": float(column.std(ddof=1)) for name, column in columns.items()}
    by_direction = {name: column.tolist() for name, column in columns.items()}
    return means | deviations | {"by_direction": by_direction}


if __name__ == "__main__":
    main()
