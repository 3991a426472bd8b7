"""Curves on logarithmic axes, whose spread over seeds is that of ratios: medians with bands from least to largest."""

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from figures.curves import BAND_OPACITY
from figures.losses import label_losses
from figures.style import FONT_SIZE, color_of, dashes_of

WIDEST_LABELLED = 1e4  # ratio of an axis' ends up to which its ticks are plain numbers, not powers of ten


def draw_spread(
    axes: Axes, x: Sequence[float], values: np.ndarray, network: str, networks: Sequence[str], **look
) -> None:
    """Median of values [M, P] at x [P] over the M that were measured, the band from the least to the largest.

    `look` replaces properties of the network's line.
    """
    known = np.isfinite(values).any(axis=0)
    if not known.any():
        return
    x, values = np.asarray(x, dtype=float)[known], values[:, known]
    own = {"color": color_of(network, networks), "linestyle": dashes_of(network, networks)}
    look = own | {"marker": "o", "markersize": 1.8} | look
    axes.plot(x, np.nanmedian(values, axis=0), **look)
    if len(values) > 1:
        low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
        axes.fill_between(x, low, high, color=look["color"], alpha=BAND_OPACITY, linewidth=0)


def as_numbers(values: Iterable[float | None]) -> list[float]:
    """What was not measured as NaN."""
    return [np.nan if value is None else float(value) for value in values]


def set_log_axis(panels: Sequence[Axes], values: Iterable[float | None]) -> None:
    """One logarithmic axis for all panels, wide enough for all positive finite values; 0.1 to 10 without any."""
    found = np.array(as_numbers(values), dtype=float)
    found = found[np.isfinite(found) & (found > 0)]
    low, high = (found.min(), found.max()) if found.size else (0.1, 10.0)
    margin = max(1.5, (high / low) ** 0.06)
    low, high = low / margin, high * margin
    for axes in panels:
        axes.set_yscale("log", nonpositive="mask")
        axes.set_ylim(low, high)
        if WIDEST_LABELLED > high / low and 1e-4 < low < high < 1e4:
            label_losses(axes.yaxis, low, high, most=5)
        else:
            axes.yaxis.set_major_locator(LogLocator(numticks=5))
            axes.yaxis.set_minor_locator(NullLocator())


def say(axes: Axes, text: str) -> None:
    """A note in the panel's lower left corner, such as which networks have no values."""
    if text:
        axes.text(
            0.03,
            0.03,
            text,
            transform=axes.transAxes,
            fontsize=FONT_SIZE,
            va="bottom",
            linespacing=1.1,
            zorder=5,
        )
