"""Gradients for the paper: at a run's checkpoints and along their steps; with those of untrained networks and clipping."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

import numpy as np

from experiment.pairs import Pair, pairs
from experiment.reporting.clipping import CLIPPING_SENTENCES, CLIPPING_TABLES
from experiment.reporting.comparison import Difference, paired_over_seeds
from experiment.reporting.initialisation import INITIALISATION_SENTENCES, INITIALISATION_TABLES
from experiment.reporting.latex import enumeration, known_of, measured, significant, tabular, typewriter
from experiment.reporting.results import Results, diverged
from experiment.reporting.sentences import NO_PAIR
from experiment.reporting.wording import basis_note, contrast, paragraph, verdict
from experiment.storage import run_name

Checkpoint = dict[str, Any]
Quantity = Callable[[list[Checkpoint]], float | None]


def checkpoints(results: Results, network: str, seed: int) -> list[Checkpoint]:
    """A run's checkpoints; of one that diverged the initial weights alone: no others are of a whole training."""
    found = results.evidence("gradients", network, seed)["checkpoints"]
    return found[:1] if diverged(results.training[run_name(network, seed)]) else found


def first_norm(run: list[Checkpoint]) -> float | None:
    """At the initial weights."""
    return run[0]["gradient_norm"]


def last_norm(run: list[Checkpoint]) -> float | None:
    """At the final weights; None where the run diverged."""
    return run[-1]["gradient_norm"] if run[1:] else None


def typical_smoothness(run: list[Checkpoint]) -> float | None:
    """Median effective smoothness over the trained checkpoints; None unless all were measured."""
    return _median_after_start([checkpoint["smoothness"] for checkpoint in run])


def typical_change(run: list[Checkpoint]) -> float | None:
    """Median over the trained checkpoints of the gradient's relative change at the largest step."""
    return _median_after_start([checkpoint["gradient_change"][-1] for checkpoint in run])


def mean_change(run: list[Checkpoint]) -> float | None:
    """Mean over all steps and trained checkpoints, by which the claim is judged; None unless all were measured."""
    changes = [change for checkpoint in run[1:] for change in checkpoint["gradient_change"]]
    return fmean(changes) if changes and all(map(measured, changes)) else None


def mean_change_in_time(run: list[Checkpoint]) -> float | None:
    """The mean over all steps, a mean over time by the trapezium rule: checkpoints are dense where training begins."""
    trained = run[1:]
    changes = [change for checkpoint in trained for change in checkpoint["gradient_change"]]
    if len(trained) < 2 or not all(map(measured, changes)):
        return None
    epochs = [checkpoint["epoch"] for checkpoint in trained]
    means = [fmean(checkpoint["gradient_change"]) for checkpoint in trained]
    return float(np.trapezoid(means, epochs)) / (epochs[-1] - epochs[0])


def _median_after_start(values: list[float | None]) -> float | None:
    trained = values[1:]
    return median(trained) if trained and all(map(measured, trained)) else None


QUANTITIES: dict[str, Quantity] = {
    "Norm, initial": first_norm,
    "Norm, final": last_norm,
    "Smoothness (median)": typical_smoothness,
    "Change, largest step (median)": typical_change,
    "Change, all steps (mean)": mean_change,
}


def by_seed(results: Results, network: str, quantity: Quantity) -> list[float | None]:
    return [quantity(checkpoints(results, network, seed)) for seed in results.study.seeds]


def gradient_norms(results: Results) -> str:
    """Gradient norms at the final weights, pair by pair."""
    norm = Words("the gradient's norm at the final weights is", "smaller", "larger")
    intervals = basis_note([_difference(results, pair, last_norm) for pair in pairs(results.study.networks)])
    return paragraph([_pairwise(results, {last_norm: norm}), intervals])


def predictiveness(results: Results) -> str:
    """Effective smoothness and relative change along the step, pair by pair, each with how it is summed up."""
    smoother = ("smoother", "less smooth")
    told = _pairwise(
        results,
        {
            typical_smoothness: Words(
                "the effective smoothness along the step (lower is smoother), median over trained checkpoints, is",
                *smoother,
            ),
            typical_change: Words(
                "the gradient's relative change at the largest step, median over trained checkpoints, is",
                *smoother,
            ),
            mean_change: Words(
                "the mean of that change over all steps and trained checkpoints, which the claim is judged by, is",
                *smoother,
            ),
            mean_change_in_time: Words(
                "the same as a mean over time (trapezium rule, from the first of these checkpoints on), as they are dense where training begins, is",
                *smoother,
            ),
        },
    )
    return paragraph([told, _contradiction(results)])


