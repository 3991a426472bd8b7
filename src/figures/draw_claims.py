"""Estimates and intervals of the judgements without a unit: relative differences, differences of ratios, rank correlations.

The claimed side of zero is shaded, so that a point in the shade is in favour of its claim. A point without a bar
has no interval.
"""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from experiment.evidence import CLAIMS
from experiment.reporting.latex import measured
from experiment.storage import read_json
from figures.sheets import place
from figures.style import REFERENCE_COLOR, TEXT_WIDTH, write_figure

ROW, LABELS, TOP, BOTTOM = 0.17, 2.3, 0.1, 0.75  # inches
CLAIMED_SIDE = "0.92"
COLORS = {
    "supported": "#009E73",
    "contradicted": "#CC3311",
    "inconclusive": "0.35",
    "one observation": "#0072B2",
}  # told apart by colour-blind readers
MARKERS = {"supported": "o", "contradicted": "s", "inconclusive": "D", "one observation": "^"}


def draw() -> Figure:
    shown = [entry for entry in read_json(CLAIMS)["claims"] if not entry["unit"]]
    verdicts = [name for name in COLORS if any(entry["verdict"] == name for entry in shown)]
    height = max(1, len(shown)) * ROW
    figure = Figure(figsize=(TEXT_WIDTH, TOP + height + BOTTOM))
    axes = place(figure, LABELS, BOTTOM, TEXT_WIDTH - LABELS - 0.1, height)
    axes.set(xlim=(-2.05, 2.05), ylim=(len(shown) - 0.5, -0.5) if shown else (0.5, -0.5))
    axes.set_xlabel("estimate: relative difference, difference of ratios, or rank correlation")
    axes.axvline(0, color=REFERENCE_COLOR, linewidth=0.6)
    axes.set_yticks(range(len(shown)), [label(entry) for entry in shown])
    for position, entry in enumerate(shown):
        draw_claim(axes, position, entry)
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


def label(entry: dict) -> str:
    state = {"_final": ", final", "_matched": ", equal loss"}
    suffix = next((text for end, text in state.items() if entry["id"].endswith(end)), "")
    return f"{entry['id'].removesuffix('_final').removesuffix('_matched').replace('_', ' ')}{suffix}"


def draw_claim(axes: Axes, position: int, entry: dict) -> None:
    """One row: the claimed side, the interval and the estimate, or the word that it cannot be judged."""
    start = {1: 0, -1: -2.05, 0: -2.05}[entry["expected_sign"]]
    width = 4.1 if entry["expected_sign"] == 0 else 2.05
    axes.barh(position, width, 0.84, start, color=CLAIMED_SIDE, zorder=0)
    if not measured(entry["estimate"]):
        axes.text(0.06, position, "cannot be judged", va="center", color=REFERENCE_COLOR)
        return
    color, marker = COLORS[entry["verdict"]], MARKERS[entry["verdict"]]
    if measured(entry["low"]):
        axes.plot([entry["low"], entry["high"]], [position] * 2, color=color, zorder=2)
    axes.plot(entry["estimate"], position, marker, color=color, markersize=4, zorder=3)


if __name__ == "__main__":
    write_figure("claims", draw)
