"""Tables and sentences of whole planes, half-rays and the line: minima, level sets, quadratics, barriers."""

from collections.abc import Callable

from experiment.pairs import Pair, pairs
from experiment.reporting.comparison import Difference, paired_over_seeds
from experiment.reporting.judgement import both
from experiment.reporting.landscape_tables import VIEWS, network_groups
from experiment.reporting.latex import (
    enumeration,
    fixed,
    measured,
    percentage,
    significant,
    tabular,
    typewriter,
)
from experiment.reporting.results import Results
from experiment.reporting.sentences import NO_PAIR
from experiment.reporting.sides import by_label
from experiment.reporting.tables import spread_cell
from experiment.reporting.wording import paragraph
from experiment.storage import run_name

CUTS_OF = {"final": "cuts", "matched": "matched_cuts"}  # the cuts about the weights of a plane
ALIKE = 0.05  # relative difference of two single planes up to which neither is said to have the larger value
PLACES = {"final": "about the final weights", "matched": "at equal training loss"}
PLANE_COLUMNS = (  # measure of a plane, head, decimals of a single seed and of several, factor
    ("within_share", r"Within bound (\%)", (1, 1), 100),
    ("minima", "Minima", (0, 1), 1),
    ("quadratic_deviation", "Non-quadratic", (2, 2), 1),
    ("quadratic_error_share", "Error ratio", (2, 2), 1),
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
    """Minima and half-rays where they stand out, the level set and quadratics by the side they are on, in both comparisons."""
    found = pairs(results.study.networks)
    if not found:
        return NO_PAIR
    lost = [
        f"At {pair.label} the planes {PLACES[state]} cannot be compared, as one was not measured."
        for pair in found
        for state in PLACES
        if not all(map(measured, both(results, pair, state, "within_share")))
    ]
    return paragraph([_minima(results, found), _half_rays(results, found), *_by_side(results, found), *lost])


def _minima(results: Results, found: list[Pair]) -> str:
    """Planes with more than one minimum that its persistence tells from noise."""
    over_planes = ", a mean over planes" if len(results.study.seeds) > 1 else ""
    return _beyond(
        results,
        found,
        {state: (state, "minima") for state in PLACES},
        (
            1,
            "On no plane of a pair is a second minimum resolved.",
            f"Minima beyond their errors{over_planes}",
        ),
        lambda value: f"{value:.3g}",
    )


def _half_rays(results: Results, found: list[Pair]) -> str:
    """Cuts along which the loss falls somewhere."""
    return _beyond(
        results,
        found,
        {state: (cuts, "monotone_share") for state, cuts in CUTS_OF.items()},
        (
            1,
            "Along no half-ray of the cuts does the loss fall by more than three standard errors.",
            "Monotone half-rays",
        ),
        lambda value: percentage(value, 0) + r"\,\%",
    )


def _beyond(
    results: Results,
    found: list[Pair],
    measures: dict[str, tuple[str, str]],
    words: tuple[float, str, str],
    form: Callable[[float], str],
) -> str:
    """Pairs of values that are not both the `usual` one, or the sentence that all are; nothing where none is known."""
    usual, everywhere, title = words
    known = {
        (pair, state): values
        for pair in found
        for state, measure in measures.items()
        if all(map(measured, values := both(results, pair, *measure)))
    }
    odd = [
        f"{' against '.join(map(form, values))} at {pair.label} {PLACES[state]}"
        for (pair, state), values in known.items()
        if any(value != usual for value in values)
    ]
    if odd:
        return f"{title}, residual against plain: {enumeration(odd)}."
    return everywhere if known else ""


def _by_side(results: Results, found: list[Pair]) -> list[str]:
    """For the level set and for the deviation from a quadratic, which network's is the larger, and in which comparison."""
    sentences = []
    for name, words, form in (
        ("within_share", "share of the square within the bound", lambda value: percentage(value) + r"\,\%"),
        ("quadratic_deviation", "deviation from a quadratic", significant),
    ):
        texts = {pair.label: _side(results, pair, name, form) for pair in found}
        known = {label: text for label, text in texts.items() if text}
        sentences += [f"As to the {words}, {by_label(known, ' it is')}."] if known else []
    alone = sentences and len(results.study.seeds) == 1
    return sentences + (["These are single planes, for which no error can be stated."] if alone else [])


def _side(results: Results, pair: Pair, name: str, form: Callable[[float], str]) -> str:
    """`larger for the plain network in both comparisons`; where they differ, both with the values."""
    compared = {
        state: paired_over_seeds(*(results.measure(n, state, name) for n in (pair.residual, pair.plain)))
        for state in PLACES
    }
    words = {state: _larger(found) for state, found in compared.items() if found.value is not None}
    if len(words) == len(PLACES) and len(set(words.values())) == 1:
        return f"{next(iter(words.values()))} in both comparisons"
    texts = [
        f"{word} {PLACES[state]} ({form(compared[state].residual)} against {form(compared[state].plain)})"
        for state, word in words.items()
    ]
    return enumeration(texts) if texts else ""


def _larger(found: Difference) -> str:
    """By the interval over seeds where there is one, else by the value where that is not nearly the same."""
    known = found.half_width is not None
    apart = abs(found.value) > ALIKE * max(abs(found.residual), abs(found.plain))
    sign = found.sign if known else apart * (1 if found.value > 0 else -1)
    unresolved = "larger for neither beyond its error" if known else "nearly the same for both networks"
    words = {1: "larger for the residual network", -1: "larger for the plain network", 0: unresolved}
    return words[sign]


def barriers(results: Results) -> str:
    """Which runs meet a barrier on the line beyond three standard errors, which do not, and which are unknown."""
    lines = {run: _line(results, *run) for run in results.study.runs}
    known = {run: line for run, line in lines.items() if measured(line["barrier"])}
    high = [run for run, line in known.items() if line["barrier"] > 3 * line["barrier_error"]]
    low = [run for run in known if run not in high]
    lost = [run for run in lines if run not in known]
    heights = [f"{fixed(known[run]['barrier'], 2)} nats for {_name(results, run)}" for run in high]
    return paragraph(
        [
            f"A barrier beyond three standard errors is met on the line: {enumeration(heights)}."
            if high
            else "",
            _without_barrier(results, low),
            f"Not measured: {enumeration([_name(results, run) for run in lost])}." if lost else "",
        ]
    )


def _without_barrier(results: Results, runs: list[tuple[str, int]]) -> str:
    if not runs:
        return ""
    above = "does the loss between the ends rise above the higher end by more than three standard errors"
    if len(runs) == len(results.study.runs) > 1:
        return f"On none of the lines {above}, so that no barrier is resolved."
    names = enumeration([_name(results, run) for run in runs], "nor")
    return f"Neither for {names} {above}." if len(runs) > 1 else f"Not for {names} {above}."


def _name(results: Results, run: tuple[str, int]) -> str:
    """The network, with its seed where there are several."""
    return typewriter(run_name(*run) if len(results.study.seeds) > 1 else run[0])


PLANE_ROUGHNESS_SENTENCES = {"whole_planes": whole_planes, "barriers": barriers}
PLANE_ROUGHNESS_TABLES = {"persistence": persistence_table, "barriers": barrier_table}
