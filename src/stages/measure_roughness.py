"""Reduce every stored slice to the measures of roughness, run by run and view by view."""

from math import log

import numpy as np
import xarray

from experiment.layout import ROUGHNESS, surface_path
from experiment.parameters.study import load_study
from experiment.slices import read_slice
from experiment.storage import DATASET, read_json, run_name, write_json
from flatness.roughness import profile_measures, surface_measures

PLANES = ("final", "recomputed", "matched")
CUTS = ("cuts", "matched_cuts")


def main() -> None:
    chance = log(len(read_json(DATASET)["classes"]))
    write_json(
        ROUGHNESS,
        {run_name(network, seed): measures(network, seed, chance) for network, seed in load_study().runs},
    )


def measures(network: str, seed: int, chance: float) -> dict[str, dict[str, float]]:
    """The measures of one run's training loss by view; `chance` is the loss of guessing, ln(classes) nats."""
    planes = {view: plane_measures(training_slice(network, seed, view), chance) for view in PLANES}
    cuts = {view: cut_measures(training_slice(network, seed, view), chance) for view in CUTS}
    return planes | cuts


def training_slice(network: str, seed: int, view: str) -> xarray.Dataset:
    return read_slice(surface_path(network, seed, view)).sel(set="train")


def plane_measures(plane: xarray.Dataset, chance: float) -> dict[str, float]:
    return surface_measures(
        plane["loss"].values, plane["standard_error"].values, plane["alpha"].values, chance
    )


def cut_measures(cuts: xarray.Dataset, chance: float) -> dict[str, float]:
    """Mean over directions, and as NAME_sd the standard deviation between them (divisor n - 1)."""
    losses, errors = (
        cuts[name].transpose("direction", "alpha").values for name in ("loss", "standard_error")
    )
    profiles = [
        profile_measures(*profile, cuts["alpha"].values, chance)
        for profile in zip(losses, errors, strict=True)
    ]
    columns = {name: np.array([profile[name] for profile in profiles]) for name in profiles[0]}
    means = {name: float(column.mean()) for name, column in columns.items()}
    return means | {f"{name}_sd": float(column.std(ddof=1)) for name, column in columns.items()}


if __name__ == "__main__":
    main()
