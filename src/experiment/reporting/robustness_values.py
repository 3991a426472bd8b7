"""The disturbances of robustness as the paper names them, accuracies by run, and the strengths at which networks guess."""

from dataclasses import dataclass
from statistics import fmean
from typing import Any

from scipy.stats import norm

from experiment.pairs import Pair
from experiment.reporting.comparison import CONFIDENCE
from experiment.reporting.results import Results, binomial_error

WEIGHTS = "weights"
Z = float(norm.ppf((1 + CONFIDENCE) / 2))  # standard errors in half an interval


@dataclass(frozen=True)
class Kind:
    """A disturbance: its key in the results and in params.yaml, its names, and whether lower strengths
    disturb more.
    """

    key: str
    parameter: str
    name: str
    head: str
    falling: bool = False


KINDS = (
    Kind("noise", "noise", "noise of standard deviation", "Noise"),
    Kind("blur", "blur", "blur of standard deviation", "Blur"),
    Kind("contrast", "contrast", "contrast times", "Contrast", falling=True),
    Kind("brightness", "brightness", "brightness plus", "Brightness"),
)
MOVED = Kind(WEIGHTS, "weight_noise", "a distance of", "Weights")


def strengths(results: Results, kind: Kind) -> list[float]:
    """The declared strengths, from the one that disturbs most."""
    return sorted(results.parameters["robustness"][kind.parameter], reverse=not kind.falling)


def runs_of(results: Results, network: str) -> list[dict[str, Any]]:
    """The network's results by seed."""
    return [results.evidence("robustness", network, seed) for seed in results.study.seeds]


def accuracies(run: dict[str, Any], kind: Kind, strength: float) -> list[float] | None:
    """A run's accuracy, for the weights along each direction; None where (or along a direction) it was not
    measured.
    """
    if run["reason"] is not None:
        return None
    entry = run["weights"] if kind.key == WEIGHTS else run["images"][kind.key]
    value = entry[str(strength)]
    values = value if isinstance(value, list) else [value]
    return None if any(accuracy is None for accuracy in values) else values


def compared_strengths(results: Results, pair: Pair, kind: Kind) -> list[float]:
    """Those at which no run of either network that was measured guesses, from the one that disturbs most.

    A network that guesses has nothing left to lose, so that losses of accuracy say nothing of what it withstands.
    """
    runs = [run for network in (pair.residual, pair.plain) for run in runs_of(results, network)]
    return [s for s in strengths(results, kind) if not any(guesses(run, kind, s) for run in runs)]


def guesses(run: dict[str, Any], kind: Kind, strength: float) -> bool:
    """Whether a run's accuracy, for weights the mean over directions, is above chance by no more than half its interval."""
    found = accuracies(run, kind, strength)
    chance = 1 / run["classes"]
    return found is not None and fmean(found) - chance <= Z * binomial_error(chance, run["samples"])
