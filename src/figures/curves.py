"""What figures of curves share: means with bands over directions and seeds, the loss axis, the legend."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import xarray
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from experiment.layout import surface_path
from experiment.parameters.study import Study
from experiment.slices import read_slice
from figures.losses import chance_loss, label_losses
from figures.style import REFERENCE_COLOR, TEXT_WIDTH, color_of, dashes_of

FLOOR, CEILING = 1e-4, 1e4  # nats: the farthest that an axis reaches
BAND_OPACITY = 0.2
CHANCE_LINE = {"color": REFERENCE_COLOR, "linewidth": 0.7, "linestyle": (0, (1, 1.5))}


def mean_and_band(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, minimum and maximum over the first axis of values [M, P], each [P].

    The mean is not a number where any of the M is not, since a mean over survivors would flatter; minimum
    and maximum are those of the others.
    """
    return values.mean(0), np.fmin.reduce(values, 0), np.fmax.reduce(values, 0)


def surviving_slices(study: Study, view: str, subset: str) -> dict[str, list[xarray.DataArray]]:
    """By network, one view's loss on `subset` from every seed that did not diverge."""
    return {
        network: [
            loss
            for seed in study.seeds
            if not (loss := read_slice(surface_path(network, seed, view)).loss.sel(set=subset)).isnull().all()
        ]
        for network in study.networks
    }


def draw_curve(axes: Axes, x: np.ndarray, values: np.ndarray, network: str, networks: Sequence[str]) -> None:
    """Mean of values [M, P] at x [P], and the band from minimum to maximum, in the network's colour."""
    color = color_of(network, networks)
    mean, low, high = (np.minimum(curve, 10 * CEILING) for curve in mean_and_band(values))
    axes.plot(x, mean, color=color, linestyle=dashes_of(network, networks))
    if len(values) > 1:
        axes.fill_between(x, low, high, color=color, alpha=BAND_OPACITY, linewidth=0)


def set_loss_axis(panels: Iterable[Axes], losses: Iterable[np.ndarray]) -> None:
    """One logarithmic axis for all panels, wide enough for all finite losses within FLOOR and CEILING."""
    values = np.concatenate([np.ravel(loss) for loss in losses])
    finite = values[np.isfinite(values)]
    low, high = np.clip([finite.min(), finite.max()], FLOOR, CEILING) if finite.size else (0.1, 10.0)
    for axes in panels:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.2, high * 1.2)
        label_losses(axes.yaxis, low / 1.2, high * 1.2, most=6)


def label_outer(axes: Axes, x: str, y: str, leftmost: bool, lowest: bool) -> None:
    """Names of the axes and their tick labels, on the sheet's outer panels alone."""
    axes.tick_params(labelleft=leftmost, labelbottom=lowest)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.set(xlabel=x if lowest else "", ylabel=y if leftmost else "")


@dataclass(frozen=True)
class Legend:
    """Names below the panels; `height` in inches is known before the figure, so that room can be left."""

    handles: list[Artist]
    names: list[str]

    @property
    def columns(self) -> int:
        """As many as fit in two rows (one, for up to three names), fewer where the names are long."""
        widths = [0.5 + 0.058 * len(name) for name in self.names]  # inches: handle, and glyphs of 7 pt
        most = len(widths) if len(widths) <= 3 else ceil(len(widths) / 2)
        fitting = (n for n in range(most, 1, -1) if sum(map(max, np.array_split(widths, n))) <= TEXT_WIDTH)
        return next(fitting, 1)

    @property
    def height(self) -> float:
        return 0.1 + 0.15 * ceil(len(self.names) / self.columns)

    def add_to(self, figure: Figure) -> None:
        figure.legend(self.handles, self.names, loc="lower center", ncols=self.columns, borderaxespad=0.2)


def network_legend(study: Study, survivors: Mapping[str, Sequence], chance: bool) -> Legend:
    """The networks in their colours, with the number of seeds where some diverged, and the line of chance."""
    handles = [
        Line2D([], [], color=color_of(network, study.networks), linestyle=dashes_of(network, study.networks))
        for network in study.networks
    ]
    names = [seed_note(network, len(survivors[network]), len(study.seeds)) for network in study.networks]
    if chance:
        handles, names = [*handles, Line2D([], [], **CHANCE_LINE)], [*names, chance_loss()[1]]
    return Legend(handles, names)


def seed_note(network: str, survivors: int, seeds: int) -> str:
    """`plain110`, `plain110 (2 of 3 seeds)` or `plain110 (diverged)`."""
    if survivors == seeds:
        return network
    return f"{network} ({survivors} of {seeds} seeds)" if survivors else f"{network} (diverged)"
