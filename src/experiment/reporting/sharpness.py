"""Sharpness in the paper: a table of the measures, a table of what rescaling does to them, and sentences by
pair.
"""

from collections.abc import Callable
from math import floor, log10
from statistics import fmean, stdev
from typing import Any

from experiment.pairs import Pair, pairs
from experiment.reporting.comparison import Difference
from experiment.reporting.landscape_tables import network_groups
from experiment.reporting.latex import (
    enumeration,
    error_decimals,
    escape,
    fixed,
    known_of,
    measured,
    percentage,
    significant,
    tabular,
    thousands,
    typewriter,
    with_error,
)
from experiment.reporting.results import Results, spread
from experiment.reporting.sentences import NO_PAIR
from experiment.reporting.sharpness_states import STATES
from experiment.reporting.sharpness_values import (
    JUDGED,
    MEASURES,
    PLACES,
    RAW,
    Measure,
    bounded,
    difference,
    directions,
    falling,
    numbers,
    runs_of,
)
from experiment.reporting.sides import Side, clauses
from experiment.reporting.tables import spread_cell
from experiment.reporting.wording import basis_note, capital, contrast, paragraph
from experiment.storage import run_name


def sharpness_sentence(results: Results) -> str:
    """Measures that rescaling leaves alone, pair by pair, in both comparisons."""
    found = pairs(results.study.networks)
    if not found:
        return NO_PAIR
    texts = [_comparison(results, pair, state) for pair in found for state in STATES]
    every = [difference(results, pair, state, m.key) for pair in found for state in STATES for m in JUDGED]
    return paragraph([*texts, basis_note(every), *_falls(results)])


def _falls(results: Results) -> list[str]:
    """A sentence for each state on networks whose loss falls along directions of the average rise: these are no minima."""
    found = {
        state: [
            f"{typewriter(network)} ({text})"
            for network in results.study.networks
            if (text := falling(results, network, state))
        ]
        for state in STATES
    }
    return [
        f"{capital(PLACES[state])} the loss falls along some of these directions for {enumeration(networks)}: there a small "
        "average tells of descent as much as of flatness."
        for state, networks in found.items()
        if networks
    ]


def _comparison(results: Results, pair: Pair, state: str) -> str:
    sides = sharpness_sides(results, pair, state)
    if not sides:
        return (
            f"At {pair.label} no comparison of sharpness {PLACES[state]} is possible, as a network was not "
            "measured."
        )
    text = clauses(sides, "the {family} network is the sharper {items}", "no difference is resolved {items}")
    return f"At {pair.label}, {PLACES[state]}, residual against plain: {text}."


def sharpness_sides(results: Results, pair: Pair, state: str) -> list[Side]:
    """Which network is the sharper by each measure that was taken of both, with the values where one is."""
    sides = []
    for measure in JUDGED:
        found = difference(results, pair, state, measure.key)
        if found.value is None:
            continue
        family = measure.family(found)
        shown = f" ({_values(results, pair, state, measure, found)})" if family else ""
        sides.append(Side(measure.case + shown, family, _caution(measure, found)))
    return sides


def _caution(measure: Measure, found: Difference) -> str:
    """Of one seed, that it is one run's, and what the interval covers."""
    if not found.single:
        return ""
    searched = "by lower bounds " if measure.searched else ""
    covered = f"{searched}without an interval" if found.half_width is None else "over directions"
    return f"in this run, {covered}, "


def _values(results: Results, pair: Pair, state: str, measure: Measure, found: Difference) -> str:
    """`0.00 against 0.16 nats, a difference of -0.16 +- 0.13`; without an interval the values alone."""
    bounds = [
        "at least " if bounded(results, network, state, measure.key) else ""
        for network in (pair.residual, pair.plain)
    ]
    if not found.half_width:
        both = [significant(value, 3) for value in (found.residual, found.plain)]
        return " against ".join(map(str.__add__, bounds, both)) + measure.unit
    *both, apart = contrast(found, _decimals(found))
    return f"{' against '.join(map(str.__add__, bounds, both))}{measure.unit}, a difference of {apart}"


def _decimals(found: Difference) -> int:
    """Those of the interval, or as many as show both sides with two figures and whether 0 is excluded, two more at most."""
    least = error_decimals(found.half_width)
    smaller = min(abs(found.residual), abs(found.plain))
    digits = min(max(least, 1 - floor(log10(smaller))), least + 2) if smaller else least
    while digits < least + 2 and fixed(abs(found.value), digits) == fixed(found.half_width, digits):
        digits += 1
    return digits


def losses_sentence(results: Results) -> str:
    """The losses at equal training loss on the images of these measures, which are fewer than those they were matched on."""
    by_seed = {pair: _losses_of_both(results, pair) for pair in pairs(results.study.networks)}
    known = {pair: losses for pair, losses in by_seed.items() if losses}
    if not known:
        return ""
    counts = {run["samples"] for network in results.study.networks for run in runs_of(results, network)}
    texts = [
        f"{' against '.join(fixed(fmean(side), 3) for side in zip(*losses, strict=True))} nats at {pair.label}"
        for pair, losses in known.items()
    ]
    seeds = "; from one and the same seed they are" if len(results.study.seeds) > 1 else ","
    apart = percentage(max(abs(a - b) / max(a, b) for losses in known.values() for a, b in losses))
    matched = min(results.parameters["trajectory"]["samples"], results.dataset["train"]["images"])
    return (
        f"Checkpoints of equal training loss were matched on {thousands(matched)} "
        f"images: on the {enumeration(list(map(thousands, sorted(counts))), 'or')} that are measured here, the same for all networks, their "
        f"losses are, residual against plain, {enumeration(texts)}{seeds} up to {apart}\\,\\% apart."
    )


