"""What the slices say together, and beside them curvature and sharpness at equal training loss: agreement, conclusion, abstract."""

from collections.abc import Callable

from experiment.reporting.comparison import Pair, pairs
from experiment.reporting.curvature import curvature_sides
from experiment.reporting.judgement import (
    FLATNESS,
    NO_ROUGHNESS,
    QUALITIES,
    SMOOTHNESS,
    Quality,
    differences_of,
    favoured,
    is_smooth,
)
from experiment.reporting.latex import enumeration
from experiment.reporting.results import Results
from experiment.reporting.sentences import NO_PAIR
from experiment.reporting.sharpness import sharpness_sides
from experiment.reporting.sides import Side, by_label, clauses, families
from experiment.reporting.slice_sentences import (
    PLACES,
    clause,
    final_slices,
    hidden_bumps,
    matched_slices,
    matching,
    matching_caution,
    planes,
)
from experiment.reporting.wording import basis_note, paragraph

OTHER = {"residual": "plain", "plain": "residual"}
EXPLAINED = (
    "Flatness is read from the rise to the rim, by which the loss climbs from the centre to the ends of a slice (a "
    "larger rise is less flat), and from the half-way distance, at which it has climbed half-way to the loss of "
    "guessing (a larger distance is flatter)."
)


def agreement(results: Results) -> str:
    """Whether the two comparisons name the same network as the flatter."""
    return paragraph(
        [
            _agreement(pair, *(favoured(results, pair, state, FLATNESS) for state in PLACES))
            for pair in pairs(results.study.networks)
        ]
    )


def _agreement(pair: Pair, final: str | None, matched: str | None) -> str:
    if final is None or matched is None:
        return f"At {pair.label} the two comparisons cannot be set side by side, as one was not measured."
    if final == matched:
        same = {
            "neither": "resolve no difference in the flatness of the slices",
            "disputed": "leave flatness disputed",
        }
        return f"At {pair.label} both comparisons {same.get(final, f'find the {final} network the flatter')}."
    if {final, matched} == {"residual", "plain"}:
        return (
            f"At {pair.label} the two comparisons contradict each other: the {final} network is the flatter at "
            f"the final weights and the {matched} network at equal training loss."
        )
    found = {"neither": "no difference is resolved", "disputed": "the measures disagree"}
    first, second = (found.get(family, f"the {family} network is the flatter") for family in (final, matched))
    return f"At {pair.label} the comparisons differ: at the final weights {first}, at equal training loss {second}."


def deepest(results: Results) -> Pair | None:
    """The deepest pair measured at equal training loss, or of all where none was; None without pairs."""
    found = pairs(results.study.networks)
    return ([pair for pair in found if _is_measured(results, pair)] or found or [None])[-1]


def _is_measured(results: Results, pair: Pair) -> bool:
    return favoured(results, pair, "matched_cuts", FLATNESS) is not None


def conclusion(results: Results) -> str:
    """What slices, curvature and sharpness say at equal training loss about whether shortcuts flatten the landscape."""
    pair = deepest(results)
    if pair is None:
        return NO_PAIR
    return paragraph(
        [
            _slices(results, pair),
            matching_caution(results, pair),
            _unmeasured_note(results, pair),
            curvature_in_short(results),
            sharpness_in_short(results),
            _disagreement(results),
        ]
    )


def _slices(results: Results, pair: Pair) -> str:
    flat, smooth = (favoured(results, pair, "matched_cuts", quality) for quality in QUALITIES)
    one_seed = ", of one training run of each network" if len(results.study.seeds) == 1 else ""
    rough = _no_roughness(results, pair) or _finding(SMOOTHNESS, smooth)
    return (
        f"In the slices, at equal training loss and {pair.label}{one_seed}, {_finding(FLATNESS, flat)}, and {rough}. "
        f"{_weight(flat, smooth)}"
    )


def _finding(quality: Quality, family: str | None) -> str:
    texts = {
        None: f"{quality.noun} could not be judged",
        "neither": f"no difference in {quality.noun} is resolved",
        "disputed": f"the measures of {quality.noun} contradict each other",
    }
    return texts.get(family, f"the {family} network's slices are the {quality.comparative}")


def _no_roughness(results: Results, pair: Pair) -> str:
    """That neither network's cuts show roughness beyond their errors, and what these hide; else nothing."""
    if not is_smooth(results, pair, "matched_cuts"):
        return ""
    hidden = hidden_bumps(results, pair, "matched_cuts")
    below = (
        f" (bumps lower than {' against '.join(hidden)} nats, residual against plain, are hidden by their errors)"
        if hidden
        else ""
    )
    return NO_ROUGHNESS + below


