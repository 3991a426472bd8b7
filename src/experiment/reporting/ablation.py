"""Sentences and the table of the ablation: the shortcut's strength and type, activation, weight decay."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import isfinite, nan
from statistics import fmean
from typing import Any

from scipy.stats import kendalltau

from experiment.dial import RESPONSES, Response, counterpart, dial, numbers, others, strength
from experiment.evidence import ablation_path
from experiment.reporting.latex import (
    enumeration,
    escape,
    fixed,
    percentage,
    significant,
    tabular,
    typewriter,
)
from experiment.reporting.results import Results, spread
from experiment.reporting.wording import capital, count_noun, paragraph
from experiment.storage import read_json

FEWEST_POINTS = 3  # of a rank correlation


@dataclass(frozen=True)
class Column:
    """A column of the table, and how its values print."""

    key: str
    head: str
    form: Callable[[float], str]


COLUMNS = (
    Column("train_loss", "Loss", lambda value: fixed(value, 3)),
    Column("test_error", r"Error (\%)", lambda value: fixed(value, 2)),
    Column("largest_eigenvalue", r"$\lambda_{\max}$", significant),
    Column("trace", "Trace", significant),
    Column("normalised_largest_eigenvalue", r"$\lambda_{\max}$, norm.", significant),
    Column("normalised_trace", "Trace, norm.", significant),
    Column("edge_rise", "Rim rise", lambda value: fixed(value, 2)),
    Column("excess_variation", "Excess var.", lambda value: fixed(value, 2)),
)


def ablation_run(network: str, weight_decay: float, seed: int) -> dict[str, Any]:
    """What the ablation left of one run; FileNotFoundError with the remedy."""
    path = ablation_path(network, weight_decay, seed)
    try:
        return read_json(path)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path} not found: it is made by an earlier stage; run `dvc repro`"
        ) from None


def values_of(results: Results, network: str, weight_decay: float, key: str) -> list[float]:
    """A number of `experiment.dial.numbers` by seed, NaN where not measured."""
    seeds = results.parameters["ablation"]["seeds"]
    return [numbers(ablation_run(network, weight_decay, seed))[key] for seed in seeds]


def ablation_table(results: Results) -> str:
    """A row for each network and weight decay; the dial by ascending B, then the variants."""
    section = results.parameters["ablation"]
    order = dial(section["networks"]) + others(section["networks"])
    groups = [
        [_row(results, network, decay, number) for number, network in enumerate(order)]
        for decay in section["weight_decays"]
    ]
    head = ["Decay", "Network", "$B$", *(column.head for column in COLUMNS)]
    return tabular(r"@{}rlr" + "r" * len(COLUMNS) + r"@{}", head, groups)


def _row(results: Results, network: str, decay: float, number: int) -> list[str]:
    start = [f"{decay:g}" if number == 0 else "", typewriter(network), f"{strength(network):g}"]
    runs = [ablation_run(network, decay, seed) for seed in results.parameters["ablation"]["seeds"]]
    reasons = sorted({run["reason"] for run in runs if run["reason"]})
    if all(run["train_loss"] is None for run in runs):
        return [*start, rf"\multicolumn{{{len(COLUMNS)}}}{{c}}{{{escape('; '.join(reasons))}}}"]
    return [*start, *(_cell([numbers(run)[column.key] for run in runs], column) for column in COLUMNS)]


def _cell(values: list[float], column: Column) -> str:
    """Mean and, over several seeds, standard deviation; in parentheses how many were measured, where not all."""
    summary = spread(values)
    deviation = rf"\,\textpm\,{column.form(summary.deviation)}" if summary.deviation is not None else ""
    share = rf"\,({summary.count}/{summary.total})" if 0 < summary.count < summary.total else ""
    return column.form(summary.mean) + deviation + share


def ablation_dial(results: Results) -> str:
    """Kendall's rank correlation of B with each number over the dial's runs, for each weight decay."""
    section = results.parameters["ablation"]
    networks = dial(section["networks"])
    strengths = sorted({strength(network) for network in networks})
    if len(strengths) < FEWEST_POINTS:
        return "Fewer than three strengths of the shortcut are declared, so no rank correlation is stated."
    return paragraph(
        [_correlations(results, networks, decay) for decay in section["weight_decays"]]
        + [f"The strengths are {enumeration([f'{b:g}' for b in strengths])}."]
    )


def _correlations(results: Results, networks: list[str], decay: float) -> str:
    found = {
        response: rank_correlation(
            [
                (strength(network), value)
                for network in networks
                for value in values_of(results, network, decay, response.key)
            ]
        )
        for response in RESPONSES
    }
    counts = sorted({count for _, count in found.values()})
    if counts == [0]:
        return f"With weight decay {decay:g} no run of the dial was measured."
    clauses = [_correlation_clause(response, *found[response], counts) for response in RESPONSES]
    points = "" if len(counts) > 1 else f" over {count_noun(counts[0], 'run')}"
    return (
        f"With weight decay {decay:g} Kendall's rank correlation of $B${points} is "
        f"{enumeration([clause for clause in clauses if clause])}."
    )


def _correlation_clause(response: Response, value: float, count: int, counts: list[int]) -> str:
    own = f" ({count_noun(count, 'run')})" if len(counts) > 1 else ""
    text = fixed(value, 2) if isfinite(value) else "not defined"
    return f"{text} with the {response.name}{own}"


def rank_correlation(points: list[tuple[float, float]]) -> tuple[float, int]:
    """Kendall's tau-b over the points that were measured, and their number; NaN for few or for a constant."""
    known = [(x, y) for x, y in points if isfinite(y)]
    x, y = ([point[axis] for point in known] for axis in (0, 1))
    if len(known) < FEWEST_POINTS or len(set(x)) < 2 or len(set(y)) < 2:
        return nan, len(known)
    return float(kendalltau(x, y).statistic), len(known)


