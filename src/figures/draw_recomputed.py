"""Contours with batch-norm statistics recomputed at each point, first declared seed."""

from matplotlib.figure import Figure

from figures.planes import contour_grid


def draw() -> Figure:
    return contour_grid("recomputed", lambda network, _: network)
