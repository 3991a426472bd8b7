"""Contours about the checkpoints of equal training loss, first declared seed: families by depths.

Each panel names the epoch of its checkpoint and the loss measured at its centre.
"""

import xarray
from matplotlib.figure import Figure

from figures.planes import contour_grid


def draw() -> Figure:
    return contour_grid("matched", title)


def title(network: str, surface: xarray.Dataset) -> str:
    if surface.loss.isnull().all():
        return f"{network}\n"
    centre = float(surface.loss.sel(alpha=0, beta=0, method="nearest"))
    return f"{network}\nepoch {float(surface.attrs['epoch']):g}, loss {centre:.2f}"
