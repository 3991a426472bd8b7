"""Write the study in short, in Markdown: what was run and found, the networks, the pairs, the verdicts on claims."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from experiment.pairs import Pair, pairs
from experiment.reporting.claims import decided_claims, verdict_count, within_pairs
from experiment.reporting.comparison import Difference, roughness_difference, test_error_difference
from experiment.reporting.curvature_values import values as curvature_of
from experiment.reporting.judgement import (
    QUALITIES,
    WITHIN,
    Judged,
    Quality,
    outcome,
    plane_variation,
    unanimous,
)
from experiment.reporting.landscape_sentences import abstract
from experiment.reporting.latex import scaled
from experiment.reporting.results import Results, load_results, printed, spread
from experiment.reporting.slice_sentences import PLACES
from experiment.reporting.wording import paragraph, verdict
from experiment.storage import replacing

SUMMARY = Path("results/summary.md")
ABSENT, NOT_COMPARABLE = "–", "not comparable"
SIGNS = {r"\ensuremath{-}": "−", r"\textpm": "±", r"\%": "%", r"\,": " ", r"\_": "_"}


@dataclass(frozen=True)
class Column:
    """A column of the table: its title, a network's values by seed, and the decimals to print."""

    title: str
    values: Callable[[Results, str], list[float | None]]
    digits: int


def measure(state: str, name: str) -> Callable[[Results, str], list[float | None]]:
    return lambda results, network: results.measure(network, state, name)


def normalised_trace(results: Results, network: str) -> list[float | None]:
    """Of the filter-normalised Hessian at equal training loss, by seed."""
    return curvature_of(results, network, "matched", "normalised_trace")


def test_errors(results: Results, network: str) -> list[float | None]:
    """In per cent."""
    return [None if share is None else 100 * share for share in results.test_errors(network)]


COLUMNS = (
    Column("Training loss", Results.train_losses, 3),
    Column("Test error (%)", test_errors, 2),
    Column("Rise, final", measure("cuts", "edge_rise"), 2),
    Column("Rise, equal loss", measure("matched_cuts", "edge_rise"), 2),
    Column("Half-way, final", measure("cuts", "halfway_distance"), 2),
    Column("Half-way, equal loss", measure("matched_cuts", "halfway_distance"), 2),
    Column("Trace, equal loss", normalised_trace, 0),
)


def main() -> None:
    text = summary(load_results())
    with replacing(SUMMARY) as temporary:
        temporary.write_text(text)


def summary(results: Results) -> str:
    """The whole text; numbers are means over seeds, with the standard deviation where there are several."""
    where = "Each is an entry of the scale's `results/claims.json` and a row of the paper's last table."
    claims = paragraph([verdict_count(results), markdown(within_pairs(results)), where])
    decided = "\n".join(f"- {markdown(sentence)}" for sentence in decided_claims())
    found = f"**In short.** {markdown(abstract(results))}"
    parts = [setting(results), found, networks_table(results), pairs_table(results), claims, decided]
    return "\n\n".join(filter(None, parts)) + "\n"


def markdown(sentence: str) -> str:
    """A sentence of the paper, which has emphasis, names, signs and spaces as its only LaTeX."""
    for command, sign in (("emph", "*"), ("texttt", "`")):
        sentence = re.sub(rf"\\{command}{{((?:[^{{}}]|\\_)*)}}", rf"{sign}\1{sign}", sentence)
    sentence = re.sub(r"\\ensuremath{([^{}]+) \\times 10\^{(-?\d+)}}", r"\1 × 10^\2", sentence)
    for command, sign in SIGNS.items():
        sentence = sentence.replace(command, sign)
    return sentence


def setting(results: Results) -> str:
    images = results.dataset["train"]["images"]
    epochs = results.parameters["train"]["recipe"]["epochs"]
    seeds = len(results.study.seeds)
    return (
        f"Scale `{results.scale}`: {results.dataset_title}, {images:,} training images, {epochs} epochs, "
        f"{seeds} seed{'s' if seeds > 1 else ''}."
    )


def networks_table(results: Results) -> str:
    head = ["Network", "Parameters", *(column.title for column in COLUMNS)]
    rows = [network_row(results, network) for network in results.study.networks]
    return table(head, ["---", *("---:" for _ in head[1:])], rows)


def table(head: list[str], alignment: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, alignment, *rows))


def network_row(results: Results, network: str) -> list[str]:
    cells = [cell(column.values(results, network), column.digits) for column in COLUMNS]
    return [f"`{network}`", f"{results.parameter_count(network):,}", *cells]


def cell(values: list[float | None], digits: int) -> str:
    """Mean ± standard deviation over seeds; a dash where nothing was measured."""
    found = spread(values)
    if found.mean is None:
        return ABSENT
    deviation = "" if found.deviation is None else f" ± {found.deviation:.{digits}f}"
    return f"{found.mean:.{digits}f}{deviation}"


def pairs_table(results: Results) -> str:
    """Each pair's numbers in both comparisons, with the paper's verdicts; nothing without pairs."""
    rows = [row for pair in pairs(results.study.networks) for row in pair_rows(results, pair)]
    head = ["Residual against plain", *PLACES.values()]
    return table(head, ["---"] * len(head), rows) if rows else ""


def pair_rows(results: Results, pair: Pair) -> list[list[str]]:
    """Test error, the measures of the cuts, and the planes' excess variation, which has no verdict."""
    measures = [
        [
            judged.name + unit(judged),
            *(judged_cell(results, pair, state, quality, judged) for state in PLACES),
        ]
        for quality in QUALITIES
        for judged in quality.measures
    ]
    planes = [plane_variation(results, pair, state) or ABSENT for state in PLACES]
    rows = [
        ["test error (%)", test_error_cell(results, pair), ""],
        *measures,
        ["excess variation of planes", *planes],
    ]
    names = f"`{pair.residual}`, `{pair.plain}`: "
    return [[names + name, *cells] for name, *cells in rows]


def unit(judged: Judged) -> str:
    """` (nats)`; nothing where there is none."""
    return f" ({markdown(judged.unit).strip()})" if judged.unit else ""


def test_error_cell(results: Results, pair: Pair) -> str:
    error = test_error_difference(results, pair)
    if error.value is None:
        return NOT_COMPARABLE
    return f"{contrast(error, 2, 100)} ({verdict(error, 'residual better', 'plain better')})"


def judged_cell(results: Results, pair: Pair, state: str, quality: Quality, judged: Judged) -> str:
    """`6.91 against 3.47 (plain flatter)`"""
    difference = roughness_difference(results, pair, state, judged.measure)
    if difference.value is None:
        return NOT_COMPARABLE
    factor, digits = printed(judged.measure)
    word = outcome(judged, difference, quality)
    if word == WITHIN and (family := unanimous(results, pair, state, judged)):
        word += f", though higher for the {family} network in every seed"
    return f"{contrast(difference, digits, factor)} ({word})"


def contrast(difference: Difference, digits: int, factor: float = 1) -> str:
    """`6.97 against 13.31`: residual, then plain."""
    values = (difference.residual, difference.plain)
    return " against ".join(
        ABSENT if value is None else f"{scaled(value, factor):.{digits}f}" for value in values
    )


if __name__ == "__main__":
    main()
