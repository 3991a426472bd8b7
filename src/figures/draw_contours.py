"""Contours of the training loss about the final weights, first declared seed: families by depths."""

from matplotlib.figure import Figure

from figures.planes import contour_grid
from figures.style import write_figure


def draw() -> Figure:
    return contour_grid("final", lambda network, _: network)


if __name__ == "__main__":
    write_figure("contours", draw)
