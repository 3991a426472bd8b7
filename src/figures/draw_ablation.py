"""Dose and response: what the ablation measured against B of y = F(x) + B x, a line for each weight decay.

Lines join means over seeds, points are single runs. Variants of another shortcut or activation stand beside the dial as
markers of their own, to the left of B = 0 and to the right of every other B.
"""

from collections.abc import Mapping
from math import isfinite

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiment.dial import RESPONSES, Response, ablation_runs, dial, numbers, others, strength
from experiment.evidence import ablation_path
from experiment.parameters.ablation import Ablation
from experiment.parameters.loading import load_section
from experiment.storage import read_json
from figures.curves import Legend, seed_note
from figures.losses import round_numbers
from figures.sheets import in_rows, sheet_of_panels
from figures.style import DASHES, FAMILY_COLORS, REFERENCE_COLOR
from flatness.names import parse_name

MARKERS = "s^DvP*X<>ph"  # of the variants
SIZE = 3.5  # points, of a marker
SAME = 1e-9  # relative: values within it are one value
DODGE = 0.09  # of B, between variants of the same B
UNITS = {"normalised_trace": "nats", "normalised_largest_eigenvalue": "nats"}  # absent in text
LOGARITHMIC = {"train_loss", "normalised_trace", "normalised_largest_eigenvalue", "edge_rise"}

Runs = dict[tuple[str, float], list[dict[str, float]]]  # by network and weight decay, one entry for each seed


def draw() -> Figure:
    declared = load_section("ablation", Ablation)
    runs = read_runs(declared)
    legend = legend_of(declared, runs)
    panels = in_rows(RESPONSES, 3)
    sheet = sheet_of_panels(
        panels, widest=1.8, aspect=0.58, margins=(0.5, 0.38 + legend.height, 0.08, 0.2), gaps=(0.5, 0.28)
    )
    for axes, response, _, lowest in sheet.entries(panels):
        draw_response(axes, response, declared, runs)
        axes.set_title(response.name)
        axes.set(
            xlabel="strength $B$ of the shortcut" if lowest else "",
            ylabel=response.unit or UNITS.get(response.key, ""),
        )
        axes.tick_params(labelbottom=lowest)
    legend.add_to(sheet.figure)
    return sheet.figure


def read_runs(declared: Ablation) -> Runs:
    return {
        (network, decay): [numbers(read_json(ablation_path(network, decay, seed))) for seed in declared.seeds]
        for network, decay in ablation_runs(declared.model_dump())
    }


def decays_of(runs: Runs) -> list[float]:
    return list(dict.fromkeys(decay for _, decay in runs))


def draw_response(axes: Axes, response: Response, declared: Ablation, runs: Runs) -> None:
    """One number against B: the dial's line and points for each weight decay, and the variants' points."""
    values = {key: np.array([run[response.key] for run in found]) for key, found in runs.items()}
    for number, decay in enumerate(decays_of(runs)):
        trained = [network for network in declared.networks if (network, decay) in values]
        networks = [network for network in dial(declared.networks) if network in trained]
        means = [values[network, decay].mean() for network in networks]
        dashes = DASHES[number % len(DASHES)]
        axes.plot(
            list(map(strength, networks)), means, color=REFERENCE_COLOR, linewidth=0.8, linestyle=dashes
        )
        for network in trained:
            look = marker_of(network, declared) | face_of(network, number)
            x = np.full(len(declared.seeds), place_of(network, declared))
            axes.plot(x, values[network, decay], **look)
    set_axes(axes, response, np.concatenate(list(values.values())), declared)


def place_of(network: str, declared: Ablation) -> float:
    """B; for variants beside it, each at a place of its own."""
    variants = others(declared.networks)
    if network not in variants:
        return strength(network)
    same = [other for other in variants if strength(other) == strength(network)]
    aside = DODGE * (1 + same.index(network))
    return -aside if strength(network) == 0 else strength(network) + aside