def _contradiction(results: Results) -> str:
    """Pairs at which median and means of the relative change put different networks ahead."""
    split = []
    for pair in pairs(results.study.networks):
        ways = (typical_change, mean_change, mean_change_in_time)
        changes = list(filter(measured, (_difference(results, pair, way).value for way in ways)))
        if changes and min(changes) < 0 < max(changes):
            split.append(pair.label)
    return (
        f"The ways to sum up the change contradict each other at {enumeration(split)}, so that the judged mean hangs on which "
        "checkpoints were kept."
        if split
        else ""
    )


@dataclass(frozen=True)
class Words:
    """How a quantity is told, and what a lower and a higher value is with shortcuts."""

    what: str
    lower: str
    higher: str


def _pairwise(results: Results, told: dict[Quantity, Words]) -> str:
    found = pairs(results.study.networks)
    lost = list(dict.fromkeys(run for quantity in told for run in _unmeasured(results, quantity)))
    missing = f"Not measured: {enumeration(lost)}." if lost else ""
    if not found:
        alone = [_alone(results, quantity, words.what) for quantity, words in told.items()]
        return paragraph([NO_PAIR, *alone, missing])
    compared = {pair: {q: _difference(results, pair, q) for q in told} for pair in found}
    sentences = [
        _of_pair(pair, {told[quantity]: d for quantity, d in differences.items() if d.value is not None})
        for pair, differences in compared.items()
    ]
    return paragraph([*sentences, missing])


def _of_pair(pair: Pair, differences: dict[Words, Difference]) -> str:
    """`At depth 20 ... is 7.56 against 8.73, residual against plain, a difference of -1.17; ...`."""
    if not differences:
        return f"At {pair.label} nothing can be compared."
    texts = []
    for words, difference in differences.items():
        residual, plain, apart = contrast(difference, _digits(difference.value))
        word = verdict(difference, f"{words.lower} with shortcuts", f"{words.higher} with shortcuts")
        found = f" ({word})" if difference.half_width is not None else ""
        order = ", residual against plain" if not texts else ""
        texts.append(f"{words.what} {residual} against {plain}{order}, a difference of {apart}{found}")
    return f"At {pair.label} {'; '.join(texts)}."


def _difference(results: Results, pair: Pair, quantity: Quantity) -> Difference:
    return paired_over_seeds(
        *(by_seed(results, network, quantity) for network in (pair.residual, pair.plain))
    )


def _digits(value: float) -> int:
    """Decimals that print a difference with two significant figures at least."""
    return next((digits for digits in range(2, 7) if abs(value) >= 10.0 ** (1 - digits)), 7)


def _alone(results: Results, quantity: Quantity, what: str) -> str:
    """Networks without a counterpart, one by one."""
    values = {
        network: [value for value in by_seed(results, network, quantity) if measured(value)]
        for network in results.study.networks
    }
    texts = [
        f"{significant(sum(known) / len(known))} for {typewriter(network)}"
        for network, known in values.items()
        if known
    ]
    return f"By itself, {what} {enumeration(texts)}." if texts else ""


def _unmeasured(results: Results, quantity: Quantity) -> list[str]:
    return [
        typewriter(run_name(network, seed))
        for network, seed in results.study.runs
        if not measured(quantity(checkpoints(results, network, seed)))
    ]


def gradients_table(results: Results) -> str:
    """A row for each network: means over seeds of the norms, the smoothness and the change along the step."""
    rows = [
        [
            typewriter(network),
            *(_cell(by_seed(results, network, quantity)) for quantity in QUANTITIES.values()),
        ]
        for network in results.study.networks
    ]
    return tabular("l" + "r" * len(QUANTITIES), ["Network", *QUANTITIES], [rows])


def _cell(values: list[float | None]) -> str:
    """The mean over seeds with its range, and how many seeds where not all."""
    known = [value for value in values if measured(value)]
    mean = significant(sum(known) / len(known) if known else None)
    span = f" ({significant(min(known))} to {significant(max(known))})" if len(known) > 1 else ""
    return mean + span + known_of(len(known), len(values))


GRADIENTS_SENTENCES = (
    INITIALISATION_SENTENCES
    | {"gradient_norms": gradient_norms, "predictiveness": predictiveness}
    | CLIPPING_SENTENCES
)
GRADIENTS_TABLES = INITIALISATION_TABLES | {"gradients": gradients_table} | CLIPPING_TABLES
