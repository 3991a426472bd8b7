"""Tables and sentences of the Hessian's spectra and of the convexity maps."""

from math import sqrt
from statistics import median
from typing import Any

from scipy.stats import norm

from experiment.origins import STATES
from experiment.reporting.comparison import CONFIDENCE, Difference, Pair, paired_over_seeds, pairs
from experiment.reporting.landscape_tables import network_groups
from experiment.reporting.latex import (
    ABSENT,
    enumeration,
    escape,
    measured,
    percentage,
    significant,
    tabular,
    typewriter,
)
from experiment.reporting.results import Results, spread
from experiment.reporting.sentences import NO_PAIR
from experiment.reporting.wording import basis_note, paragraph, verdict
from experiment.storage import run_name

TITLES = {"final": "final weights", "matched": "equal training loss"}
PLACES = {"final": "at the final weights", "matched": "at equal training loss"}
COLUMNS = {  # value: its error
    "largest_eigenvalue": "largest_residual",
    "smallest_eigenvalue": "smallest_residual",
    "trace": "trace_error",
}
COMPARED = {
    "largest_eigenvalue": "largest eigenvalue",
    "trace": "trace",
    "normalised_largest_eigenvalue": "filter-normalised largest eigenvalue",
    "normalised_trace": "filter-normalised trace",
}
HEAD = ["Weights", "Network", "Largest", "Residual", "Smallest", "Residual", "Trace", "Std. error"]
RATIOS = ("median", "largest", "resolved")
NUMERICAL = "one seed, the numerical error alone"


def raw_table(results: Results) -> str:
    """Ends and trace of the Hessian, pair by pair in both states."""
    return _spectra_table(results, "")


def normalised_table(results: Results) -> str:
    """The same in units of the filters' norms."""
    return _spectra_table(results, "normalised_")


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
    return tabular("llrrrrrr", HEAD, groups + _notes(_reasons(results), len(HEAD)))


def _cells(results: Results, network: str, state: str, prefix: str) -> list[str]:
    """Means over seeds with their deviation, and of the errors the largest."""
    cells = []
    for value, error in COLUMNS.items():
        cells.append(_spread_cell(_values(results, network, state, prefix + value)))
        errors = [e for e in _values(results, network, state, prefix + error) if measured(e)]
        cells.append(significant(max(errors, default=None), 2))
    return cells


def _spread_cell(values: list[float | None]) -> str:
    """Mean, its standard deviation over several seeds, and how many seeds where not all."""
    summary = spread(values)
    deviation = rf"\,\textpm\,{significant(summary.deviation, 2)}" if summary.deviation is not None else ""
    seeds = rf"\,({summary.count}/{summary.total})" if 0 < summary.count < summary.total else ""
    return significant(summary.mean) + deviation + seeds


def _values(results: Results, network: str, state: str, name: str) -> list[float | None]:
    """A number of one state by seed; None where it was not measured."""
    return [
        results.evidence("curvature", network, seed)["states"][state].get(name)
        for seed in results.study.seeds
    ]


def _reasons(results: Results, map_alone: bool = False) -> dict[str, list[str]]:
    """Runs by the reason for which some value of theirs was not measured."""
    found: dict[str, list[str]] = {}
    for network, seed in results.study.runs:
        stored = results.evidence("curvature", network, seed)
        entries = [stored["map"]] if map_alone else [stored["states"][state] for state in STATES]
        for reason in dict.fromkeys(entry["reason"] for entry in entries if entry["reason"] is not None):
            found.setdefault(reason, []).append(run_name(network, seed))
    return found


def _notes(reasons: dict[str, list[str]], columns: int) -> list[list[list[str]]]:
    """A last row that gives the reasons of em dashes, if there are any."""
    if not reasons:
        return []
    return [[[rf"\multicolumn{{{columns}}}{{p{{0.8\linewidth}}}}{{\footnotesize {_missing(reasons)}}}"]]]


def _missing(reasons: dict[str, list[str]]) -> str:
    clauses = [
        f"{enumeration([typewriter(run) for run in runs])} ({escape(reason)})"
        for reason, runs in reasons.items()
    ]
    return f"Not measured: {'; '.join(clauses)}."


def convexity_table(results: Results) -> str:
    """Of each network's map: points, share resolved, median and largest ratio."""
    head = ["Network", "Points", r"Resolved (\%)", "Median ratio", "Largest ratio"]
    rows = [[_map_row(results, network) for network in members] for members in network_groups(results)]
    return tabular("lrrrr", head, rows + _notes(_reasons(results, map_alone=True), len(head)))


