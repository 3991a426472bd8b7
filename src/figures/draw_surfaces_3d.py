"""The loss about the final weights as 3-D surfaces, residual beside plain, first declared seed.

The depth shown is the deepest that is declared for both families, or the deepest of all if none is.
"""

from collections.abc import Iterable

import numpy as np
import xarray
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d import Axes3D

from experiment.parameters.study import load_study
from figures.losses import chance_loss, loss_scale, plain_number, round_numbers
from figures.planes import CHANCE_LINE, add_loss_bar, add_plane_legend, direction_ticks, training_surfaces
from figures.sheets import in_rows, sheet_of_panels
from figures.style import COLORMAP, REFERENCE_COLOR, depths
from flatness.names import parse_name

CEILING = 1e4  # nats: losses beyond are drawn as this
ELEVATION = 38  # degrees: high enough to look over the near rim
AZIMUTHS = {(1, -1): -55, (1, 1): 35, (-1, 1): 125, (-1, -1): 215}  # degrees, by the nearest corner


def draw() -> Figure:
    study = load_study()
    networks = deepest_pair(study.networks)
    surfaces = training_surfaces(networks, study.seeds[0], "final")
    scale = loss_scale([surface.loss.values for surface in surfaces.values()], CEILING)
    chance, chance_name = chance_loss()
    azimuth = AZIMUTHS[lowest_corner(surfaces.values())]
    arrangement = in_rows(networks, per_row=2)
    sheet = sheet_of_panels(
        arrangement,
        widest=2.7,
        aspect=0.86,
        margins=(0.3, 0.28, 0.98, 0.12),
        gaps=(0.35, 0.25),
        projection="3d",
    )
    for axes, network, _, _ in sheet.entries(arrangement):
        surface = surfaces[network]
        alpha, beta = surface.alpha.values, surface.beta.values
        frame(axes, alpha, beta, *scale.ends)
        axes.view_init(elev=ELEVATION, azim=azimuth)
        draw_surface(axes, alpha, beta, surface.loss.values, *scale.ends, chance)
        axes.set_title(network, loc="left", y=0.94)
    add_loss_bar(sheet, scale, chance, LogNorm(*scale.ends), distance=0.35)
    add_plane_legend(sheet, chance_name)
    return sheet.figure


def deepest_pair(networks: list[str]) -> list[str]:
    """The networks of the deepest depth that has both families; of the deepest depth if none has."""
    of_depth = {depth: [n for n in networks if parse_name(n).depth == depth] for depth in depths(networks)}
    pairs = [
        depth for depth, members in of_depth.items() if len({parse_name(n).family for n in members}) == 2
    ]
    return of_depth[max(pairs or of_depth)]


def lowest_corner(surfaces: Iterable[xarray.Dataset]) -> tuple[int, int]:
    """Signs of alpha and beta of the quarter whose losses are the lowest: nearest to the eye, it hides the least."""
    heights = {corner: 0.0 for corner in AZIMUTHS}
    for surface in surfaces:
        loss = np.log10(np.clip(surface.loss, 1e-9, CEILING))
        for a, b in AZIMUTHS:
            quarter = loss.where((a * loss.alpha >= 0) & (b * loss.beta >= 0))
            heights[a, b] += float(quarter.mean(skipna=True).fillna(0))
    return min(heights, key=heights.__getitem__)


def draw_surface(
    axes: Axes3D,
    alpha: np.ndarray,
    beta: np.ndarray,
    loss: np.ndarray,
    low: float,
    high: float,
    chance: float,
) -> None:
    """loss [alpha, beta] in height and colour, both logarithmic from `low` to `high`, and the line of chance on it."""
    if np.isnan(loss).all():
        axes.text2D(
            0.5, 0.5, "diverged", transform=axes.transAxes, ha="center", va="center", color=REFERENCE_COLOR
        )
        return
    x, y = np.meshgrid(alpha, beta, indexing="ij")
    height = np.log10(np.clip(loss, low, high))
    axes.computed_zorder = False  # else the whole line may be drawn before the surface
    axes.plot_surface(
        x,
        y,
        height,
        rcount=len(alpha),
        ccount=len(beta),
        cmap=COLORMAP,
        norm=Normalize(np.log10(low), np.log10(high)),
        edgecolor=(0, 0, 0, 0.35),
        linewidth=0.15,
        zorder=1,
    )
    if np.nanmin(height) < np.log10(chance) < np.nanmax(height):
        line = {f"{name}s": [value] for name, value in CHANCE_LINE.items()}
        axes.contour(x, y, height, [np.log10(chance)], zorder=2, **line)


def frame(axes: Axes3D, alpha: np.ndarray, beta: np.ndarray, low: float, high: float) -> None:
    """The same box, ticks and names for every surface."""
    axes.set(xlim=(alpha[0], alpha[-1]), ylim=(beta[0], beta[-1]), zlim=(np.log10(low), np.log10(high)))
    losses = round_numbers(1.01 * low, high, most=6)
    for axis, name in ((axes.xaxis, r"$\alpha$"), (axes.yaxis, r"$\beta$")):
        axis.set_ticks(*direction_ticks(float(alpha[-1]) / 2))  # not at the corners, where two axes meet
        axis.set_label_text(name)
        axis.labelpad = -7
    axes.set_zticks(np.log10(losses), [plain_number(loss) for loss in losses])
    axes.zaxis.set_rotate_label(False)
    axes.set_zlabel("loss (nats, log scale)", rotation=90, labelpad=-5)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axes.tick_params(axis=axis.axis_name, pad=-3)
    axes.set_box_aspect((1, 1, 0.75), zoom=1.0)
