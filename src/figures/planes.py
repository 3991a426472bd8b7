"""What figures of planes share: filled contours, the colour bar, the grid of one view of every network."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import matplotlib
import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from experiment.layout import surface_path
from experiment.parameters.study import load_study
from experiment.slices import read_slice
from figures.losses import LossScale, chance_loss, label_losses, loss_scale
from figures.sheets import Sheet, arrange, place, sheet_of_panels
from figures.style import COLORMAP, REFERENCE_COLOR, UNDEFINED_COLOR

CONTOUR_VIEWS = ("final", "matched", "recomputed")  # on one scale, since readers compare them
CHANCE_LINE = {"color": "white", "linewidth": 1.0, "linestyle": (0, (3, 1.5))}
UNDEFINED = {"facecolor": UNDEFINED_COLOR, "hatch": "//////", "linewidth": 0}


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


def add_loss_bar(
    sheet: Sheet, scale: LossScale, chance: float, norm: Normalize | None = None, distance: float = 0.12
) -> None:
    """The colour bar of the training loss that all panels share, right of them, with a mark at chance.

    `norm` is that of the panels where it is not the scale's own; `distance` from them in inches.
    """
    _, y0, x1, y1 = sheet.outline
    height = min(y1 - y0, 3.2)
    axes = place(sheet.figure, x1 + distance, (y0 + y1 - height) / 2, 0.11, height)
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
    sheet = sheet_of_panels(arrangement, 1.6, margins=(0.45, 0.55, 0.75, above), gaps=(0.18, above))
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
