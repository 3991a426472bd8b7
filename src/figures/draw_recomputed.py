"""Contours with batch-norm statistics recomputed at each point, first declared seed."""

from matplotlib.figure import Figure

from figures.planes import contour_grid
from figures.style import write_figure


def draw() -> Figure:
    return contour_grid("recomputed", lambda network, _: network)


if __name__ == "__main__":
    write_figure("recomputed", draw)