def ablation_variants(results: Results) -> str:
    """Every variant beside the network of the dial with the same B."""
    section = results.parameters["ablation"]
    pairs = [(network, counterpart(network, section["networks"])) for network in others(section["networks"])]
    if not any(partner for _, partner in pairs):
        return "No variant has a network of the dial beside it, so none is compared."
    return paragraph(
        [
            _comparison(results, network, partner, decay)
            for network, partner in pairs
            if partner
            for decay in section["weight_decays"]
        ]
    )


def _comparison(results: Results, network: str, partner: str, decay: float) -> str:
    names = f"{typewriter(network)} against {typewriter(partner)} with weight decay {decay:g}"
    return f"{names}: {_clauses(results, network, partner, decay)}."


def ablation_decay(results: Results) -> str:
    """Residual against plain, the ends of the dial, for each weight decay: whether their difference stays."""
    section = results.parameters["ablation"]
    networks = dial(section["networks"])
    if len(networks) < 2:
        return "The dial has a single network, so its ends are not compared."
    plain, residual = networks[0], networks[-1]
    clauses = [
        f"with weight decay {decay:g} {_clauses(results, residual, plain, decay)}"
        for decay in section["weight_decays"]
    ]
    return (
        f"Between the ends of the dial, {typewriter(residual)} against {typewriter(plain)}: "
        f"{'; '.join(clauses)}."
    )


def _clauses(results: Results, first: str, second: str, decay: float) -> str:
    """`test error 3.20 against 4.10 %, ...`, or that nothing was measured of both."""
    shown = [r for r in RESPONSES if r.key in ("test_error", "normalised_trace", "excess_variation")]
    texts = {r.name: _against(results, r, (first, decay), (second, decay)) for r in shown}
    return ", ".join(f"{name} {both}" for name, both in texts.items() if both) or "not measured"


def _against(
    results: Results, response: Response, first: tuple[str, float], second: tuple[str, float]
) -> str:
    """`3.20 against 4.10 %`, means over the seeds that have both; empty where none has."""
    columns = zip(*(values_of(results, *run, response.key) for run in (first, second)), strict=True)
    both = [pair for pair in columns if all(map(isfinite, pair))]
    if not both:
        return ""
    form = next(column.form for column in COLUMNS if column.key == response.key)
    unit = rf"\,{escape(response.unit)}" if response.unit else ""
    return " against ".join(form(fmean(side)) for side in zip(*both, strict=True)) + unit


def ablation_unmeasured(results: Results) -> str:
    """Which runs were not measured, and why."""
    section = results.parameters["ablation"]
    reasons = {
        (network, decay, seed): reason
        for network in section["networks"]
        for decay in section["weight_decays"]
        for seed in section["seeds"]
        if (reason := ablation_run(network, decay, seed)["reason"])
    }
    if not reasons:
        return "Every run was measured."
    parts = [
        f"{typewriter(network)} with weight decay {decay:g}, seed {seed} ({escape(reason)})"
        for (network, decay, seed), reason in reasons.items()
    ]
    return capital(f"not or not wholly measured: {enumeration(parts)}.")


def ablation_errors(results: Results) -> str:
    """How well eigenvalues and traces are known: the largest residual and standard error, each over its value."""
    section = results.parameters["ablation"]
    found: dict[str, list[float]] = {"largest_residual": [], "trace_error": []}
    for network, decay, seed in product(*(section[key] for key in ("networks", "weight_decays", "seeds"))):
        run = ablation_run(network, decay, seed)
        for prefix, (error, known) in product(("", "normalised_"), zip(found, found.values(), strict=True)):
            value = run[f"{prefix}{'trace' if error == 'trace_error' else 'largest_eigenvalue'}"]
            known += [run[f"{prefix}{error}"] / abs(value)] if value else []
    if not found["trace_error"]:
        return "No curvature was measured."
    residual, error = (percentage(max(known)) for known in found.values())
    return (
        f"The largest residual of a largest eigenvalue is {residual}\\,\\% of it, and the largest standard error of a "
        f"trace {error}\\,\\% of it."
    )


ABLATION_SENTENCES = {
    "ablation_dial": ablation_dial,
    "ablation_variants": ablation_variants,
    "ablation_decay": ablation_decay,
    "ablation_errors": ablation_errors,
    "ablation_unmeasured": ablation_unmeasured,
}
ABLATION_TABLES = {"ablation": ablation_table}
