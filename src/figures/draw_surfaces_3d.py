"""The loss about the final weights as 3-D surfaces, residual beside plain, first declared seed.

The depth shown is the deepest that is declared for both families, or the deepest of all if none is.
"""

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d import Axes3D

from experiment.parameters.study import load_study
from figures.losses import chance_loss, loss_scale, plain_number, round_numbers
from figures.planes import add_loss_bar, add_plane_legend, direction_ticks, training_surfaces
from figures.sheets import in_rows, sheet_of_panels
from figures.style import COLORMAP, REFERENCE_COLOR, depths, write_figure
from flatness.networks import parse_name

CEILING = 1e4  # nats: losses beyond are drawn as this
VIEWPOINT = {"elev": 28, "azim": -55}  # degrees


def draw() -> Figure:
    study = load_study()
    networks = deepest_pair(study.networks)
    surfaces = training_surfaces(networks, study.seeds[0], "final")
    scale = loss_scale([surface.loss.values for surface in surfaces.values()], CEILING)
    chance, chance_name = chance_loss()
    arrangement = in_rows(networks, per_row=2)
    sheet = sheet_of_panels(
        arrangement,
        widest=2.95,
        aspect=0.9,
        margins=(0.0, 0.3, 0.75, 0.18),
        gaps=(0.1, 0.25),
        projection="3d",
    )
    for axes, network, _, _ in sheet.entries(arrangement):
        surface = surfaces[network]
        draw_surface(axes, surface.alpha.values, surface.beta.values, surface.loss.values, *scale.ends)
        axes.set_title(network, y=1.0)
    add_loss_bar(sheet, scale, chance, LogNorm(*scale.ends))
    add_plane_legend(sheet, chance_name)
    return sheet.figure


def deepest_pair(networks: list[str]) -> list[str]:
    """The networks of the deepest depth that has both families; of the deepest depth if none has."""
    of_depth = {depth: [n for n in networks if parse_name(n).depth == depth] for depth in depths(networks)}
    pairs = [
        depth for depth, members in of_depth.items() if len({parse_name(n).family for n in members}) == 2
    ]
    return of_depth[max(pairs or of_depth)]


def draw_surface(
    axes: Axes3D, alpha: np.ndarray, beta: np.ndarray, loss: np.ndarray, low: float, high: float
) -> None:
    """loss [alpha, beta] in height and colour, both logarithmic from `low` to `high`."""
    frame(axes, alpha, beta, low, high)
    if np.isnan(loss).all():
        axes.text2D(
            0.5, 0.5, "diverged", transform=axes.transAxes, ha="center", va="center", color=REFERENCE_COLOR
        )
        return
    axes.plot_surface(
        *np.meshgrid(alpha, beta, indexing="ij"),
        np.log10(np.clip(loss, low, high)),
        rcount=len(alpha),
        ccount=len(beta),
        cmap=COLORMAP,
        norm=Normalize(np.log10(low), np.log10(high)),
        edgecolor=(0, 0, 0, 0.35),
        linewidth=0.15,
    )


def frame(axes: Axes3D, alpha: np.ndarray, beta: np.ndarray, low: float, high: float) -> None:
    """The same box, ticks and viewpoint for every surface."""
    axes.set(xlim=(alpha[0], alpha[-1]), ylim=(beta[0], beta[-1]), zlim=(np.log10(low), np.log10(high)))
    losses = round_numbers(1.01 * low, high, most=6)
    for axis, name in ((axes.xaxis, r"$\alpha$"), (axes.yaxis, r"$\beta$")):
        axis.set_ticks(*direction_ticks(float(alpha[-1])))
        axis.set_label_text(name)
        axis.labelpad = -9
    axes.set_zticks(np.log10(losses), [plain_number(loss) for loss in losses])
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axes.tick_params(axis=axis.axis_name, pad=-3)
    axes.set_box_aspect((1, 1, 0.75), zoom=1.0)
    axes.view_init(**VIEWPOINT)


if __name__ == "__main__":
    write_figure("surfaces_3d", draw)
