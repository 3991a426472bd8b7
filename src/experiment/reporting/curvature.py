"""Tables and sentences of the Hessian's spectra and of the convexity maps."""

from itertools import combinations
from math import hypot

from experiment.layout import STATES
from experiment.pairs import Pair, pairs
from experiment.reporting.curvature_values import (
    COLUMNS,
    COMPARED,
    NEAR_ZERO,
    NORMALISED,
    RESCALING_INVARIANT,
    TRACE_ERRORS,
    Comparison,
    compare,
    error_name,
    is_unresolved,
    maps,
    mass_near_zero,
    reasons,
    values,
)
from experiment.reporting.landscape_tables import network_groups
from experiment.reporting.latex import (
    ABSENT,
    PLUS_MINUS,
    enumeration,
    error_decimals,
    escape,
    known_of,
    measured,
    named,
    percentage,
    significant,
    tabular,
    thousands,
    typewriter,
    with_error,
)
from experiment.reporting.results import Results, spread
from experiment.reporting.sentences import NO_PAIR
from experiment.reporting.sides import Side, clauses
from experiment.reporting.wording import basis_note, contrast, count_noun, paragraph
from experiment.storage import run_name

TITLES = {"final": "final weights", "matched": "equal training loss"}
PLACES = {"final": "at the final weights", "matched": "at equal training loss"}
HEAD = ["Weights", "Network", "Largest", "Residual", "Smallest", "Residual", "Trace", "Std. error"]
RATIOS = ("median", "largest", "resolved")
UNRESOLVED = "not resolved"
SINGLE = "in this run "
TRACE = NORMALISED + "trace"  # what the generalisation gap is set beside
MOST_TIES = 3  # named one by one


def raw_table(results: Results) -> str:
    """Ends and trace of the Hessian, pair by pair in both states."""
    return _spectra_table(results, "")


def normalised_table(results: Results) -> str:
    """The same in units of the filters' norms."""
    return _spectra_table(results, NORMALISED)


def _spectra_table(results: Results, prefix: str) -> str:
    groups = [
        [
            [
                TITLES[state] if number == 0 else "",
                typewriter(network),
                *_cells(results, network, state, prefix),
            ]
            for number, network in enumerate(members)
        ]
        for members in network_groups(results)
        for state in STATES
    ]
    return tabular("llrrrrrr", HEAD, groups + _notes(reasons(results), len(HEAD)))


def _cells(results: Results, network: str, state: str, prefix: str) -> list[str]:
    """Means over seeds with their deviation, and of the errors the largest."""
    cells = []
    for name in COLUMNS:
        found = values(results, network, state, prefix + name)
        errors = values(results, network, state, error_name(prefix + name))
        known = [error for error in errors if measured(error)]
        cells += [_value_cell(name, found, errors), significant(max(known, default=None), 2)]
    return cells


def _value_cell(name: str, found: list[float | None], errors: list[float | None]) -> str:
    """No smallest eigenvalue where that of a seed is not resolved: a mean over the others would be one of the largest."""
    if name == "smallest_eigenvalue" and any(map(is_unresolved, found, errors)):
        return UNRESOLVED
    return _spread_cell(found)


def _spread_cell(found: list[float | None]) -> str:
    """Mean, its standard deviation over several seeds, and how many seeds where not all."""
    summary = spread(found)
    deviation = PLUS_MINUS + significant(summary.deviation, 2) if summary.deviation is not None else ""
    seeds = known_of(summary.count, summary.total)
    return significant(summary.mean) + deviation + seeds


def _notes(lost: dict[str, list[str]], columns: int) -> list[list[list[str]]]:
    """A last row that gives the reasons of em dashes, if there are any."""
    if not lost:
        return []
    return [[[rf"\multicolumn{{{columns}}}{{p{{0.8\linewidth}}}}{{\footnotesize {_missing(lost)}}}"]]]


def _missing(lost: dict[str, list[str]]) -> str:
    texts = [f"{named(runs)} ({escape(reason)})" for reason, runs in lost.items()]
    return f"Not measured: {'; '.join(texts)}."


