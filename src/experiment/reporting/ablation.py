"""Sentences and the table of the ablation: the shortcut's strength and type, activation, weight decay."""

from itertools import product
from math import isfinite
from statistics import fmean

from experiment.dial import RESPONSES, Response, counterpart, dial, others, strength
from experiment.reporting.ablation_dial import ablation_dial
from experiment.reporting.ablation_values import COLUMNS, Column, ablation_run, number_of, values_of
from experiment.reporting.latex import enumeration, escape, percentage, tabular, typewriter
from experiment.reporting.results import Results, spread
from experiment.reporting.wording import capital, count_noun, paragraph


def design(results: Results) -> str:
    """Which networks are trained, for how long, with which weight decays and from which seeds."""
    section = results.parameters["ablation"]
    decays, seeds = ([f"{value:g}" for value in section[key]] for key in ("weight_decays", "seeds"))
    return (
        f"The networks {enumeration([typewriter(network) for network in section['networks']])} are trained by the "
        f"recipe of all networks, without overrides, for {count_noun(section['epochs'], 'epoch')} with weight decay "
        f"{enumeration(decays)}, from {'seed' if len(seeds) == 1 else 'seeds'} {enumeration(seeds)} each."
    )


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
    return [*start, *(_cell([number_of(run, column.key) for run in runs], column) for column in COLUMNS)]


def _cell(values: list[float], column: Column) -> str:
    """Mean and, over several seeds, standard deviation; in parentheses how many were measured, where not all.

    Of errors the largest.
    """
    summary = spread(values)
    if column.error:
        return column.form(max(filter(isfinite, values), default=None))
    deviation = rf"\,\textpm\,{column.form(summary.deviation)}" if summary.deviation is not None else ""
    share = rf"\,({summary.count}/{summary.total})" if 0 < summary.count < summary.total else ""
    return column.form(summary.mean) + deviation + share


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
    """Which runs were not measured, and why; nothing where all were."""
    section = results.parameters["ablation"]
    reasons = {
        (network, decay, seed): reason
        for network in section["networks"]
        for decay in section["weight_decays"]
        for seed in section["seeds"]
        if (reason := ablation_run(network, decay, seed)["reason"])
    }
    if not reasons:
        return ""
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
    "ablation_design": design,
    "ablation_dial": ablation_dial,
    "ablation_variants": ablation_variants,
    "ablation_decay": ablation_decay,
    "ablation_errors": ablation_errors,
    "ablation_unmeasured": ablation_unmeasured,
}
ABLATION_TABLES = {"ablation": ablation_table}
