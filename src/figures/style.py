"""The look of every figure: sizes, fonts, the colour of each network, and how a figure is written.

Sizes are final: the paper includes figures at their natural size, so that a font of 7 pt is 7 pt in print.
"""

from collections.abc import Callable, Sequence

import matplotlib.style
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from experiment.layout import figure_path
from experiment.storage import replacing
from flatness.names import parse_name

TEXT_WIDTH = 6.8  # inches
FONT_SIZE = 7  # points, the smallest in any figure
FAMILY_COLORS = {"resnet": "#0072B2", "plain": "#D55E00"}  # Okabe and Ito: told apart by colour-blind readers
REFERENCE_COLOR = "0.35"  # reference lines, such as chance
UNDEFINED_COLOR = "0.88"  # where a loss is not a number
COLORMAP = "viridis"  # perceptually uniform
PALEST = 0.5  # share of white in the colour of the shallowest network
DASHES = ((0, ()), (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1.5, 1, 1.5)), (0, (8, 2)), (0, (3, 1, 1, 1, 1, 1)))
RC = {
    "font.family": "DejaVu Sans",
    "font.size": FONT_SIZE,
    "axes.titlesize": FONT_SIZE + 1,
    "axes.labelsize": FONT_SIZE,
    "xtick.labelsize": FONT_SIZE,
    "ytick.labelsize": FONT_SIZE,
    "legend.fontsize": FONT_SIZE,
    "figure.titlesize": FONT_SIZE + 1,
    "axes.titlepad": 3.0,
    "axes.labelpad": 2.0,
    "axes.linewidth": 0.5,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2.0,
    "ytick.major.size": 2.0,
    "xtick.major.pad": 2.0,
    "ytick.major.pad": 2.0,
    "lines.linewidth": 1.1,
    "grid.color": "0.85",
    "grid.linewidth": 0.4,
    "axes3d.xaxis.panecolor": "white",
    "axes3d.yaxis.panecolor": "white",
    "axes3d.zaxis.panecolor": "white",
    "hatch.linewidth": 0.4,
    "hatch.color": "0.55",
    "legend.frameon": False,
    "legend.handlelength": 2.2,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,  # TrueType outlines, embedded
}
METADATA = {"pdf": {"CreationDate": None, "Creator": None, "Producer": None}, "png": {"Software": None}}


def variant(network: str) -> str:
    """A network's name without its depth: `resnet-tanh` for `resnet20-tanh`."""
    architecture = parse_name(network)
    return architecture.family + network.removeprefix(f"{architecture.family}{architecture.depth}")


def depths(networks: Sequence[str]) -> list[int]:
    """The depths among `networks`, ascending."""
    return sorted({parse_name(network).depth for network in networks})


def color_of(network: str, networks: Sequence[str]) -> str:
    """The family's colour, full for the deepest of `networks`, paler the shallower."""
    architecture, all_depths = parse_name(network), depths(networks)
    steps_below = len(all_depths) - 1 - all_depths.index(architecture.depth)
    white = PALEST * steps_below / max(1, len(all_depths) - 1)
    return to_hex([white + (1 - white) * channel for channel in to_rgb(FAMILY_COLORS[architecture.family])])


def dashes_of(network: str, networks: Sequence[str]) -> tuple:
    """A solid line, or another dash pattern for each further variant of the family."""
    family = parse_name(network).family
    variants = dict.fromkeys(variant(other) for other in networks if parse_name(other).family == family)
    return DASHES[list(variants).index(variant(network)) % len(DASHES)]


def write_figure(name: str, draw: Callable[[], Figure]) -> None:
    """Draw in this style, whatever the user's settings, and write figures/NAME.pdf and .png.

    The same figure gives the same bytes: no dates and no versions are written.
    """
    with matplotlib.style.context(RC, after_reset=True):
        figure = draw()
        for suffix, metadata in METADATA.items():
            with replacing(figure_path(name, suffix)) as temporary:
                figure.savefig(temporary, format=suffix, metadata=metadata)
