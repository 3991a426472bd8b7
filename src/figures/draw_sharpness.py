"""Measures of sharpness of every network in both comparisons, and how far rescaling its filters moves each.

Above, a panel per measure: large marks are means over seeds (and directions), dashes single seeds, bars standard
deviations over seeds, with one seed over directions; an
upward triangle is a lower bound, since some direction stays flat up to the extent. Below, each measure of the
rescaled network relative to the original's: the functions are the same, so that what moves is no property of
the function.
"""

from collections.abc import Sequence
from math import ceil
from statistics import fmean, stdev
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiment.layout import MATCHING
from experiment.parameters.study import Study, load_study
from experiment.reporting.sharpness_states import STATES, by_direction, is_bound, number
from experiment.reporting.stored import comparable_evidence, read_result
from figures.curves import Legend, seed_note
from figures.losses import plain_number, round_numbers
from figures.sheets import place
from figures.style import REFERENCE_COLOR, TEXT_WIDTH, color_of, variant

MEASURES = {  # title, unit
    "box": ("worst case in a box", "%"),
    "l2": ("worst case in an L2 ball", "nats"),
    "elementwise": ("adaptive by weight", "nats"),
    "filter": ("adaptive by filter", "nats"),
    "average": ("average along directions", "nats"),
    "flat_radius": ("flat radius", "norms of filters"),
}
SHORT = ("box", "L2 ball", "adaptive,\nby weight", "adaptive,\nby filter", "average", "flat\nradius")
RAW = 2  # of the measures, the first: those in units of the weights themselves
MARKERS = "osDv^P"
SPREAD = 0.7  # of the distance between two groups, over which their networks are spread
COLUMNS, WIDTH, HEIGHT = 3, 1.75, 0.95  # of the panels, in inches
LEFT, GAP_ACROSS, GAP_UP, TOP = 0.45, 0.45, 0.4, 0.22  # inches
BELOW = 0.95  # height of the lower panel, inches
LOWEST = 1e-9  # an axis reaches down to it and no farther


class Value(NamedTuple):
    """A number, whether it is a lower bound, and its standard deviation over directions where it has any."""

    number: float
    bound: bool = False
    deviation: float | None = None


def draw() -> Figure:
    study = load_study()
    matching = read_result(MATCHING)
    runs = {
        n: [comparable_evidence(matching, "sharpness", n, seed) for seed in study.seeds]
        for n in study.networks
    }
    legend = _legend(study, runs)
    rows = ceil(len(MEASURES) / COLUMNS)
    foot = 0.35 + legend.height
    upper = foot + BELOW + 0.5
    figure = Figure(figsize=(TEXT_WIDTH, upper + rows * HEIGHT + (rows - 1) * GAP_UP + TOP))
    for index, measure in enumerate(MEASURES):
        row, column = divmod(index, COLUMNS)
        bottom = upper + (rows - 1 - row) * (HEIGHT + GAP_UP)
        axes = place(figure, LEFT + column * (WIDTH + GAP_ACROSS), bottom, WIDTH, HEIGHT)
        draw_measure(axes, measure, study, runs)
    width = COLUMNS * WIDTH + (COLUMNS - 1) * GAP_ACROSS
    draw_ratios(place(figure, LEFT, foot, width, BELOW), study, runs)
    legend.add_to(figure)
    return figure


def draw_measure(axes: Axes, measure: str, study: Study, runs: dict[str, list[dict]]) -> None:
    """A measure of all networks, those of a state side by side."""
    by_state = [
        {n: [value_of(run["states"][state], measure) for run in runs[n]] for n in study.networks}
        for state in STATES
    ]
    draw_groups(axes, by_state, study.networks)
    title, unit = MEASURES[measure]
    axes.set_title(f"{title} ({unit})")
    axes.set_xticks(range(len(STATES)), STATES.values())


def draw_ratios(axes: Axes, study: Study, runs: dict[str, list[dict]]) -> None:
    """Rescaled over original, measure by measure; the raw ones on a shaded ground."""
    by_measure = [
        {n: [ratio_of(run["rescaling"], measure) for run in runs[n]] for n in study.networks}
        for measure in MEASURES
    ]
    axes.axvspan(-0.5, RAW - 0.5, color="0.94", zorder=0)
    axes.axhline(1, color=REFERENCE_COLOR, linewidth=0.7, linestyle=(0, (1, 1.5)), zorder=1)
    draw_groups(axes, by_measure, study.networks, always=(0.5, 2.0))
    axes.set_xticks(range(len(MEASURES)), SHORT)
    factors = {run["rescaling"]["factor"] for of_network in runs.values() for run in of_network}
    by = " or ".join(f"{factor:g}" for factor in sorted(factors))
    axes.set_title(f"rescaled / original: filters before a batch norm times {by}, the function unchanged")
    for x, text in ((RAW / 2 - 0.5, "raw"), ((RAW + len(MEASURES)) / 2 - 0.5, "normalised")):
        axes.text(
            x, 0.97, text, transform=axes.get_xaxis_transform(), ha="center", va="top", color=REFERENCE_COLOR
        )
    fixed = [n for n in study.networks if _cannot_be_rescaled(runs[n])]
    note = f"nothing to rescale: {', '.join(fixed)}" if fixed else ""
    axes.text(0.99, 0.03, note, transform=axes.transAxes, ha="right", va="bottom", color=REFERENCE_COLOR)


