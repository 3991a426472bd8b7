"""Contours of the training loss about the final weights, first declared seed: families by depths."""

from matplotlib.figure import Figure

from figures.planes import contour_grid


def draw() -> Figure:
    return contour_grid("final", lambda network, _: network)