def _weight(flat: str | None, smooth: str | None) -> str:
    """What the findings say of the claim, in a sentence."""
    sides = {"residual": "for", "plain": "against"}
    says = [
        f"{sides[family]} the claim that shortcuts {quality.verb} the landscape"
        for quality, family in zip(QUALITIES, (flat, smooth), strict=True)
        if family in sides
    ]
    open_questions = [
        quality.verb for quality, family in zip(QUALITIES, (flat, smooth), strict=True) if family not in sides
    ]
    parts = [f"speak {enumeration(says)}"] if says else []
    if open_questions:
        parts.append(f"do not decide whether shortcuts {enumeration(open_questions, 'or')} the landscape")
    return f"Within their limits the slices {' and '.join(parts)}."


def _unmeasured_note(results: Results, shown: Pair) -> str:
    """Names deeper pairs about which nothing can be said."""
    deeper = [pair.label for pair in pairs(results.study.networks) if pair.depth > shown.depth]
    return f"At {enumeration(deeper)} nothing could be compared in the slices." if deeper else ""


def curvature_in_short(results: Results) -> str:
    """By depth, which network has the lower curvature at equal loss, filter-normalised numbers first."""
    favours, undecided = "the {family} network has the lower {items}", "no difference is resolved in {items}"
    return _in_short(
        results, "In curvature", curvature_sides, favours, undecided, ", known up to numerical error"
    )


def sharpness_in_short(results: Results) -> str:
    """By depth, which network is the sharper at equal loss."""
    favours, undecided = "the {family} network is the sharper {items}", "no difference is resolved {items}"
    return _in_short(results, "In sharpness", sharpness_sides, favours, undecided)


def _in_short(
    results: Results,
    start: str,
    sides_of: Callable[..., list[Side]],
    favours: str,
    undecided: str,
    known: str = "",
) -> str:
    """A clause for each depth, depths with the same one together; with one seed that these are observations of it."""
    found = pairs(results.study.networks)
    sides = {pair.label: sides_of(results, pair, "matched", printed=False) for pair in found}
    texts = {
        label: clauses(of_pair, favours, undecided) or "nothing could be compared"
        for label, of_pair in sides.items()
    }
    alone = len(results.study.seeds) == 1 and any(sides.values())
    return f"{start}, {by_label(texts, after=',')}{f' (single observations{known})' if alone else ''}."


def _disagreement(results: Results) -> str:
    """Names the pairs at which slices, curvature and sharpness do not all favour the same network."""
    split = [pair.label for pair in pairs(results.study.networks) if len(_flatter(results, pair)) > 1]
    return f"So the measures of flatness disagree at {enumeration(split)}." if split else ""


def _flatter(results: Results, pair: Pair) -> set[str]:
    """The families that some measure finds the flatter at equal training loss."""
    slices = {favoured(results, pair, "matched_cuts", FLATNESS)}
    if "disputed" in slices:
        slices = set(OTHER)
    sharper = families(sharpness_sides(results, pair, "matched", printed=False))
    lower = families(curvature_sides(results, pair, "matched", printed=False))
    return (slices & set(OTHER)) | lower | {OTHER[family] for family in sharper}


def abstract(results: Results) -> str:
    """The deepest pair's measures of flatness about the final weights and at equal loss, always both."""
    pair = deepest(results)
    if pair is None:
        return NO_PAIR
    of_states = {state: differences_of(results, pair, state, FLATNESS) for state in PLACES}
    if any(d.value is None for differences in of_states.values() for d in differences):
        return (
            f"At {pair.label} the slices could not be compared in both ways, so no comparison is quoted here."
        )
    texts = [
        f"{PLACES[state]} "
        + enumeration(
            [clause(judged, d, FLATNESS) for judged, d in zip(FLATNESS.measures, differences, strict=True)]
        )
        for state, differences in of_states.items()
    ]
    every = [d for differences in of_states.values() for d in differences]
    return paragraph(
        [EXPLAINED, f"At {pair.label}, residual against plain: {'; '.join(texts)}.", basis_note(every)]
    )


LANDSCAPE_SENTENCES = {
    "abstract": abstract,
    "final_slices": final_slices,
    "planes": planes,
    "matching": matching,
    "matched_slices": matched_slices,
    "agreement": agreement,
    "conclusion": conclusion,
}
