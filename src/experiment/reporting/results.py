"""The results of the declared runs, read back for the paper."""

from dataclasses import dataclass
from math import log, sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import xarray

from experiment.layout import MATCHING, ROUGHNESS, surface_path, trajectory_path
from experiment.parameters.loading import read_parameters
from experiment.parameters.study import Study, load_study
from experiment.reporting.latex import measured
from experiment.reporting.stored import comparable_evidence, matched_checkpoint, read_result
from experiment.slices import read_slice
from experiment.storage import DATASET, run_name, training_path
from flatness.names import parse_name

DATASET_TITLES = {
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "digits": "scikit-learn's handwritten digits",
    "images": "a folder of images",
}
MEASURES = (
    "centre_loss",
    "edge_rise",
    "halfway_distance",
    "excess_variation",
    "raw_excess_variation",
    "nonconvex_share",
    "raw_nonconvex_share",
)


PRINTED = dict.fromkeys(("nonconvex_share", "raw_nonconvex_share"), (100, 1))  # (factor, decimals) in print
PRINTED_OTHERWISE = (1, 2)
SAME_EPOCH = 1e-6  # epochs are declared with fewer decimals
AT_EQUAL_LOSS = ("matched", "matched_cuts")  # states of roughness.json


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation over the values that were measured, `count` of `total`."""

    mean: float | None
    deviation: float | None  # None for fewer than two values
    count: int
    total: int


def spread(values: list[float | None]) -> Spread:
    known = [value for value in values if measured(value)]
    return Spread(
        fmean(known) if known else None, stdev(known) if len(known) > 1 else None, len(known), len(values)
    )


@dataclass(frozen=True)
class Results:
    """Everything small; slices are read when they are asked for. Runs are named as in `run_name`."""

    scale: str
    parameters: dict[str, Any]
    study: Study
    dataset: dict[str, Any]
    training: dict[str, dict[str, Any]]
    matching: dict[str, Any]
    roughness: dict[str, Any]

    @property
    def dataset_title(self) -> str:
        return DATASET_TITLES.get(self.dataset["name"], self.dataset["name"])

    @property
    def chance_loss(self) -> float:
        """Cross-entropy of a guess, ln(classes)."""
        return log(len(self.dataset["classes"]))

    def parameter_count(self, network: str) -> int:
        return self.training[run_name(network, self.study.seeds[0])]["parameters"]

    def standard_networks(self) -> dict[tuple[str, int], str]:
        """Declared networks without a suffix by (family, depth): those that published tables speak of."""
        declared = [parse_name(network) for network in self.study.networks]
        return {(a.family, a.depth): a.name for a in declared if a.name == f"{a.family}{a.depth}"}

    def test_errors(self, network: str) -> list[float | None]:
        """Share of misclassified test images after the last epoch, by seed; None where the run diverged."""
        runs = [self.training[run_name(network, seed)] for seed in self.study.seeds]
        return [None if diverged(run) else 1 - run["test_accuracy"] for run in runs]

    def train_losses(self, network: str) -> list[float | None]:
        runs = [self.training[run_name(network, seed)] for seed in self.study.seeds]
        return [None if diverged(run) else run["train_loss"] for run in runs]

    def measure(self, network: str, state: str, name: str) -> list[float | None]:
        """A roughness measure by seed; None where it was not measured or has no counterpart of equal loss."""
        return [self._measure(network, seed, state, name) for seed in self.study.seeds]

    def _measure(self, network: str, seed: int, state: str, name: str) -> float | None:
        if state in AT_EQUAL_LOSS and self.matched(network, seed) is None:
            return None
        return self.roughness[run_name(network, seed)][state].get(name)

    def by_direction(self, network: str, state: str, name: str) -> list[list[float] | None]:
        """A measure of cuts along each direction, by seed; None where that of some direction was not measured."""
        return [self._by_direction(network, seed, state, name) for seed in self.study.seeds]

    def _by_direction(self, network: str, seed: int, state: str, name: str) -> list[float] | None:
        if self._measure(network, seed, state, name) is None:
            return None
        values = self.roughness[run_name(network, seed)][state].get("by_direction", {}).get(name)
        return values if values and all(map(measured, values)) else None

    def matched(self, network: str, seed: int) -> dict[str, Any] | None:
        """`matched_checkpoint` of the run."""
        return matched_checkpoint(self.matching, network, seed)

    def matched_recomputed_loss(self, network: str, seed: int) -> float | None:
        """Training loss of the checkpoint at equal loss with batch-norm statistics recomputed; None without one."""
        found = self.matched(network, seed)
        if found is None or not measured(found["epoch"]):
            return None
        path = self.trajectory(network, seed)
        here = abs(path["epoch"].values - found["epoch"]) < SAME_EPOCH
        return float(path["recomputed_loss"].values[here][0]) if here.any() else None

    def evidence(self, instrument: str, network: str, seed: int) -> dict[str, Any]:
        """`comparable_evidence` of the run."""
        return comparable_evidence(self.matching, instrument, network, seed)

    def surface(self, network: str, seed: int, view: str) -> xarray.Dataset:
        return read_slice(surface_path(network, seed, view))

    def trajectory(self, network: str, seed: int) -> xarray.Dataset:
        return read_slice(trajectory_path(network, seed))


def diverged(run: dict[str, Any]) -> bool:
    return run["diverged_epoch"] is not None


def printed(measure: str) -> tuple[int, int]:
    """Factor and decimals with which a roughness measure is printed."""
    return PRINTED.get(measure, PRINTED_OTHERWISE)


def binomial_error(share: float, count: int) -> float:
    """Standard error of a share observed on `count` cases: sqrt(p (1 - p) / n)."""
    return sqrt(share * (1 - share) / count)


def scale_name(folder: Path) -> str:
    """`smoke` for .../scales/smoke; `paper` for the repository's root."""
    return folder.name if folder.parent.name == "scales" else "paper"


def load_results() -> Results:
    """Read the results of every declared run; FileNotFoundError naming the file and the remedy."""
    study = load_study()
    return Results(
        scale_name(Path.cwd()),
        read_parameters(),
        study,
        read_result(DATASET),
        {run_name(*run): read_result(training_path(*run)) for run in study.runs},
        read_result(MATCHING),
        read_result(ROUGHNESS),
    )
