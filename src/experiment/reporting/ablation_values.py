"""The ablation's runs read back, its numbers by seed, and how they print."""

from collections.abc import Callable
from dataclasses import dataclass
from math import nan
from typing import Any

from experiment.dial import numbers
from experiment.evidence import ablation_path
from experiment.reporting.latex import fixed, significant
from experiment.reporting.results import Results
from experiment.reporting.stored import read_result


@dataclass(frozen=True)
class Column:
    """A column of the table, and how its values print."""

    key: str
    head: str
    form: Callable[[float | None], str]
    error: bool = False  # of measuring, shown of a single seed


def two_figures(value: float | None) -> str:
    return significant(value, 2)


COLUMNS = (
    Column("train_loss", "Loss", lambda value: fixed(value, 3)),
    Column("test_error", r"Error (\%)", lambda value: fixed(value, 2)),
    Column("largest_eigenvalue", r"$\lambda_{\max}$", significant),
    Column("trace", "Trace", significant),
    Column("trace_error", "Std. error", two_figures, error=True),
    Column("normalised_largest_eigenvalue", r"$\lambda_{\max}$, norm.", significant),
    Column("normalised_trace", "Trace, norm.", significant),
    Column("normalised_trace_error", "Std. error", two_figures, error=True),
    Column("edge_rise", "Rim rise", lambda value: fixed(value, 2)),
    Column("excess_variation", "Excess var.", lambda value: fixed(value, 2)),
)


def ablation_run(network: str, weight_decay: float, seed: int) -> dict[str, Any]:
    """What the ablation left of one run; FileNotFoundError with the remedy."""
    return read_result(ablation_path(network, weight_decay, seed))


def values_of(results: Results, network: str, weight_decay: float, key: str) -> list[float]:
    """A number of `number_of` by seed, NaN where not measured."""
    seeds = results.parameters["ablation"]["seeds"]
    return [number_of(ablation_run(network, weight_decay, seed), key) for seed in seeds]


def number_of(run: dict[str, Any], key: str) -> float:
    """A number of `experiment.dial.numbers`, or one that stands in the run's file as it is; NaN where not measured."""
    known = numbers(run)
    if key in known:
        return known[key]
    value = run.get(key)
    return nan if value is None else float(value)
