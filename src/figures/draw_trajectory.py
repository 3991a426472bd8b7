"""The path of training on its principal plane, first declared seed, a panel per network.

Filled contours are the plane's loss, numbers beside the path epochs. Below each plane: the loss at the
checkpoints themselves and at their projections onto the plane, batch-norm statistics recomputed for both.
"""

from itertools import pairwise

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from experiment.layout import trajectory_path
from experiment.parameters.study import load_study
from experiment.slices import read_slice
from figures.curves import set_loss_axis
from figures.losses import chance_loss, loss_scale
from figures.planes import add_loss_bar, add_plane_legend, draw_plane
from figures.sheets import Sheet, arrange, place, sheet_of_panels
from figures.style import FONT_SIZE, color_of

DROP, HEIGHT = 0.4, 0.5  # inches: from a plane down to its panel of losses, and that panel's height
NUMBER_DISTANCE = 0.22  # least distance of two numbered checkpoints, as a share of the plane's sides
NUMBER_PLACES = (
    (0, 1),
    (1, 1),
    (1, 0),
    (1, -1),
    (0, -1),
    (-1, -1),
    (-1, 0),
    (-1, 1),
)  # of a point: right, up
NUMBER_GAP, BORDER_GAP = 4.5, 2.0  # points from a number to its checkpoint and to the panel's border
HALO = [withStroke(linewidth=2.2, foreground="black")]
LOSSES = {
    "recomputed_loss": "-",
    "projected_loss": (0, (2, 1)),
}  # at checkpoints and at their projections: dashes


def draw() -> Figure:
    study = load_study()
    paths = {network: read_slice(trajectory_path(network, study.seeds[0])) for network in study.networks}
    scale = loss_scale(path.surface_loss.values for path in paths.values())
    chance, chance_name = chance_loss()
    arrangement = arrange(study.networks)
    sheet = sheet_of_panels(
        arrangement,
        widest=1.6,
        margins=(0.5, 0.55 + DROP + HEIGHT, 0.75, 0.22),
        gaps=(0.45, 0.6 + DROP + HEIGHT),
    )
    strips = []
    for axes, network, leftmost, _ in sheet.entries(arrangement):
        path = paths[network]
        surface = path.surface_loss.transpose("x", "y").values
        draw_plane(axes, path.x.values, path.y.values, surface, scale, chance)
        axes.set_title(network)
        if path.surface_loss.isnull().all():
            axes.set(xticks=[], yticks=[])
            continue
        axes.set_aspect("auto")  # the panels' sides are equal, whatever the components' ranges
        draw_path(axes, path)
        strips.append(panel_below(sheet, axes))
        draw_losses(strips[-1], path, color_of(network, study.networks), leftmost)
    set_loss_axis(strips, [path[name].values for path in paths.values() for name in LOSSES])
    add_loss_bar(sheet, scale, chance)
    losses = [path.surface_loss.values for path in paths.values()]
    names = ("at checkpoints", "at their projections")
    add_plane_legend(sheet, chance_name, losses, dict(zip(names, LOSSES.values(), strict=True)))
    return sheet.figure


def panel_below(sheet: Sheet, axes: Axes) -> Axes:
    """A low panel under a plane, as wide as the plane's place."""
    across, up = sheet.figure.get_size_inches()
    box = axes.get_position(original=True)
    return place(sheet.figure, box.x0 * across, box.y0 * up - DROP - HEIGHT, box.width * across, HEIGHT)


def draw_path(axes: Axes, path: xarray.Dataset) -> None:
    """The projected path, its checkpoints, the epochs of some, and the axes' share of the path's variance."""
    points = path.path.transpose("checkpoint", "component").values
    axes.plot(*points.T, color="white", linewidth=1.0, marker="o", markersize=1.8, path_effects=HALO)
    sides = [np.ptp(path.x.values), np.ptp(path.y.values)]
    for index in numbered(points / sides, NUMBER_DISTANCE):
        epoch = f"{path.epoch.values[index]:g}"
        axes.annotate(
            epoch,
            points[index],
            xytext=clearest_place(axes, points, index, epoch),
            textcoords="offset points",
            ha="center",
            va="center_baseline",
            color="white",
            fontsize=FONT_SIZE,
            path_effects=HALO,
            annotation_clip=True,
        )
    first, second = path.explained_variance.values
    axes.set(xlabel=f"PC 1 ({100 * first:.0f} %)", ylabel=f"PC 2 ({100 * second:.0f} %)")
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_locator(MaxNLocator(4))


def numbered(points: np.ndarray, distance: float) -> list[int]:
    """Indices of points [P, 2] that are `distance` apart: the last, the first where it can, then in order."""
    chosen: list[int] = []
    for index in [len(points) - 1, *range(len(points) - 1)]:
        if all(np.linalg.norm(points[index] - points[other]) >= distance for other in chosen):
            chosen.append(index)
    return sorted(chosen)


def clearest_place(axes: Axes, points: np.ndarray, index: int, text: str) -> tuple[float, float]:
    """Of the places about a point of the path [P, 2], in points from it, that in the panel whose text is the farthest from the path."""
    pixels = axes.figure.dpi / 72
    corners = axes.transData.transform(points) / pixels  # points, as the places
    steps = np.linspace(0, 1, 20)[:, None]
    path = np.concatenate([corners, *(a + steps * (b - a) for a, b in pairwise(corners))])
    (left, bottom), (right, top) = axes.bbox.get_points() / pixels
    half = np.array([0.3 * len(text), 0.4]) * FONT_SIZE  # the text's size, from its middle

    def clearance(place: tuple[float, float]) -> tuple[float, float]:
        x, y = middle = corners[index] + place
        if min(x - left - half[0], right - x - half[0], y - bottom - half[1], top - y - half[1]) < BORDER_GAP:
            return -1.0, 0.0
        apart = np.abs(path - middle)
        return np.hypot(*np.maximum(apart - half, 0).T).min().round(1), np.hypot(*apart.T).min()

    places = (tuple(np.multiply(place, half + NUMBER_GAP)) for place in NUMBER_PLACES)
    return max(places, key=clearance)


def draw_losses(axes: Axes, path: xarray.Dataset, color: str, leftmost: bool) -> None:
    """Loss by epoch, at the checkpoints and at their projections onto the plane."""
    for name, dashes in LOSSES.items():
        axes.plot(path.epoch, path[name], color=color, linestyle=dashes)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set(xlabel="epoch", ylabel="loss (nats)" if leftmost else "")
