"""The ablation's runs: which there are, the dial, networks that differ by the B of y = F(x) + B x alone, their numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import nan
from typing import Any

from experiment.pairs import apart_from_shortcut
from flatness.names import parse_name

FEWEST_STRENGTHS = 3  # of a rank correlation
CUT_MEASURES = ("edge_rise", "excess_variation", "nonconvex_share", "monotone_share")


@dataclass(frozen=True)
class Response:
    """A number by which an ablation is judged: its name in results, its words, and the unit that follows them."""

    key: str
    name: str
    unit: str = ""


RESPONSES = (
    Response("train_loss", "training loss", "nats"),
    Response("test_error", "test error", "%"),
    Response("normalised_trace", "normalised trace"),
    Response("normalised_largest_eigenvalue", "normalised largest eigenvalue"),
    Response("edge_rise", "rise to the rim", "nats"),
    Response("excess_variation", "excess variation"),
)


def ablation_runs(section: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Networks and weight decays of the section `ablation`: each network with each, then what `further` adds."""
    parts = (section, section["further"])
    return [run for part in parts for run in product(part["networks"], part["weight_decays"])]


def weight_decays(section: Mapping[str, Any]) -> list[float]:
    """Those of any run, in the order of declaration."""
    return [*section["weight_decays"], *section["further"]["weight_decays"]]


def networks_at(section: Mapping[str, Any], decay: float) -> list[str]:
    """The networks that are trained with this weight decay."""
    return [network for network, declared in ablation_runs(section) if declared == decay]


def shared_decays(section: Mapping[str, Any], networks: Sequence[str]) -> list[float]:
    """The weight decays with which all these networks are trained."""
    return [decay for decay in weight_decays(section) if set(networks) <= set(networks_at(section, decay))]


def dials(section: Mapping[str, Any]) -> dict[float, list[str]]:
    """By weight decay the networks of the dial, where they have enough strengths for a rank correlation."""
    whole = dial(section["networks"])
    found = {d: [n for n in whole if n in networks_at(section, d)] for d in weight_decays(section)}
    return {
        d: networks for d, networks in found.items() if len(set(map(strength, networks))) >= FEWEST_STRENGTHS
    }


def dial(networks: Sequence[str]) -> list[str]:
    """The declared networks that differ by B alone, by ascending B; of several such groups the one with most values.

    A plain network is B = 0, a residual one without a suffix B = 1. Projections are another type of shortcut and
    not of the dial.
    """
    groups: dict[tuple, list[str]] = {}
    for network in networks:
        architecture = parse_name(network)
        if not architecture.projection:
            groups.setdefault(apart_from_shortcut(architecture), []).append(network)
    largest = max(groups.values(), key=len, default=[])
    return sorted(largest, key=strength)


def others(networks: Sequence[str]) -> list[str]:
    """The declared networks that are not of the dial, in their order."""
    of_the_dial = dial(networks)
    return [network for network in networks if network not in of_the_dial]


def strength(network: str) -> float:
    """B of y = F(x) + B s(x)."""
    return parse_name(network).shortcut


def counterpart(network: str, networks: Sequence[str]) -> str | None:
    """The network of the dial with the same B, from which a variant differs by type or activation; None without."""
    return next((other for other in dial(networks) if strength(other) == strength(network)), None)


def numbers(run: Mapping[str, Any]) -> dict[str, float]:
    """An ablation's numbers by name: scalars, and means over directions of its cuts; NaN where not measured.

    The mean over directions is not a number where that of any direction is not.
    """
    scalars = {
        key: _number(run.get(key))
        for key in (
            "train_loss",
            "largest_eigenvalue",
            "trace",
            "normalised_largest_eigenvalue",
            "normalised_trace",
        )
    }
    cuts = {key: _mean((run.get("cuts") or {}).get(key)) for key in CUT_MEASURES}
    return scalars | cuts | {"test_error": 100 * (1 - _number(run.get("test_accuracy")))}


def _number(value: float | None) -> float:
    return nan if value is None else float(value)


def _mean(values: Sequence[float | None] | None) -> float:
    return sum(map(_number, values)) / len(values) if values else nan
