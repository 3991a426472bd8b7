"""The trials' runs beside the study's: a network at one learning rate, and how its cuts differ from the residual network's."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from experiment.layout import surface_path
from experiment.pairs import residual_counterpart
from experiment.reporting.comparison import Difference, measure_difference
from experiment.reporting.latex import measured, typewriter
from experiment.reporting.results import Results, diverged
from experiment.reporting.stored import read_result
from experiment.slices import read_slice
from experiment.storage import run_name
from experiment.trials import trial_name, trial_slice_path, trial_training_path

Values = list[float | None]  # by seed


@dataclass(frozen=True)
class Setting:
    """A network at one learning rate: training summaries, roughness and the number format of its runs' slices, by seed."""

    network: str
    rate: float
    seeds: list[int]
    training: list[dict[str, Any]]
    roughness: list[dict[str, Any]]
    formats: list[str]
    own: bool  # the study's rate

    def outcome(self, make: Callable[[dict[str, Any]], float]) -> Values:
        return [None if diverged(run) else make(run) for run in self.training]

    def measure(self, view: str, name: str) -> Values:
        return [found[view].get(name) for found in self.roughness]

    def by_direction(self, name: str) -> list[list[float] | None]:
        """Of the cuts, by seed; None where that of some direction was not measured."""
        values = [found["cuts"].get("by_direction", {}).get(name) for found in self.roughness]
        return [along if along and all(map(measured, along)) else None for along in values]

    def at(self, seeds: list[int]) -> "Setting":
        """The runs of these seeds alone."""
        chosen = [self.seeds.index(seed) for seed in seeds]
        parts = ([values[i] for i in chosen] for values in (self.training, self.roughness, self.formats))
        return Setting(self.network, self.rate, seeds, *parts, self.own)

    @property
    def label(self) -> str:
        return f"{typewriter(self.network)} at {self.rate:g}"


def trial_runs(results: Results) -> list[tuple[str, float, int]]:
    """Network, learning rate and seed of every trial."""
    declared = results.parameters["trials"]
    return list(product(*(declared[key] for key in ("networks", "learning_rates", "seeds"))))


def settings(results: Results, network: str) -> list[Setting]:
    """The network as the study trains it, where it does, then at the rates of the trials."""
    declared = results.parameters["trials"]
    trials = [_trial(results, network, rate, declared["seeds"]) for rate in declared["learning_rates"]]
    return [*([_own(results, network)] if network in results.study.networks else []), *trials]


def counterpart(results: Results, network: str) -> Setting | None:
    """The residual network that differs from `network` by the shortcut, as the study trains it; None without one."""
    name = residual_counterpart(results.study.networks, network)
    return _own(results, name) if name else None


def _own(results: Results, network: str) -> Setting:
    section = results.parameters["train"]
    rate = (section["recipe"] | section["overrides"].get(network, {}))["learning_rate"]
    tried = results.parameters["trials"][
        "seeds"
    ]  # alone, where the study has them, so that like stands beside like
    seeds = [seed for seed in results.study.seeds if seed in tried] or list(results.study.seeds)
    names = [run_name(network, seed) for seed in seeds]
    return Setting(
        network,
        rate,
        seeds,
        [results.training[name] for name in names],
        [results.roughness[name] for name in names],
        [_format(surface_path(network, seed, "final")) for seed in seeds],
        own=True,
    )


def _trial(results: Results, network: str, rate: float, seeds: list[int]) -> Setting:
    return Setting(
        network,
        rate,
        list(seeds),
        [read_result(trial_training_path(network, rate, seed)) for seed in seeds],
        [results.roughness[trial_name(network, rate, seed)] for seed in seeds],
        [_format(trial_slice_path(network, rate, seed, "final")) for seed in seeds],
        own=False,
    )


def _format(path: Path) -> str:
    """The number format in which a slice was measured."""
    return str(read_slice(path).attrs["precision"])


def difference(residual: Setting, plain: Setting, measure: str) -> Difference:
    """Of a measure of the cuts, residual minus plain, over the seeds that both have, with one seed over the directions, which both share."""
    seeds = [seed for seed in residual.seeds if seed in plain.seeds]
    both = [setting.at(seeds) for setting in (residual, plain)]
    return measure_difference(
        [setting.measure("cuts", measure) for setting in both],
        [setting.by_direction(measure) for setting in both],
        measure,
    )