def marker_of(network: str, declared: Ablation) -> dict:
    """A circle on the dial, another marker for each variant, in the family's colour."""
    variants = others(declared.networks)
    marker = MARKERS[variants.index(network) % len(MARKERS)] if network in variants else "o"
    color = FAMILY_COLORS[parse_name(network).family]
    return {"marker": marker, "color": color, "linestyle": "none", "markersize": SIZE, "markeredgewidth": 0.8}


def face_of(network: str, number: int) -> dict:
    """Full for the first weight decay, empty for the second, paler from then on."""
    color = FAMILY_COLORS[parse_name(network).family]
    return {"markerfacecolor": color if number == 0 else "none", "alpha": 1.0 if number < 2 else 0.5}


def set_axes(axes: Axes, response: Response, values: np.ndarray, declared: Ablation) -> None:
    """Room for the variants beside the dial; a logarithmic axis where all values are positive and it serves."""
    places = [place_of(network, declared) for network in declared.networks]
    axes.set_xlim(min(places) - 0.08, max(places) + 0.08)
    axes.set_xticks([tick for tick in (0, 0.25, 0.5, 0.75, 1) if min(places) <= tick <= max(places)])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "not measured", ha="center", va="center", transform=axes.transAxes)
    elif np.ptp(finite) <= SAME * abs(finite[0]):
        axes.set(
            ylim=(finite[0] - 0.5, finite[0] + 0.5), yticks=[finite[0]], yticklabels=[f"{finite[0]:.4g}"]
        )
        text = f"{finite[0]:.4g} in every run"
        axes.text(0.5, 0.6, text, ha="center", transform=axes.transAxes, color=REFERENCE_COLOR)
    elif response.key in LOGARITHMIC and finite.min() > 0:
        low, high = finite.min() / 1.2, finite.max() * 1.2
        axes.set(yscale="log", ylim=(low, high))
        axes.yaxis.set_major_locator(FixedLocator(round_numbers(low, high, 6)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        axes.yaxis.get_major_locator().set_params(nbins=5)


def legend_of(declared: Ablation, runs: Runs) -> Legend:
    """Weight decays by dashes and filling, families by colour, variants by marker; who diverged is named."""
    decays = [
        Line2D(
            [],
            [],
            color=REFERENCE_COLOR,
            linewidth=0.8,
            linestyle=DASHES[number % len(DASHES)],
            marker="o",
            markersize=SIZE,
            **({} if number == 0 else {"markerfacecolor": "none"}),
        )
        for number in range(len(decays_of(runs)))
    ]
    names = [f"weight decay {decay:g}" for decay in decays_of(runs)]
    noted = [network for network in declared.networks if network in others(declared.networks)]
    noted += [
        network for network in dial(declared.networks) if survivors(network, runs) < total(network, runs)
    ]
    handles = [Line2D([], [], **marker_of(network, declared)) for network in noted]
    families = {parse_name(network).family: network for network in dial(declared.networks)}
    dials = [Line2D([], [], **marker_of(network, declared)) for network in families.values()]
    titles = [f"{family} networks of the dial" for family in families]
    notes = [run_note(network, runs) for network in noted]
    return Legend([*decays, *dials, *handles], [*names, *titles, *notes])


def total(network: str, runs: Runs) -> int:
    return sum(len(found) for (name, _), found in runs.items() if name == network)


def survivors(network: str, runs: Runs) -> int:
    """Runs of the network, over weight decays and seeds, that did not diverge."""
    return sum(
        isfinite(run["train_loss"]) for (name, _), found in runs.items() if name == network for run in found
    )


def run_note(network: str, runs: Mapping) -> str:
    """As `seed_note`, of runs: `resnet8-tanh (1 of 2 runs)`."""
    return seed_note(network, survivors(network, runs), total(network, runs)).replace("seeds)", "runs)")
