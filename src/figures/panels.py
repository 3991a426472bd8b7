"""What figures of planes share: the sheet of panels, the scale of the loss, filled contours, colour bar."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import floor, log, log10

import matplotlib
import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiment.layout import surface_path
from experiment.parameters.study import load_study
from experiment.slices import read_slice
from experiment.storage import DATASET, read_json
from figures.style import COLORMAP, REFERENCE_COLOR, TEXT_WIDTH, UNDEFINED_COLOR, depths, variant
from flatness.networks import parse_name

FLOOR, CEILING = 1e-3, 1e2  # nats: in planes, losses beyond are drawn as these; above 100 no detail matters
MANTISSAS = ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,))  # round numbers of a decade, from dense to sparse
PANELS_PER_ROW = 4
CONTOUR_VIEWS = ("final", "matched", "recomputed")  # on one scale, since readers compare them
CHANCE_LINE = {"color": "white", "linewidth": 1.0, "linestyle": (0, (3, 1.5))}
UNDEFINED = {"facecolor": UNDEFINED_COLOR, "hatch": "//////", "linewidth": 0}


@dataclass(frozen=True)
class Sheet:
    """A figure with its panels, None where nothing belongs, and their outline (x0, y0, x1, y1) in inches."""

    figure: Figure
    panels: list[list[Axes | None]]
    outline: tuple[float, float, float, float]

    @property
    def axes(self) -> list[Axes]:
        """The panels, row by row."""
        return [axes for row in self.panels for axes in row if axes is not None]

    def entries(self, present: Sequence[Sequence]) -> Iterable[tuple[Axes, object, bool, bool]]:
        """(panel, entry, leftmost in its row, lowest in its column) of each panel."""
        for row, (axes_of_row, entries) in enumerate(zip(self.panels, present, strict=True)):
            for column, (axes, entry) in enumerate(zip(axes_of_row, entries, strict=True)):
                if axes is not None:
                    lowest = all(below[column] is None for below in self.panels[row + 1 :])
                    yield axes, entry, not any(axes_of_row[:column]), lowest


def place(figure: Figure, left: float, bottom: float, width: float, height: float, **options) -> Axes:
    """Axes placed in inches from the figure's lower left corner."""
    across, up = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / up, width / across, height / up), **options)


def sheet_of_panels(
    present: Sequence[Sequence],
    widest: float,
    aspect: float = 1.0,
    margins: tuple[float, float, float, float] = (0.45, 0.55, 0.75, 0.25),
    gaps: tuple[float, float] = (0.12, 0.28),
    **options,
) -> Sheet:
    """Equal panels, at most `widest` inches wide and `aspect` times as high, centred in the text's width.

    `present` [rows][columns] has None where no panel belongs; `margins` are left, bottom, right and top,
    `gaps` between columns and between rows, all in inches; `options` are those of axes.
    """
    rows, columns = len(present), max(map(len, present))
    left, bottom, right, top = margins
    available = TEXT_WIDTH - left - right
    across = min(widest, (available - (columns - 1) * gaps[0]) / columns)
    up = across * aspect
    inner = (columns * across + (columns - 1) * gaps[0], rows * up + (rows - 1) * gaps[1])
    x0, y1 = left + (available - inner[0]) / 2, bottom + inner[1]
    figure = Figure(figsize=(TEXT_WIDTH, y1 + top))

    def panel(row: int, column: int) -> Axes:
        return place(
            figure, x0 + column * (across + gaps[0]), y1 - up - row * (up + gaps[1]), across, up, **options
        )

    panels = [
        [None if entry is None else panel(row, column) for column, entry in enumerate(entries)]
        for row, entries in enumerate(present)
    ]
    return Sheet(figure, panels, (x0, bottom, x0 + inner[0], y1))


def arrange(networks: Sequence[str]) -> list[list[str | None]]:
    """Networks on a sheet: a row per family (and variant), a column per depth; simply row by row where that
    would be a single column, too large or mostly empty."""
    rows, columns = list(dict.fromkeys(map(variant, networks))), depths(networks)
    by_place = {(variant(network), parse_name(network).depth): network for network in networks}
    if 1 < len(columns) <= PANELS_PER_ROW and len(rows) <= 4 and 2 * len(networks) > len(rows) * len(columns):
        return [[by_place.get((row, depth)) for depth in columns] for row in rows]
    return in_rows(networks, PANELS_PER_ROW)


def in_rows(entries: Sequence, per_row: int) -> list[list]:
    """Entries row by row; the last of several rows is filled up with None."""
    rows = [list(entries[start : start + per_row]) for start in range(0, len(entries), per_row)]
    rows[-1] += [None] * (len(rows[0]) - len(rows[-1]))
    return rows


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


def draw_plane(
    axes: Axes, x: np.ndarray, y: np.ndarray, loss: np.ndarray, scale: LossScale, chance: float
) -> None:
    """Filled contours of loss [x, y] and the contour of chance; hatched where the loss is not a number.

    Between grid points the loss's logarithm is interpolated, as the levels are logarithmic.
    """
    if np.isfinite([x[0], x[-1], y[0], y[-1]]).all():
        axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), aspect="equal")
    if np.isnan(loss).all():
        mark_diverged(axes)
        return
    if np.isnan(loss).any():
        axes.add_patch(Rectangle((x[0], y[0]), x[-1] - x[0], y[-1] - y[0], zorder=0, **UNDEFINED))
    z, levels = np.log10(np.clip(loss, scale.levels[0], 2 * scale.levels[-1])).T, np.log10(scale.levels)
    axes.contourf(x, y, z, levels, norm=scale.norm(np.log10), cmap=COLORMAP, extend=scale.extend)
    draw_contours(axes, x, y, z, levels, color="black", linewidth=0.25, linestyle="solid")
    draw_contours(axes, x, y, z, np.log10([chance]), **CHANCE_LINE)


