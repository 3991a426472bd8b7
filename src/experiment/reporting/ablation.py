"""Sentences and the table of the ablation: the shortcut's strength and type, activation, weight decay."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import hypot
from typing import Any

from experiment.dial import (
    RESPONSES,
    ablation_runs,
    counterpart,
    dial,
    others,
    shared_decays,
    strength,
    weight_decays,
)
from experiment.reporting.ablation_dial import TOLD_APART, ablation_dial
from experiment.reporting.ablation_values import COLUMNS, Column, ablation_run, number_of, values_of
from experiment.reporting.comparison import ONE_SEED, Difference, paired_over_seeds
from experiment.reporting.latex import (
    PLUS_MINUS,
    enumeration,
    escape,
    known_of,
    named,
    percentage,
    significant,
    tabular,
    typewriter,
    with_error,
)
from experiment.reporting.results import Results, binomial_error, spread
from experiment.reporting.wording import capital, count_noun

TOLD = ("test_error", "normalised_trace")  # responses by which two networks are told apart
NAMES = {response.key: response.name for response in RESPONSES}
WORDS = {1: "higher", -1: "lower"}
Run = tuple[str, float]  # network and weight decay


def design(results: Results) -> str:
    """Which networks are trained, for how long, with which weight decays and from which seeds."""
    section = results.parameters["ablation"]
    seeds, further = section["seeds"], section["further"]
    also = f", and {named(further['networks'])} with {_decays(further)} too" if further["networks"] else ""
    return (
        f"The networks {named(section['networks'])} are trained by the "
        f"recipe of all networks, without overrides, for {count_noun(section['epochs'], 'epoch')} with {_decays(section)}"
        f"{also}, from {'seed' if len(seeds) == 1 else 'seeds'} {enumeration(list(map(str, seeds)))} each."
    )


def _decays(section: Mapping[str, Any]) -> str:
    return f"weight decay {enumeration([f'{decay:g}' for decay in section['weight_decays']])}"


def ablation_table(results: Results) -> str:
    """A row for each network and weight decay; the dial by ascending B, then the variants."""
    section = results.parameters["ablation"]
    order = dial(section["networks"]) + others(section["networks"])
    runs = ablation_runs(section)
    groups = [
        [
            _row(results, network, decay, number)
            for number, network in enumerate(network for network in order if (network, decay) in runs)
        ]
        for decay in weight_decays(section)
    ]
    columns = _columns(results)
    head = ["Decay", "Network", "$B$", *(column.head for column in columns)]
    return tabular(r"@{}rlr" + "r" * len(columns) + r"@{}", head, groups)


def _columns(results: Results) -> list[Column]:
    """Those of the table: errors of measuring only where no spread over seeds is shown."""
    several = len(results.parameters["ablation"]["seeds"]) > 1
    return [column for column in COLUMNS if not (column.error and several)]


def _row(results: Results, network: str, decay: float, number: int) -> list[str]:
    start = [f"{decay:g}" if number == 0 else "", typewriter(network), f"{strength(network):g}"]
    runs = [ablation_run(network, decay, seed) for seed in results.parameters["ablation"]["seeds"]]
    reasons = sorted({run["reason"] for run in runs if run["reason"]})
    if all(run["train_loss"] is None for run in runs):
        return [*start, rf"\multicolumn{{{len(_columns(results))}}}{{c}}{{{escape('; '.join(reasons))}}}"]
    return [*start, *(_cell([number_of(run, c.key) for run in runs], c) for c in _columns(results))]


def _cell(values: list[float], column: Column) -> str:
    """Mean and, over several seeds, standard deviation; in parentheses how many were measured, where not all."""
    summary = spread(values)
    share = known_of(summary.count, summary.total)
    if column.form is significant and summary.deviation is not None:
        return with_error(summary.mean, summary.deviation) + share
    deviation = PLUS_MINUS + column.form(summary.deviation) if summary.deviation is not None else ""
    return column.form(summary.mean) + deviation + share


def ablation_variants(results: Results) -> str:
    """What sets apart the dial's ends, a variant and the network of the dial with the same B, and the weight decays."""
    section = results.parameters["ablation"]
    networks = dial(section["networks"])
    ends = [(networks[-1], networks[0])] if len(networks) > 1 else []
    variants = [
        (network, counterpart(network, section["networks"])) for network in others(section["networks"])
    ]
    found = [(network, partner) for network, partner in [*ends, *variants] if partner]
    shared = {pair: shared_decays(section, pair) for pair in found}
    texts = [
        f"{typewriter(network)} against {typewriter(partner)}, {_apart(results, network, partner, decays)}"
        for (network, partner), decays in shared.items()
    ]
    compared = len(TOLD) * sum(map(len, shared.values()))
    decays = weight_decays(section)
    if len(decays) > 1:
        low, high = min(decays), max(decays)
        both = [
            network
            for network in networks + others(section["networks"])
            if {low, high} <= set(shared_decays(section, [network]))
        ]
        texts.append(f"weight decay {high:g} against {low:g}, {_apart_by_decay(results, both, low, high)}")
        compared += len(TOLD) * len(both)
    if not texts:
        return "No network has another of the dial beside it, so none is compared."
    return (
        f"In {compared} comparisons, not corrected for their number, these test errors and normalised traces differ "
        f"{_beyond(results)}: {'; '.join(texts)}."
    )


