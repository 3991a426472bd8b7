"""Tables of the study and of training; `landscape_tables` has those of the slices."""

from itertools import groupby
from typing import Any

from experiment.published import PUBLISHED_ERRORS, PUBLISHED_PARAMETERS
from experiment.reporting.latex import (
    ABSENT,
    PLUS_MINUS,
    enumeration,
    escape,
    fixed,
    known_of,
    measured,
    tabular,
    thousands,
    typewriter,
)
from experiment.reporting.parameters import Parameter, parameter_rows, parameter_text
from experiment.reporting.results import Results, Spread, diverged, spread
from experiment.reporting.values import cited
from experiment.storage import run_name

BREAKABLE = r"\discretionary{}{}{}"


def spread_cell(values: list[float | None], digits: int, factor: float = 1) -> str:
    """Mean, with the standard deviation over several seeds, and how many seeds where not all."""
    summary = spread([factor * value if measured(value) else None for value in values])
    return fixed(summary.mean, digits) + _deviation(summary, digits) + known_of(summary.count, summary.total)


def _deviation(summary: Spread, digits: int) -> str:
    return PLUS_MINUS + fixed(summary.deviation, digits) if summary.deviation is not None else ""


def training_table(results: Results) -> str:
    """A row for each network: budget, last training loss, training and test error, best test error."""
    head = [
        "Network",
        "Parameters",
        "Epochs",
        "Training loss",
        "Training error",
        "Test error",
        "Lowest test error",
    ]
    rows = [training_row(results, network) for network in results.study.networks]
    return tabular("lrrrrrr", head, [rows])


def training_row(results: Results, network: str) -> list[str]:
    runs = [results.training[run_name(network, seed)] for seed in results.study.seeds]
    finite = [run for run in runs if not diverged(run)]
    epochs = enumeration(sorted({str(run["epochs"]) for run in finite}, key=int), "or") if finite else ABSENT
    start = [typewriter(network), thousands(results.parameter_count(network)), epochs]
    if not finite:
        when = enumeration(list(map(str, sorted({run["diverged_epoch"] for run in runs}))), "or")
        return [*start, rf"\multicolumn{{4}}{{c}}{{diverged in epoch {when}}}"]
    train_errors = [None if diverged(run) else 1 - run["train_accuracy"] for run in runs]
    best = [None if diverged(run) else 1 - run["best_test_accuracy"] for run in runs]
    return [
        *start,
        spread_cell(results.train_losses(network), 3),
        spread_cell(train_errors, 2, 100),
        spread_cell(results.test_errors(network), 2, 100),
        spread_cell(best, 2, 100),
    ]


def published_table(results: Results) -> str:
    """Test errors by depth: published for residual and plain networks, and ours below."""
    ours = results.standard_networks()
    depths = sorted(set(PUBLISHED_PARAMETERS) | {depth for _, depth in ours})
    published = [
        [
            cited(entry),
            entry.family,
            *(fixed(entry.errors.get(depth), 2) for depth in depths),
        ]
        for entry in PUBLISHED_ERRORS
    ]
    title = f"Here ({escape(results.dataset_title)})"
    here = [[title, family, *_our_errors(results, family, depths)] for family in ("resnet", "plain")]
    sizes = [
        ["Parameters, He et al.", "both", *(_published_size(depth) for depth in depths)],
        ["Parameters, here", "both", *_our_parameters(results, depths)],
    ]
    return tabular(
        "ll" + "r" * len(depths), ["Source", "Family", *map(str, depths)], [published, here, sizes]
    )


def _published_size(depth: int) -> str:
    """Millions, with the digits of the source."""
    return f"{PUBLISHED_PARAMETERS[depth]:g}" if depth in PUBLISHED_PARAMETERS else ABSENT


def _our_errors(results: Results, family: str, depths: list[int]) -> list[str]:
    names = [results.standard_networks().get((family, depth)) for depth in depths]
    return [spread_cell(results.test_errors(name), 2, 100) if name else ABSENT for name in names]


def _our_parameters(results: Results, depths: list[int]) -> list[str]:
    """Millions of parameters; residual and plain networks of a depth have the same."""
    counts = {
        depth: results.parameter_count(name) for (_, depth), name in results.standard_networks().items()
    }
    return [fixed(counts[depth] / 1e6, 2) if depth in counts else ABSENT for depth in depths]


def dataset_table(results: Results) -> str:
    """Images in all and per class, for the training and the test set."""
    rows = []
    for title, part in (("training", "train"), ("test", "test")):
        counts = results.dataset[part]["per_class"].values()
        rows.append(
            [title, thousands(results.dataset[part]["images"]), *(thousands(f(counts)) for f in (min, max))]
        )
    return tabular("lrrr", ["Set", "Images", "Smallest class", "Largest class"], [rows])


def parameters_table(results: Results) -> str:
    """params.yaml section by section: keys, values, and the comments beside them; for narrow columns."""
    sections = groupby(parameter_rows(), lambda row: row.key.partition(".")[0] if "." in row.key else "")
    return "\n".join(_section_table(name, list(rows)) for name, rows in sections)


def _section_table(name: str, rows: list[Parameter]) -> str:
    """One section below its name: a key, its value and, set apart by its shape, the comment."""
    widths = (0.29, 0.67)  # of the line, by column
    columns = "".join(rf">{{\raggedright\arraybackslash}}p{{{width}\linewidth}}" for width in widths)
    title = rf"\multicolumn{{{len(widths)}}}{{@{{}}l}}{{\bfseries {typewriter(name or 'study')}}} \\"
    body = [
        rf"{_breakable(row.key.removeprefix(f'{name}.'))} & {_valued(row.value, _essence(row.comment))} \\"
        for row in rows
    ]
    lines = [
        rf"\noindent\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
        r"\toprule",
        title,
        *body,
        r"\end{tabular}\par",
    ]
    return "\n".join(lines) + "\n"


def _valued(value: Any, comment: str) -> str:
    return escape(parameter_text(value)) + (rf" \emph{{({escape(comment)})}}" if comment else "")


def _essence(comment: str) -> str:
    """A comment without the word that a value is our choice, which it is where no source is named."""
    return "; ".join(part for part in comment.split("; ") if part != "ours")


def _breakable(key: str) -> str:
    return rf"\texttt{{{escape(key).replace('.', '.' + BREAKABLE)}}}"
