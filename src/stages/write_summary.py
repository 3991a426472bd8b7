"""Write the study in short, in Markdown: what was run, a table of the networks, a sentence for each pair."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from experiment.reporting.comparison import Pair, pairs
from experiment.reporting.results import Results, load_results, spread
from experiment.storage import replacing

SUMMARY = Path("results/summary.md")
ABSENT = "–"


@dataclass(frozen=True)
class Column:
    """A column of the table: its title, a network's values by seed, and the decimals to print."""

    title: str
    values: Callable[[Results, str], list[float | None]]
    digits: int


def measure(state: str, name: str) -> Callable[[Results, str], list[float | None]]:
    return lambda results, network: results.measure(network, state, name)


def test_errors(results: Results, network: str) -> list[float | None]:
    """In per cent."""
    return [None if share is None else 100 * share for share in results.test_errors(network)]


ERROR = Column("Test error (%)", test_errors, 2)
MATCHED_DISTANCE = Column("Half-way, equal loss", measure("matched", "halfway_distance"), 3)
MATCHED_VARIATION = Column("Excess, equal loss", measure("matched", "excess_variation"), 3)
COLUMNS = (
    Column("Training loss", Results.train_losses, 3),
    ERROR,
    Column("Half-way, final", measure("final", "halfway_distance"), 3),
    MATCHED_DISTANCE,
    Column("Excess, final", measure("final", "excess_variation"), 3),
    MATCHED_VARIATION,
)


def main() -> None:
    with replacing(SUMMARY) as temporary:
        temporary.write_text(summary(load_results()))


def summary(results: Results) -> str:
    """The whole text; numbers are means over seeds, with the standard deviation where there are several."""
    comparisons = [comparison(results, pair) for pair in pairs(results.study.networks)]
    return "\n\n".join([setting(results), table(results), "\n".join(comparisons)]) + "\n"


def setting(results: Results) -> str:
    images = results.dataset["train"]["images"]
    epochs = results.parameters["train"]["recipe"]["epochs"]
    seeds = len(results.study.seeds)
    return (
        f"Scale `{results.scale}`: {results.dataset_title}, {images:,} training images, {epochs} epochs, "
        f"{seeds} seed{'s' if seeds > 1 else ''}."
    )


def table(results: Results) -> str:
    head = ["Network", "Parameters", *(column.title for column in COLUMNS)]
    rows = [
        head,
        ["---", *("---:" for _ in head[1:])],
        *(row(results, network) for network in results.study.networks),
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def row(results: Results, network: str) -> list[str]:
    cells = [cell(column.values(results, network), column.digits) for column in COLUMNS]
    return [f"`{network}`", f"{results.parameter_count(network):,}", *cells]


def cell(values: list[float | None], digits: int) -> str:
    """Mean ± standard deviation over seeds; a dash where nothing was measured."""
    found = spread(values)
    if found.mean is None:
        return ABSENT
    deviation = "" if found.deviation is None else f" ± {found.deviation:.{digits}f}"
    return f"{found.mean:.{digits}f}{deviation}"


def comparison(results: Results, pair: Pair) -> str:
    """The pair's numbers in words; the words are chosen by the numbers."""
    error, distance, variation = (
        contrast(column.values(results, pair.plain), column.values(results, pair.residual), column.digits)
        for column in (ERROR, MATCHED_DISTANCE, MATCHED_VARIATION)
    )
    return (
        f"- `{pair.plain}` against `{pair.residual}`: test error {error}; at equal training loss, "
        f"half-way distance {distance}, excess variation {variation}."
    )


def contrast(plain: list[float | None], residual: list[float | None], digits: int) -> str:
    """`higher (13.31 against 6.97)`: the mean of the first relative to the second."""
    first, second = spread(plain).mean, spread(residual).mean
    if first is None or second is None:
        return f"not comparable ({cell(plain, digits)} against {cell(residual, digits)})"
    texts = [f"{value:.{digits}f}" for value in (first, second)]
    word = "equal" if texts[0] == texts[1] else "higher" if first > second else "lower"
    return f"{word} ({texts[0]} against {texts[1]})"


if __name__ == "__main__":
    main()