def convexity_table(results: Results) -> str:
    """Of each network's map: points, share resolved, median and largest ratio."""
    head = ["Network", "Points", r"Resolved (\%)", "Median ratio", "Largest ratio"]
    rows = [[_map_row(results, network) for network in members] for members in network_groups(results)]
    return tabular("lrrrr", head, rows + _notes(reasons(results, map_alone=True), len(head)))


def _map_row(results: Results, network: str) -> list[str]:
    measures = maps(results, network)
    points = next((str(found["points"]) for found in measures if found["points"]), ABSENT)
    resolved = spread([found["resolved"] for found in measures]).mean
    ratios = [_spread_cell([found[name] for found in measures]) for name in RATIOS[:2]]
    return [typewriter(network), points, percentage(resolved), *ratios]


def density(results: Results) -> str:
    """How much of each spectrum, as the quadrature has it, lies near zero in units of its largest eigenvalue."""
    shares = [
        share
        for run in results.study.runs
        for stored in results.evidence("curvature", *run)["states"].values()
        if (share := mass_near_zero(stored)) is not None
    ]
    if not shares:
        return "No spectral density was measured."
    low, high = (percentage(pick(shares), 2) for pick in (min, max))
    between = low if low == high else f"between {low} and {high}"
    return (
        f"By the quadrature, {between}\\,\\% of a network's eigenvalues have a modulus below {percentage(NEAR_ZERO, 0)}\\,\\% of "
        "the largest one's."
    )


def images_note(results: Results, *instruments: str) -> str:
    """`on 125 images, whose draw the error does not cover`: what instruments measure every run on."""
    counts = {results.evidence(name, *run)["samples"] for name in instruments for run in results.study.runs}
    return f"on {enumeration(list(map(thousands, sorted(counts))), 'or')} images, whose draw the error does not cover"


def final_spectra(results: Results) -> str:
    return _comparison(results, "final")


def matched_spectra(results: Results) -> str:
    return _comparison(results, "matched")


def _comparison(results: Results, state: str) -> str:
    found = pairs(results.study.networks)
    if not found:
        return NO_PAIR
    sentences = [_pair_sentence(results, pair, state) for pair in found]
    return paragraph([*(_errors(results, found) if state == "final" else []), *sentences])


def _errors(results: Results, found: list[Pair]) -> list[str]:
    """What stands behind plus and minus in both comparisons, once and before them."""
    compared = [c for state in STATES for pair in found for c in _compared(results, pair, state).values()]
    numerical = any(c.errors is not None for c in compared)
    return [basis_note([c.difference for c in compared]), _numerical(results) if numerical else ""]


def _numerical(results: Results) -> str:
    return (
        r"Behind \textpm{} stands the numerical error alone, an eigenvalue's residual or a trace's standard error over sign "
        f"vectors, {images_note(results, 'curvature')}."
    )


def _pair_sentence(results: Results, pair: Pair, state: str) -> str:
    sides = curvature_sides(results, pair, state)
    if not sides:
        return f"At {pair.label} no spectra can be compared {PLACES[state]}, as one was not measured."
    text = clauses(
        sides, "the {family} network has the lower {items}", "no difference is resolved in {items}"
    )
    return f"At {pair.label}, {PLACES[state]}, residual against plain: {text}."


def curvature_sides(
    results: Results, pair: Pair, state: str, printed: bool = True, raw: bool = True
) -> list[Side]:
    """Which network has the lower value of each number that was measured of both, filter-normalised ones first.

    Without `raw` of these alone.

    With `printed` values stand behind the names of filter-normalised numbers, and of others that are on another
    side; nowhere of those on neither.
    """
    compared = _compared(results, pair, state)
    sides = []
    for name, found in compared.items():
        if not (raw or name in RESCALING_INVARIANT):
            continue
        own = compared.get(NORMALISED + name)
        shown = printed and found.family and (own is None or own.family != found.family)
        item = COMPARED[name] + (f" ({_values(found)})" if shown else "")
        sides.append(Side(item, found.family, SINGLE if printed and found.errors is not None else ""))
    return sides


