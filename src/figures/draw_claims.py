"""Estimates and intervals of all judgements, by their identifiers: a panel for each unit, its axis as wide as its data.

The claimed side of zero is shaded, so that a point in the shade is in favour of its claim. A point without a bar
has no interval, and a dagger marks what was chosen or changed after data had been seen.
"""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from experiment.claims.verdicts import CONTRADICTED, INCONCLUSIVE, ONE_OBSERVATION, SUPPORTED
from experiment.evidence import CLAIMS
from experiment.reporting.latex import measured
from experiment.storage import read_json
from figures.sheets import place
from figures.style import REFERENCE_COLOR, TEXT_WIDTH

ROW, LABELS, TOP, BOTTOM, RIGHT = 0.135, 2.45, 0.05, 0.3, 0.15  # inches
AXIS = 0.36  # inches below each panel, for its ticks and its label
UNITLESS = "relative difference, difference of ratios or rank correlation"
MARGIN = 0.08  # of an axis, beyond its data on either side
CLAIMED_SIDE = "0.92"
COLORS = {
    SUPPORTED: "#009E73",
    CONTRADICTED: "#CC3311",
    INCONCLUSIVE: "0.35",
    ONE_OBSERVATION: "#0072B2",
}  # told apart by colour-blind readers
MARKERS = {SUPPORTED: "o", CONTRADICTED: "s", INCONCLUSIVE: "D", ONE_OBSERVATION: "^"}


def draw() -> Figure:
    entries = read_json(CLAIMS)["claims"]
    units = list(dict.fromkeys(entry["unit"] for entry in entries))
    panels = [[entry for entry in entries if entry["unit"] == unit] for unit in units]
    up = TOP + sum(ROW * len(panel) + AXIS for panel in panels) + BOTTOM
    figure = Figure(figsize=(TEXT_WIDTH, up))
    top = up - TOP
    for unit, panel in zip(units, panels, strict=True):
        height = ROW * len(panel)
        axes = place(figure, LABELS, top - height, TEXT_WIDTH - LABELS - RIGHT, height)
        axes.set_xlabel(unit or UNITLESS)
        draw_panel(axes, panel)
        top -= height + AXIS
    verdicts = [name for name in COLORS if any(entry["verdict"] == name for entry in entries)]
    handles = [
        Line2D([], [], color=COLORS[name], marker=MARKERS[name], linestyle="", markersize=4)
        for name in verdicts
    ]
    figure.legend(
        [*handles, Patch(facecolor=CLAIMED_SIDE)],
        [*verdicts, "claimed side of zero"],
        loc="lower center",
        ncols=5,
    )
    return figure


def draw_panel(axes: Axes, entries: list[dict]) -> None:
    """The judgements of one unit, row by row."""
    axes.set(xlim=limits(entries), ylim=(len(entries) - 0.5, -0.5))
    axes.set_yticks(range(len(entries)), [label(entry) for entry in entries])
    axes.axvline(0, color=REFERENCE_COLOR, linewidth=0.6)
    for position, entry in enumerate(entries):
        draw_claim(axes, position, entry)


def limits(entries: list[dict]) -> tuple[float, float]:
    """Of an axis that holds zero, every estimate and every interval."""
    values = [value for entry in entries for value in (entry["estimate"], entry["low"], entry["high"])]
    known = [0, *filter(measured, values)]
    margin = MARGIN * (max(known) - min(known)) or 1
    return min(known) - margin, max(known) + margin


def label(entry: dict) -> str:
    return f"{entry['id']}{' †' if entry['revised'] else ''}"


def draw_claim(axes: Axes, position: int, entry: dict) -> None:
    """One row: the claimed side, the interval and the estimate, or the word that it cannot be judged."""
    left, right = axes.get_xlim()
    start, end = {1: (0, right), -1: (left, 0), 0: (left, right)}[entry["expected_sign"]]
    axes.barh(position, end - start, 0.84, start, color=CLAIMED_SIDE, zorder=0)
    if not measured(entry["estimate"]):
        axes.text(
            0.01,
            position,
            "cannot be judged",
            va="center_baseline",
            color=REFERENCE_COLOR,
            transform=axes.get_yaxis_transform(),
        )
        return
    color, marker = COLORS[entry["verdict"]], MARKERS[entry["verdict"]]
    if measured(entry["low"]):
        axes.plot([entry["low"], entry["high"]], [position] * 2, color=color, zorder=2)
    axes.plot(entry["estimate"], position, marker, color=color, markersize=4, zorder=3)