def _losses_of_both(results: Results, pair: Pair) -> list[tuple[float, float]]:
    """At equal training loss, residual and plain, of every seed that has both."""
    sides = (numbers(results, network, "matched", "loss") for network in (pair.residual, pair.plain))
    return [losses for losses in zip(*sides, strict=True) if all(map(measured, losses))]


def rescaling_sentence(results: Results) -> str:
    """How far each measure moves when filters are multiplied and the function stays."""
    entries = [run["rescaling"] for network in results.study.networks for run in runs_of(results, network)]
    known = [entry for entry in entries if entry["reason"] is None]
    if not known:
        return "No network could be rescaled."
    change = max(abs(entry["loss_difference"]) for entry in known)
    return paragraph(
        [
            (
                f"Multiplying every filter before a batch norm by {known[0]['factor']:g} changes the loss by at "
                f"most {significant(change, 2)} nats."
            ),
            (
                f"Relative to the original's, the raw measures become {_ranges(known, RAW)}, and the normalised "
                f"ones {_ranges(known, JUDGED)}."
            ),
        ]
    )


def _ranges(entries: list[dict[str, Any]], measures: tuple[Measure, ...]) -> str:
    """`0.4 to 0.5 (box)` for each measure."""
    return enumeration([f"{_range([e['ratios'][m.key] for e in entries])} ({m.name})" for m in measures])


def _range(values: list[float | None]) -> str:
    known = [value for value in values if measured(value)]
    if not known:
        return "unknown"
    low, high = significant(min(known), 3), significant(max(known), 3)
    return low if low == high else f"{low} to {high}"


def unmeasured_sentence(results: Results) -> str:
    """Runs, states and rescalings without values, with their reasons; nothing where all have theirs."""
    lost: dict[str, list[str]] = {}
    for network, seed in results.study.runs:
        run = results.evidence("sharpness", network, seed)
        places = {STATES[state]: entry["reason"] for state, entry in run["states"].items()}
        for place, reason in (places | {"rescaled": run["rescaling"]["reason"]}).items():
            if reason is not None:
                lost.setdefault(f"{typewriter(run_name(network, seed))}: {escape(reason)}", []).append(place)
        for state, entry in run["states"].items():
            for key, reason in entry.get("unmeasured", {}).items():
                name = next(m.name for m in MEASURES if m.key == key)
                lost.setdefault(f"{typewriter(run_name(network, seed))}: {escape(reason)}", []).append(
                    f"{name} {PLACES[state]}"
                )
    if not lost:
        return ""
    parts = [f"{what} ({', '.join(places)})" for what, places in lost.items()]
    return f"Not measured: {'; '.join(parts)}."


def sharpness_table(results: Results) -> str:
    """Loss and every measure of every network, about the final weights and at equal training loss."""
    groups = [
        [
            [
                title if index == 0 else "",
                typewriter(network),
                _loss_cell(results, network, state),
                *(_cell(results, network, state, m) for m in MEASURES),
            ]
            for index, network in enumerate(members)
        ]
        for members in network_groups(results)
        for state, title in STATES.items()
    ]
    head = ["About", "Network", "Loss", *(measure.head for measure in MEASURES)]
    return tabular("llr" + "r" * len(MEASURES), head, groups)


def _loss_cell(results: Results, network: str, state: str) -> str:
    """Of the weights as they are, on the images of the measures."""
    return spread_cell(numbers(results, network, state, "loss"), 3)


def _cell(results: Results, network: str, state: str, measure: Measure) -> str:
    """Mean and deviation over seeds, with one seed over directions where there are any."""
    summary = spread(numbers(results, network, state, measure.key))
    deviation = summary.deviation
    if summary.count == summary.total == 1:
        along = directions(results, network, state, measure.key)[0]
        deviation = stdev(along) if along and len(along) > 1 else None
    bound = r"\ensuremath{\ge}\," if bounded(results, network, state, measure.key) else ""
    share = known_of(summary.count, summary.total)
    return bound + with_error(summary.mean, deviation) + share


def rescaling_table(results: Results) -> str:
    """Each measure of the rescaled network relative to the original's, and the difference of their losses."""
    rows = [_rescaling_row(results, network) for network in results.study.networks]
    head = ["Network", "Loss difference", *(measure.head.removesuffix(r" (\%)") for measure in MEASURES)]
    return tabular("lr" + "r" * len(MEASURES), head, [rows])


def _rescaling_row(results: Results, network: str) -> list[str]:
    entries = [run["rescaling"] for run in runs_of(results, network)]
    known = [entry for entry in entries if entry["reason"] is None]
    if not known:
        reasons = enumeration(sorted({escape(entry["reason"]) for entry in entries}), "or")
        return [typewriter(network), rf"\multicolumn{{{len(MEASURES) + 1}}}{{c}}{{{reasons}}}"]
    change = max((abs(entry["loss_difference"]) for entry in known), default=None)
    ratios = [[entry["ratios"][m.key] for entry in known] for m in MEASURES]
    return [typewriter(network), significant(change, 2), *(significant(spread(r).mean, 3) for r in ratios)]


SHARPNESS_SENTENCES: dict[str, Callable[[Results], str]] = {
    "sharpness": sharpness_sentence,
    "sharpness_losses": losses_sentence,
    "sharpness_rescaling": rescaling_sentence,
    "sharpness_unmeasured": unmeasured_sentence,
}
SHARPNESS_TABLES: dict[str, Callable[[Results], str]] = {
    "sharpness": sharpness_table,
    "rescaling": rescaling_table,
}
