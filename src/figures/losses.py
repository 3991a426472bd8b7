"""The loss on a logarithmic scale: round levels, ticks, colours, and the loss of guessing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import floor, log, log10

import matplotlib
import numpy as np
from matplotlib.axis import Axis
from matplotlib.colors import BoundaryNorm
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiment.storage import DATASET, read_json
from figures.style import COLORMAP

FLOOR, CEILING = 1e-3, 1e2  # nats: in planes, losses beyond are drawn as these; above 100 no detail matters
MANTISSAS = ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,))  # round numbers of a decade, from dense to sparse


def chance_loss() -> tuple[float, str]:
    """The loss of guessing without looking, ln(classes) in nats, and its name for a legend."""
    classes = len(read_json(DATASET)["classes"])
    return log(classes), f"chance: ln {classes} = {log(classes):.2f}"


def round_numbers(low: float, high: float, most: int, covering: bool = False) -> list[float]:
    """Round numbers from `low` to `high` (both > 0) on a logarithmic scale, as dense as `most` allows.

    `covering` adds one at or below `low` and one at or above `high`, so that there are at least two.
    """
    decades = range(floor(log10(low)) - 1, floor(log10(high)) + 3)
    for mantissas in MANTISSAS:
        numbers = np.array([float(f"{mantissa}e{decade}") for decade in decades for mantissa in mantissas])
        first, last = np.searchsorted(numbers, low), np.searchsorted(numbers, high, "right")
        if covering:
            first = np.searchsorted(numbers, low, "right") - 1
            last = max(np.searchsorted(numbers, high), first + 1) + 1
        if last - first <= most:
            break
    return numbers[first:last].tolist()


def label_losses(axis: Axis, low: float, high: float, most: int) -> None:
    """Round losses as ticks of a logarithmic axis."""
    axis.set_major_locator(FixedLocator(round_numbers(low, high, most)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda loss, _: plain_number(loss)))


def plain_number(value: float) -> str:
    """`0.02`, `500`, `1000`; a power of ten from 10 000 on."""
    return f"{value:g}" if value < 1e4 else f"$10^{{{log10(value):.0f}}}$"


@dataclass(frozen=True)
class LossScale:
    """Levels of the loss, in nats, that panels share; `clipped`: some losses lie above the last."""

    levels: list[float]
    clipped: bool

    @property
    def ends(self) -> tuple[float, float]:
        return self.levels[0], self.levels[-1]

    @property
    def extend(self) -> str:
        return "max" if self.clipped else "neither"

    def norm(self, unit: Callable[[list[float]], np.ndarray] = np.asarray) -> BoundaryNorm:
        """A colour for each interval of the levels, given in nats or in another `unit` of them."""
        return BoundaryNorm(unit(self.levels), matplotlib.colormaps[COLORMAP].N, extend=self.extend)


def loss_scale(losses: Iterable[np.ndarray], ceiling: float = CEILING) -> LossScale:
    """The scale on which all of `losses` can be drawn; 0.1 to 10 where none is finite."""
    values = np.concatenate([np.ravel(loss) for loss in losses])
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        finite = np.array([0.1, 10.0])
    low, high = np.clip([finite.min(), finite.max()], FLOOR, ceiling)
    levels = round_numbers(low, high, most=20, covering=True)
    return LossScale(levels, bool(np.nanmax(values, initial=0.0) > levels[-1]))