def _map_row(results: Results, network: str) -> list[str]:
    measures = _maps(results, network)
    points = next((str(found["points"]) for found in measures if found["points"]), ABSENT)
    resolved = spread([found["resolved"] for found in measures]).mean
    ratios = [_spread_cell([found[name] for found in measures]) for name in RATIOS[:2]]
    return [typewriter(network), points, percentage(resolved), *ratios]


def _maps(results: Results, network: str) -> list[dict[str, Any]]:
    """`map_measures` by seed."""
    return [map_measures(results.evidence("curvature", network, seed)["map"]) for seed in results.study.seeds]


def map_measures(stored: dict[str, Any]) -> dict[str, Any]:
    """Points, share resolved, and median and largest ratio of those that are; None where there is none."""
    ratios = [ratio for row in stored.get("convexity", []) for ratio in row]
    known = [ratio for ratio in ratios if measured(ratio)]
    return {
        "points": len(ratios),
        "resolved": len(known) / len(ratios) if ratios else None,
        "median": median(known) if known else None,
        "largest": max(known, default=None),
    }


def final_spectra(results: Results) -> str:
    return _comparison(results, "final")


def matched_spectra(results: Results) -> str:
    return _comparison(results, "matched")


def _comparison(results: Results, state: str) -> str:
    found = pairs(results.study.networks)
    if not found:
        return NO_PAIR
    differences = {pair: [_difference(results, pair, state, name) for name in COMPARED] for pair in found}
    sentences = [_pair_sentence(pair, state, of_pair) for pair, of_pair in differences.items()]
    return paragraph([*sentences, basis_note([d for of_pair in differences.values() for d in of_pair])])


def _pair_sentence(pair: Pair, state: str, differences: list[Difference]) -> str:
    clauses = [
        _clause(name, difference)
        for name, difference in zip(COMPARED.values(), differences, strict=True)
        if difference.value is not None
    ]
    if not clauses:
        return f"At {pair.label} no spectra can be compared {PLACES[state]}, as one was not measured."
    return f"At {pair.label}, {PLACES[state]}, residual against plain: {'; '.join(clauses)}."


def _clause(name: str, difference: Difference) -> str:
    """`trace 41.0 against 120, a difference of -79.0 +- 3.1 (residual lower)`."""
    values = f"{name} {significant(difference.residual)} against {significant(difference.plain)}"
    half = rf"\,\textpm\,{significant(difference.half_width, 2)}" if measured(difference.half_width) else ""
    word = verdict(difference, "residual lower", "plain lower")
    return f"{values}, a difference of {significant(difference.value)}{half} ({word})"


def _difference(results: Results, pair: Pair, state: str, name: str) -> Difference:
    """Over seeds; with one seed the interval covers residuals of eigenvalues, or the random signs of the trace."""
    values = [_values(results, network, state, name) for network in (pair.residual, pair.plain)]
    difference = paired_over_seeds(*values)
    if difference.half_width is not None or difference.value is None:
        return difference
    shared = next(number for number, both in enumerate(zip(*values, strict=True)) if all(map(measured, both)))
    error = name.replace("eigenvalue", "residual") if name.endswith("eigenvalue") else f"{name}_error"
    errors = [_values(results, network, state, error)[shared] for network in (pair.residual, pair.plain)]
    half = (
        sum(errors)
        if "residual" in error
        else norm.ppf((1 + CONFIDENCE) / 2) * sqrt(sum(e**2 for e in errors))
    )
    return Difference(difference.residual, difference.plain, float(half), NUMERICAL)


def convexity(results: Results) -> str:
    """The maps, residual against plain: medians and largest ratios over the resolved points."""
    found = pairs(results.study.networks)
    return paragraph([_convexity_of(results, pair) for pair in found]) if found else NO_PAIR


def _convexity_of(results: Results, pair: Pair) -> str:
    summaries = [
        {name: spread([m[name] for m in _maps(results, network)]).mean for name in RATIOS}
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
        f"At {pair.label} the ratio is {texts['median']} in the median of the plane's resolved points and at most "
        f"{texts['largest']}, residual against plain; {shares} of the points are resolved."
    )


def missing(results: Results) -> str:
    """Which spectra are not there, and why."""
    reasons = _reasons(results)
    return _missing(reasons) if reasons else "The spectra of all runs were measured."


CURVATURE_SENTENCES = {
    "curvature_final": final_spectra,
    "curvature_matched": matched_spectra,
    "curvature_convexity": convexity,
    "curvature_missing": missing,
}
CURVATURE_TABLES = {
    "curvature": raw_table,
    "curvature_normalised": normalised_table,
    "convexity": convexity_table,
}
