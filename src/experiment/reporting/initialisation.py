"""Gradients of untrained networks for the paper: their course through the layers, and their shattering."""

from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from experiment.evidence import INITIALISATION
from experiment.reporting.latex import (
    enumeration,
    fixed,
    known_of,
    measured,
    named,
    significant,
    tabular,
    typewriter,
)
from experiment.reporting.results import Results
from experiment.reporting.wording import capital, count_noun
from experiment.storage import read_json
from flatness.names import parse_name

LAG = 0.02  # of the line's length: the lag that is printed, rounded to a measured one
Run = dict[str, Any]


def untrained(results: Results, name: str) -> list[Run]:
    """The runs of an untrained network, by seed; none where it is not declared."""
    networks = read_json(INITIALISATION)["networks"]
    return networks[name]["runs"] if name in networks else []


def layer_ratio(run: Run) -> float | None:
    """Gradient norm of the first layer over that of the last; None where not measured, or the last is 0."""
    norms = list(run["layers"].values())
    return norms[0] / norms[-1] if norms and measured(norms[0]) and norms[-1] else None


def lag_of(results: Results) -> int:
    """The lag nearest to a fiftieth of the line, at least one step."""
    return max(1, round(LAG * (results.parameters["initialisation"]["inputs"] - 1)))


def correlation_at(lag: int, run: Run) -> float | None:
    return run["correlation"][lag] if run["correlation"] else None


def typical(values: list[float | None]) -> float | None:
    """The median of what was measured."""
    known = [value for value in values if measured(value)]
    return median(known) if known else None


def design(results: Results) -> str:
    """Which networks are measured untrained: families, depths, seeds, variants and what their suffixes say."""
    declared = results.parameters["initialisation"]
    seeds = declared["seeds"]
    suffixes = [
        f"{typewriter(variant) if variant else 'none'} ({_in_words(variant)})"
        for variant in declared["variants"]
    ]
    return (
        f"Measured before training are {named(declared['families'])} networks "
        f"of depth {enumeration(list(map(str, declared['depths'])))}, from {'seeds' if len(seeds) > 1 else 'seed'} "
        f"{enumeration(list(map(str, seeds)))} each, with the {'suffixes' if len(suffixes) > 1 else 'suffix'} "
        f"{enumeration(suffixes)}."
    )


def _in_words(variant: str) -> str:
    """`tanh, no batch norm` of -tanh-nonorm, and what else differs from the plain name."""
    architecture = parse_name(f"resnet8{variant}")
    words = [
        architecture.activation,
        "batch norm" if architecture.normalised else "no batch norm",
        "projection shortcuts" if architecture.projection else "",
        f"shortcut times {architecture.shortcut:g}" if architecture.shortcut != 1 else "",
        f"{architecture.width} times the channels" if architecture.width != 1 else "",
    ]
    return ", ".join(word for word in words if word)


def initial_gradients(results: Results) -> str:
    """How the gradient changes from the last layer to the first, at the largest declared depth."""
    return _by_variant(
        results,
        layer_ratio,
        "the norm of the first layer's gradient over that of the last's is {}",
        significant,
    )


def initial_correlations(results: Results) -> str:
    """How alike gradients a fiftieth of a line of images apart are, at the largest declared depth."""
    lag = lag_of(results)
    share = significant(lag / (results.parameters["initialisation"]["inputs"] - 1), 2)
    start = f"the correlation of input gradients {share} of the line apart is {{}}"
    return _by_variant(results, partial(correlation_at, lag), start, partial(fixed, digits=2))


def _by_variant(
    results: Results, quantity: Callable[[Run], float | None], start: str, printed: Callable[[float], str]
) -> str:
    """One clause for each variant, family beside family; what was not measured is named."""
    declared = results.parameters["initialisation"]
    depth = max(declared["depths"])
    clauses, lost = [], []
    for variant in declared["variants"]:
        values = {}
        for family in declared["families"]:
            name = f"{family}{depth}{variant}"
            value = typical([quantity(run) for run in untrained(results, name)])
            if value is None:
                lost.append(typewriter(name))
            else:
                values[family] = f"{printed(value)} for {typewriter(name)}"
        if values:
            clauses.append(enumeration(list(values.values())))
    missing = f" Not measured: {enumeration(lost)}." if lost else ""
    if not clauses:
        return f"No untrained network of depth {depth} could be measured.{missing}"
    seeds = count_noun(len(declared["seeds"]), "seed")
    text = start.format("; ".join(clauses))
    return capital(f"at depth {depth}, before training, {text} (medians over {seeds}).{missing}")


def initialisation_table(results: Results) -> str:
    """By variant and depth: ratio of first to last layer and correlation, family beside family."""
    declared = results.parameters["initialisation"]
    families = declared["families"]
    lag = lag_of(results)
    groups = [
        [
            [
                (typewriter(variant) if variant else "batch norm") if number == 0 else "",
                str(depth),
                *(_cell(results, f"{f}{depth}{variant}", layer_ratio, significant) for f in families),
                *(
                    _cell(
                        results,
                        f"{f}{depth}{variant}",
                        partial(correlation_at, lag),
                        partial(fixed, digits=2),
                    )
                    for f in families
                ),
            ]
            for number, depth in enumerate(declared["depths"])
        ]
        for variant in declared["variants"]
    ]
    head = ["Variant", "Depth"] + [
        f"{kind}, {f}" for kind in ("First / last", "Correlation") for f in families
    ]
    return tabular("lr" + "r" * (2 * len(families)), head, groups)


def _cell(
    results: Results,
    name: str,
    quantity: Callable[[Run], float | None],
    printed: Callable[[float | None], str],
) -> str:
    """The median over seeds, and how many seeds where not all."""
    values = [quantity(run) for run in untrained(results, name)]
    known = sum(map(measured, values))
    return printed(typical(values)) + known_of(known, len(values))


INITIALISATION_SENTENCES = {
    "initialisation_design": design,
    "initial_gradients": initial_gradients,
    "initial_correlations": initial_correlations,
}
INITIALISATION_TABLES = {"initialisation": initialisation_table}