def _beyond(results: Results) -> str:
    if len(results.parameters["ablation"]["seeds"]) > 1:
        return r"beyond a 95\,\% interval over paired seeds"
    return (
        "by more than twice the standard error of the difference, which covers sign vectors and the finite test set and not "
        "the variation between runs"
    )


def _apart(results: Results, network: str, partner: str, decays: Sequence[float]) -> str:
    """`higher test error (weight decay 0) and lower normalised trace (weight decay 0 and 0.0005)`; `none` for none."""
    several = len(weight_decays(results.parameters["ablation"])) > 1
    texts, known = [], False
    for key in TOLD:
        found = {decay: told_apart(results, (network, decay), (partner, decay), key) for decay in decays}
        known = known or any(difference.value is not None for difference in found.values())
        for sign, word in WORDS.items():
            where = [f"{decay:g}" for decay, difference in found.items() if difference.sign == sign]
            alone = f" (weight decay {enumeration(where)})" if several else ""
            texts += [f"{word} {NAMES[key]}{alone}"] if where else []
    return enumeration(texts) if known else "not measured"


def _apart_by_decay(results: Results, networks: Sequence[str], low: float, high: float) -> str:
    """`lower test error (resnet8) and lower normalised trace (plain8 and resnet8)`, at the higher weight decay."""
    texts = []
    for key in TOLD:
        found = {n: told_apart(results, (n, high), (n, low), key) for n in networks}
        for sign, word in WORDS.items():
            where = [network for network, difference in found.items() if difference.sign == sign]
            texts += [f"{word} {NAMES[key]} ({named(where)})"] if where else []
    return enumeration(texts)


def told_apart(results: Results, run: Run, other: Run, key: str) -> Difference:
    """Of a response, run minus other: over seeds; with one seed by twice the standard error of measuring."""
    found = paired_over_seeds(*(values_of(results, *each, key) for each in (run, other)))
    if found.value is None or len(results.parameters["ablation"]["seeds"]) > 1:
        return found
    errors = [_error(results, *each, key) for each in (run, other)]
    return replace(found, half_width=TOLD_APART * hypot(*errors), basis=ONE_SEED)


def _error(results: Results, network: str, decay: float, key: str) -> float:
    """The standard error of a response with one seed: of a test error by the finite test set, of a trace as measured."""
    if key == "test_error":
        (share,) = values_of(results, network, decay, key)
        return 100 * binomial_error(share / 100, results.dataset["test"]["images"])
    (error,) = values_of(results, network, decay, f"{key}_error")
    return error


def ablation_unmeasured(results: Results) -> str:
    """Which runs were not measured, and why; nothing where all were."""
    section = results.parameters["ablation"]
    reasons = {
        (network, decay, seed): reason
        for network, decay in ablation_runs(section)
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
    for (network, decay), seed in product(ablation_runs(section), section["seeds"]):
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
    "ablation_errors": ablation_errors,
    "ablation_unmeasured": ablation_unmeasured,
}
ABLATION_TABLES = {"ablation": ablation_table}