def draw_contours(
    axes: Axes, x: np.ndarray, y: np.ndarray, z: np.ndarray, levels: np.ndarray, **line
) -> None:
    """Lines of those of the levels that z [y, x] crosses."""
    crossed = levels[(np.nanmin(z) < levels) & (levels < np.nanmax(z))]
    if crossed.size:
        axes.contour(x, y, z, crossed, **{f"{name}s": [value] for name, value in line.items()})


def mark_diverged(axes: Axes) -> None:
    """An empty panel that says why."""
    axes.set_facecolor("0.95")
    axes.text(0.5, 0.5, "diverged", transform=axes.transAxes, ha="center", va="center", color=REFERENCE_COLOR)


def add_loss_bar(sheet: Sheet, scale: LossScale, chance: float, norm: Normalize | None = None) -> None:
    """The colour bar of the training loss that all panels share, right of them, with a mark at chance.

    `norm` is that of the panels where it is not the scale's own.
    """
    x0, y0, x1, y1 = sheet.outline
    height = min(y1 - y0, 3.2)
    axes = place(sheet.figure, x1 + 0.12, (y0 + y1 - height) / 2, 0.11, height)
    bar = sheet.figure.colorbar(
        ScalarMappable(norm or scale.norm(), COLORMAP), cax=axes, spacing="proportional", extend=scale.extend
    )
    bar.set_label("training loss (nats)")
    bar.outline.set_linewidth(0.5)
    axes.set_yscale("log")
    label_losses(axes.yaxis, *scale.ends, most=max(3, round(6 * height)))
    if scale.ends[0] < chance < scale.ends[1]:
        axes.axhline(chance, **CHANCE_LINE)


def add_plane_legend(
    sheet: Sheet,
    chance_name: str,
    losses: Iterable[np.ndarray] = (),
    lines: Mapping[str, object] | None = None,
) -> None:
    """Names of the contour of chance, of the hatching where it occurs, and of further `lines`.

    `lines` are line styles by name.
    """
    ground = Patch(facecolor=matplotlib.colormaps[COLORMAP](0.5))
    entries: dict[str, object] = {chance_name: (ground, Line2D([], [], **CHANCE_LINE))}
    if any(np.isnan(loss).any() and not np.isnan(loss).all() for loss in losses):
        entries["not a number"] = Patch(**UNDEFINED)
    entries |= {name: Line2D([], [], color="black", linestyle=style) for name, style in (lines or {}).items()}
    x0, _, x1, _ = sheet.outline
    middle = (x0 + x1) / 2 / sheet.figure.get_figwidth()
    sheet.figure.legend(
        entries.values(), entries.keys(), loc="lower center", bbox_to_anchor=(middle, 0), ncols=len(entries)
    )


def training_surfaces(networks: Sequence[str], seed: int, view: str) -> dict[str, xarray.Dataset]:
    """By network, the stored slice on the training set, dims alpha and beta."""
    slices = {network: read_slice(surface_path(network, seed, view)) for network in networks}
    return {network: stored.sel(set="train").transpose("alpha", "beta") for network, stored in slices.items()}


def contour_grid(view: str, title: Callable[[str, xarray.Dataset], str]) -> Figure:
    """Contours of one view of every network from the first declared seed, titled by (network, slice).

    The scale is common to all of CONTOUR_VIEWS, so that the figures can be laid side by side.
    """
    study = load_study()
    views = {name: training_surfaces(study.networks, study.seeds[0], name) for name in CONTOUR_VIEWS}
    scale = loss_scale(surface.loss.values for of_view in views.values() for surface in of_view.values())
    chance, chance_name = chance_loss()
    surfaces, arrangement = views[view], arrange(study.networks)
    titles = {network: title(network, surface) for network, surface in surfaces.items()}
    above = 0.26 + 0.13 * max(text.count("\n") for text in titles.values())  # inches
    sheet = sheet_of_panels(arrangement, 1.95, margins=(0.45, 0.6, 0.75, above), gaps=(0.18, above))
    for axes, network, leftmost, lowest in sheet.entries(arrangement):
        surface = surfaces[network]
        draw_plane(axes, surface.alpha.values, surface.beta.values, surface.loss.values, scale, chance)
        axes.set_title(titles[network])
        label_directions(axes, float(surface.alpha[-1]), leftmost, lowest)
    add_loss_bar(sheet, scale, chance)
    add_plane_legend(sheet, chance_name, (surface.loss.values for surface in surfaces.values()))
    return sheet.figure


def label_directions(axes: Axes, extent: float, leftmost: bool, lowest: bool) -> None:
    """Names of the two directions and ticks at -extent, 0 and extent, on the sheet's outer panels alone."""
    for axis, name, outer in ((axes.xaxis, r"$\alpha$", lowest), (axes.yaxis, r"$\beta$", leftmost)):
        axis.set_ticks(*direction_ticks(extent))
        axis.set_tick_params(labelbottom=outer, labelleft=outer)
        axis.set_label_text(name if outer else "")


def direction_ticks(extent: float) -> tuple[list[float], list[str]]:
    """Ticks at -extent, 0 and extent, and their labels."""
    return [-extent, 0, extent], [f"\N{MINUS SIGN}{extent:g}", "0", f"{extent:g}"]