def _cannot_be_rescaled(runs: list[dict[str, Any]]) -> bool:
    """Whether a network was measured, and yet never rescaled."""
    finals = [run["states"]["final"]["reason"] is None for run in runs]
    return any(finals) and all(run["rescaling"]["reason"] is not None for run in runs)


def draw_groups(
    axes: Axes,
    groups: Sequence[dict[str, list[Value | None]]],
    networks: Sequence[str],
    always: tuple[float, ...] = (),
) -> None:
    """Values of several groups by network and seed, groups at 0, 1, ...; logarithmic where all are positive."""
    for index, group in enumerate(groups):
        for network, values in group.items():
            known = [value for value in values if value is not None]
            if known:
                draw_values(axes, index + offset(network, networks), known, network, networks)
    shown = [height for group in groups for values in group.values() for height in heights(values)]
    axes.set_xlim(-0.5, len(groups) - 0.5)
    set_axis(axes, [*shown, *always])
    if not shown:
        axes.set_yticks([])
        axes.text(0.5, 0.4, "not measured", transform=axes.transAxes, ha="center", va="center")


def offset(network: str, networks: Sequence[str]) -> float:
    """Where a network stands in its group."""
    step = SPREAD / len(networks)
    return (list(networks).index(network) - (len(networks) - 1) / 2) * step


def draw_values(axes: Axes, x: float, values: list[Value], network: str, networks: Sequence[str]) -> None:
    """Mean of the seeds, large, the seeds themselves, small, and the bar of their standard deviation."""
    color, marker = color_of(network, networks), marker_of(network, networks)
    mean = fmean(value.number for value in values)
    if len(values) > 1:
        axes.plot([x] * len(values), [v.number for v in values], "_", color=color, markersize=4, alpha=0.7)
    if spread := deviation(values):
        axes.plot([x, x], [mean - spread, mean + spread], color=color, linewidth=0.9)
    style = "^" if any(value.bound for value in values) else marker
    face = "white" if style == "^" else color
    axes.plot([x], [mean], style, color=color, markerfacecolor=face, markersize=4.5)


def deviation(values: Sequence[Value]) -> float | None:
    """The standard deviation over seeds, of one seed over its directions; None of a single number."""
    return stdev(value.number for value in values) if len(values) > 1 else values[0].deviation


def heights(values: Sequence[Value | None]) -> list[float]:
    """All that is drawn of a network: the numbers and the ends of their bar."""
    known = [value for value in values if value is not None]
    if not known:
        return []
    numbers, spread = [value.number for value in known], deviation(known) or 0.0
    return [*numbers, fmean(numbers) - spread, fmean(numbers) + spread]


def marker_of(network: str, networks: Sequence[str]) -> str:
    """A mark for each variant of a family; the triangle is kept for lower bounds."""
    variants = list(dict.fromkeys(map(variant, networks)))
    marks = MARKERS.replace("^", "")
    return marks[variants.index(variant(network)) % len(marks)]


def set_axis(axes: Axes, values: list[float]) -> None:
    """A logarithmic axis with round numbers where all values are positive, else a linear one."""
    if not values or min(values) <= LOWEST:
        axes.margins(y=0.15)
        return
    low, high = min(values) / 1.35, max(values) * 1.35
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(FixedLocator(round_numbers(low, high, most=6)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))


def value_of(state: dict[str, Any], measure: str) -> Value | None:
    """A state's measure; None where it was not measured."""
    mean, along = number(state, measure), by_direction(state, measure)
    spread = stdev(along) if along and len(along) > 1 else None
    return None if mean is None else Value(mean, is_bound(state, measure), spread)


def ratio_of(rescaling: dict[str, Any], measure: str) -> Value | None:
    if rescaling["reason"] is not None or rescaling["ratios"][measure] is None:
        return None
    return Value(rescaling["ratios"][measure])


def _legend(study: Study, runs: dict[str, list[dict]]) -> Legend:
    """Networks with their marks and the number of seeds measured at their final weights; the triangle where it occurs."""
    handles, names = [], []
    for network in study.networks:
        look = {"color": color_of(network, study.networks), "marker": marker_of(network, study.networks)}
        handles.append(Line2D([], [], linestyle="none", markersize=4.5, **look))
        final, matched = (
            sum(run["states"][state]["reason"] is None for run in runs[network]) for state in STATES
        )
        names.append(
            seed_note(network, final, len(study.seeds)) + (", no equal loss" if final > matched else "")
        )
    states = [run["states"][state] for of_network in runs.values() for run in of_network for state in STATES]
    if any(is_bound(state, "flat_radius") for state in states):
        look = {"marker": "^", "color": REFERENCE_COLOR, "markerfacecolor": "white", "markersize": 4.5}
        handles.append(Line2D([], [], linestyle="none", **look))
        names.append("at least")
    return Legend(handles, names)
