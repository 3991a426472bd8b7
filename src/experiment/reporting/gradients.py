"""Gradients for the paper: at a run's checkpoints and along their steps; with those of untrained networks and clipping."""

from collections.abc import Callable
from statistics import median
from typing import Any

from experiment.reporting.clipping import CLIPPING_SENTENCES, CLIPPING_TABLES
from experiment.reporting.comparison import Pair, paired_over_seeds, pairs
from experiment.reporting.initialisation import INITIALISATION_SENTENCES, INITIALISATION_TABLES
from experiment.reporting.latex import enumeration, measured, significant, tabular, typewriter
from experiment.reporting.results import Results
from experiment.reporting.sentences import NO_PAIR
from experiment.reporting.wording import basis_note, interval, paragraph, verdict
from experiment.storage import run_name

Checkpoint = dict[str, Any]


def checkpoints(results: Results, network: str, seed: int) -> list[Checkpoint]:
    return results.evidence("gradients", network, seed)["checkpoints"]


def first_norm(run: list[Checkpoint]) -> float | None:
    """At the initial weights."""
    return run[0]["gradient_norm"]


def last_norm(run: list[Checkpoint]) -> float | None:
    """At the final weights; None where the run diverged."""
    return run[-1]["gradient_norm"]


def typical_smoothness(run: list[Checkpoint]) -> float | None:
    """Median effective smoothness over the trained checkpoints; None unless all were measured."""
    return _median_after_start([checkpoint["smoothness"] for checkpoint in run])


def typical_change(run: list[Checkpoint]) -> float | None:
    """Median over the trained checkpoints of the gradient's relative change at the largest step."""
    return _median_after_start([checkpoint["gradient_change"][-1] for checkpoint in run])


def _median_after_start(values: list[float | None]) -> float | None:
    trained = values[1:]
    return median(trained) if trained and all(map(measured, trained)) else None


QUANTITIES: dict[str, Callable[[list[Checkpoint]], float | None]] = {
    "Norm, initial": first_norm,
    "Norm, final": last_norm,
    "Smoothness": typical_smoothness,
    "Change, largest step": typical_change,
}


def by_seed(
    results: Results, network: str, quantity: Callable[[list[Checkpoint]], float | None]
) -> list[float | None]:
    return [quantity(checkpoints(results, network, seed)) for seed in results.study.seeds]


def gradient_norms(results: Results) -> str:
    """Gradient norms at the final weights, pair by pair."""
    return _pairwise(results, last_norm, "the gradient's norm at the final weights is", "smaller", "larger")


def predictiveness(results: Results) -> str:
    """Effective smoothness along the step, pair by pair."""
    what = "the effective smoothness along the step, median over trained checkpoints, is"
    return _pairwise(results, typical_smoothness, what, "smoother", "less smooth")


def _pairwise(
    results: Results, quantity: Callable[[list[Checkpoint]], float | None], what: str, lower: str, higher: str
) -> str:
    found = pairs(results.study.networks)
    lost = _unmeasured(results, quantity)
    missing = f"Not measured: {enumeration(lost)}." if lost else ""
    if not found:
        return paragraph([NO_PAIR, _alone(results, quantity, what), missing])
    differences = [_difference(results, pair, quantity) for pair in found]
    clauses = []
    for pair, difference in zip(found, differences, strict=True):
        if difference.value is None:
            clauses.append(f"At {pair.label} nothing can be compared.")
            continue
        word = verdict(difference, f"{lower} with shortcuts", f"{higher} with shortcuts")
        values = " against ".join(significant(value) for value in (difference.residual, difference.plain))
        text = interval(difference, _digits(difference.value))
        clauses.append(
            f"At {pair.label} {what} {values}, residual against plain, a difference of {text} ({word})."
        )
    return paragraph([*clauses, basis_note(differences), missing])


def _difference(results: Results, pair: Pair, quantity: Callable[[list[Checkpoint]], float | None]):
    return paired_over_seeds(
        *(by_seed(results, network, quantity) for network in (pair.residual, pair.plain))
    )


def _digits(value: float) -> int:
    """Decimals that print a difference with two significant figures at least."""
    return next((digits for digits in range(2, 7) if abs(value) >= 10.0 ** (1 - digits)), 7)


def _alone(results: Results, quantity: Callable[[list[Checkpoint]], float | None], what: str) -> str:
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


def _unmeasured(results: Results, quantity: Callable[[list[Checkpoint]], float | None]) -> list[str]:
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
    return tabular("lrrrr", ["Network", *QUANTITIES], [rows])


def _cell(values: list[float | None]) -> str:
    """The mean over seeds with its range, and how many seeds where not all."""
    known = [value for value in values if measured(value)]
    mean = significant(sum(known) / len(known) if known else None)
    span = f" ({significant(min(known))} to {significant(max(known))})" if len(known) > 1 else ""
    return mean + span + (rf"\,({len(known)}/{len(values)})" if 0 < len(known) < len(values) else "")


GRADIENTS_SENTENCES = (
    INITIALISATION_SENTENCES
    | {"gradient_norms": gradient_norms, "predictiveness": predictiveness}
    | CLIPPING_SENTENCES
)
GRADIENTS_TABLES = INITIALISATION_TABLES | {"gradients": gradients_table} | CLIPPING_TABLES