def _compared(results: Results, pair: Pair, state: str) -> dict[str, Comparison]:
    """By name, what was measured of both networks."""
    found = {name: compare(results, pair, state, name) for name in COMPARED}
    return {name: comparison for name, comparison in found.items() if comparison is not None}


def _values(found: Comparison) -> str:
    """`862 +- 50 against 1644 +- 120` with numerical errors; over seeds the difference with its interval."""
    difference = found.difference
    if found.errors is None:
        digits = error_decimals(difference.half_width) if difference.half_width else 2
        residual, plain, apart = contrast(difference, digits)
        return f"{residual} against {plain}, a difference of {apart}"
    both = zip((difference.residual, difference.plain), found.errors, strict=True)
    return " against ".join(_with_numerical_error(*side) for side in both)


def _with_numerical_error(value: float, error: float) -> str:
    """The value alone where the error does not reach its last printed figure."""
    return significant(value) if abs(error) < 0.0005 * abs(value) else with_error(value, error)


def convexity(results: Results) -> str:
    """The maps, residual against plain: medians and largest ratios over the resolved points."""
    found = pairs(results.study.networks)
    return paragraph([_convexity_of(results, pair) for pair in found]) if found else NO_PAIR


def _convexity_of(results: Results, pair: Pair) -> str:
    summaries = [
        {name: spread([m[name] for m in maps(results, network)]).mean for name in RATIOS}
        | {"largest": max(filter(measured, (m["largest"] for m in maps(results, network))), default=None)}
        for network in (pair.residual, pair.plain)
    ]
    residual, plain = summaries
    if not (measured(residual["median"]) and measured(plain["median"])):
        return (
            f"At {pair.label} the convexity of the planes cannot be compared, as no point of one is resolved."
        )
    texts = {
        name: f"{significant(residual[name], 2)} against {significant(plain[name], 2)}" for name in RATIOS[:2]
    }
    shares = " and ".join(rf"{percentage(summary['resolved'], 0)}\,\%" for summary in summaries)
    return (
        f"At {pair.label} the ratio is {texts['median']} in the median of a plane's resolved points and at most "
        f"{texts['largest']}{' in any run' if len(results.study.seeds) > 1 else ''}, residual against plain; {shares} of the points are resolved."
    )


def missing(results: Results) -> str:
    """Which spectra are not there, and why; nothing where all are."""
    lost = reasons(results)
    return _missing(lost) if lost else ""


def ties(results: Results) -> str:
    """Names the runs whose traces, on which the rank correlation with the gap rests, are not told apart by their errors.

    Of several seeds it rests on means over these, and their spread is what tells networks apart: then nothing.
    """
    if len(results.study.seeds) > 1:
        return ""
    traces = {}
    for network, seed in results.study.runs:
        found = results.evidence("curvature", network, seed)["states"]["final"]
        if measured(found.get(TRACE)):
            traces[run_name(network, seed)] = found[TRACE], found[f"{TRACE}_error"]
    tied = [
        f"{typewriter(a)} and {typewriter(b)}"
        for a, b in combinations(traces, 2)
        if abs(traces[a][0] - traces[b][0]) <= TRACE_ERRORS * hypot(traces[a][1], traces[b][1])
    ]
    if not tied:
        return ""
    return (
        "Of the runs whose traces are set beside these gaps, the error of measuring does not tell apart "
        f"{enumeration(tied) if len(tied) <= MOST_TIES else count_noun(len(tied), 'pair')}: so far their order, and with it the rank "
        "correlation, is open."
    )


CURVATURE_SENTENCES = {
    "curvature_density": density,
    "curvature_final": final_spectra,
    "curvature_matched": matched_spectra,
    "curvature_convexity": convexity,
    "curvature_missing": missing,
    "curvature_ties": ties,
}
CURVATURE_TABLES = {
    "curvature": raw_table,
    "curvature_normalised": normalised_table,
    "convexity": convexity_table,
}
