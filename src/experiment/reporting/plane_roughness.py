"""Tables and sentences of whole planes, half-rays and the line: minima, level sets, quadratics, barriers."""

from experiment.reporting.comparison import Pair, pairs
from experiment.reporting.landscape_tables import VIEWS, network_groups
from experiment.reporting.latex import enumeration, fixed, measured, percentage, tabular, typewriter
from experiment.reporting.results import Results, spread
from experiment.reporting.sentences import NO_PAIR
from experiment.reporting.tables import spread_cell
from experiment.reporting.wording import paragraph
from experiment.storage import run_name

CUTS_OF = {"final": "cuts", "matched": "matched_cuts"}  # the cuts about the weights of a plane
PLACES = {"final": "about the final weights", "matched": "at equal training loss"}
PLANE_COLUMNS = (  # measure of a plane, head, decimals of a single seed and of several, factor
    ("within_share", r"Within bound (\%)", (1, 1), 100),
    ("minima", "Minima", (0, 1), 1),
    ("quadratic_deviation", "Non-quadratic", (2, 2), 1),
    ("quadratic_error_share", r"By errors (\%)", (0, 0), 100),
)


def persistence_table(results: Results) -> str:
    """Measures of the planes as wholes, and the monotone half-rays of the cuts about the same weights."""
    groups = [
        [
            _row(results, network, state, title if number == 0 else "")
            for number, network in enumerate(members)
        ]
        for members in network_groups(results)
        for state, title in VIEWS.items()
    ]
    head = ["Slice about", "Network", *(column[1] for column in PLANE_COLUMNS), r"Monotone (\%)"]
    return tabular("ll" + "r" * (len(PLANE_COLUMNS) + 1), head, groups)


def _row(results: Results, network: str, state: str, title: str) -> list[str]:
    cells = [
        spread_cell(results.measure(network, state, name), digits[len(results.study.seeds) > 1], factor)
        for name, _, digits, factor in PLANE_COLUMNS
    ]
    cuts = CUTS_OF.get(state)
    rays = results.measure(network, cuts, "monotone_share") if cuts else [None]
    return [title, typewriter(network), *cells, spread_cell(rays, 0, 100)]


def barrier_table(results: Results) -> str:
    """A row for each run: barrier with its standard error, and minima between the ends of the line."""
    head = ["Network", "Seed", "Barrier", "Standard error", "Minima"]
    groups = [
        [_line_row(results, network, seed) for seed in results.study.seeds]
        for network in results.study.networks
    ]
    return tabular(
        "lrrrr",
        head,
        groups if len(results.study.seeds) > 1 else [[row for group in groups for row in group]],
    )


def _line_row(results: Results, network: str, seed: int) -> list[str]:
    line = _line(results, network, seed)
    shown = ((line["barrier"], 3), (line["barrier_error"], 3), (line["minima"], 0))
    return [typewriter(network), str(seed), *(fixed(value, digits) for value, digits in shown)]


def _line(results: Results, network: str, seed: int) -> dict[str, float | None]:
    return results.roughness[run_name(network, seed)]["line"]


def whole_planes(results: Results) -> str:
    """Level set, minima, quadratics and half-rays, residual against plain, in both comparisons."""
    found = pairs(results.study.networks)
    if not found:
        return NO_PAIR
    return paragraph([_pair(results, pair, state) for pair in found for state in PLACES])


def _pair(results: Results, pair: Pair, state: str) -> str:
    shown = (
        ("within_share", state, "share of the square within the bound", lambda v: percentage(v) + r"\,\%"),
        ("minima", state, "minima", lambda v: f"{v:.3g}"),
        ("quadratic_deviation", state, "deviation from a quadratic", lambda v: fixed(v, 2)),
        ("monotone_share", CUTS_OF[state], "monotone half-rays", lambda v: percentage(v, 0) + r"\,\%"),
    )
    clauses = []
    for name, where, words, form in shown:
        both = [spread(results.measure(n, where, name)).mean for n in (pair.residual, pair.plain)]
        clauses += [f"{words} {form(both[0])} against {form(both[1])}"] if all(map(measured, both)) else []
    if not clauses:
        return f"At {pair.label} the planes {PLACES[state]} cannot be compared, as one was not measured."
    return f"At {pair.label}, {PLACES[state]}, residual against plain: {'; '.join(clauses)}."


def barriers(results: Results) -> str:
    """Which runs meet a barrier on the line beyond three standard errors, which do not, and which are unknown."""
    lines = {run: _line(results, *run) for run in results.study.runs}
    known = {run: line for run, line in lines.items() if measured(line["barrier"])}
    high = [run for run, line in known.items() if line["barrier"] > 3 * line["barrier_error"]]
    low = [run for run in known if run not in high]
    lost = [run for run in lines if run not in known]
    heights = [f"{fixed(known[run]['barrier'], 2)} nats for {typewriter(run_name(*run))}" for run in high]
    return paragraph(
        [
            f"A barrier beyond three standard errors is met on the line: {enumeration(heights)}."
            if high
            else "",
            f"No barrier is resolved for {_names(low)}." if low else "",
            f"Not measured: {_names(lost)}." if lost else "",
        ]
    )


def _names(runs: list[tuple[str, int]]) -> str:
    return enumeration([typewriter(run_name(*run)) for run in runs])


PLANE_ROUGHNESS_SENTENCES = {"whole_planes": whole_planes, "barriers": barriers}
PLANE_ROUGHNESS_TABLES = {"persistence": persistence_table, "barriers": barrier_table}
