"""Sentences that compare slices, worded by the numbers: at the final weights and at equal training loss."""

from experiment.reporting.comparison import Difference, Pair, pairs
from experiment.reporting.judgement import (
    FLATNESS,
    NO_DIFFERENCE,
    QUALITIES,
    SMOOTHNESS,
    Judged,
    Quality,
    differences_of,
    favoured,
    outcome,
)
from experiment.reporting.latex import enumeration, fixed, measured, percentage
from experiment.reporting.results import Results, printed, spread
from experiment.reporting.sentences import NO_PAIR
from experiment.reporting.wording import basis_note, capital, interval, paragraph

PLACES = {"cuts": "about the final weights", "matched_cuts": "at equal training loss"}
ROUGH_MATCH = 0.1  # relative difference of two training losses above which "equal" needs a caution


def final_slices(results: Results) -> str:
    return _comparison(results, "cuts")


def matched_slices(results: Results) -> str:
    return _comparison(results, "matched_cuts")


def _comparison(results: Results, state: str) -> str:
    found = pairs(results.study.networks)
    if not found:
        return NO_PAIR
    differences = [
        d for pair in found for quality in QUALITIES for d in differences_of(results, pair, state, quality)
    ]
    return paragraph([*(_pair_comparison(results, pair, state) for pair in found), basis_note(differences)])


def _pair_comparison(results: Results, pair: Pair, state: str) -> str:
    clauses = [
        _clause(judged, difference, quality)
        for quality in QUALITIES
        for judged, difference in zip(
            quality.measures, differences_of(results, pair, state, quality), strict=True
        )
        if difference.value is not None
    ]
    if not clauses:
        return f"At {pair.label} no comparison {PLACES[state]} is possible, as a slice was not measured."
    return paragraph(
        [
            f"At {pair.label}, {PLACES[state]}, residual against plain: {'; '.join(clauses)}.",
            "The two measures of flatness disagree."
            if favoured(results, pair, state, FLATNESS) == "disputed"
            else "",
            _training_caution(results, pair) if state == "cuts" else _matching_caution(results, pair),
        ]
    )


def _clause(judged: Judged, difference: Difference, quality: Quality) -> str:
    """`rise to the rim 4.46 against 3.22 nats, a difference of 1.24 +- 2.88 (within its error)`."""
    factor, digits = printed(judged.measure)
    residual, plain = (fixed(factor * value, digits) for value in (difference.residual, difference.plain))
    values = f"{judged.name} {residual} against {plain}{judged.unit}"
    word = outcome(judged, difference, quality)
    if word == NO_DIFFERENCE:
        return f"{values}, {word}"
    return f"{values}, a difference of {interval(difference, digits, factor)} ({word})"


def _training_caution(results: Results, pair: Pair) -> str:
    """Says that the centres differ in loss, where they do, and what that does to the comparison."""
    residual, plain = (
        spread(results.measure(network, "final", "centre_loss")).mean
        for network in (pair.residual, pair.plain)
    )
    if not (measured(residual) and measured(plain)) or abs(plain - residual) <= 0.1 * max(plain, residual):
        return ""
    worse, better = ("plain", "residual") if plain > residual else ("residual", "plain")
    text = f"The centres differ: training loss {fixed(residual, 3)} against {fixed(plain, 3)} nats"
    if favoured(results, pair, "cuts", FLATNESS) == worse:
        return (
            f"{text}; the slice of the {worse} network is the flatter at its final weights, as is to be "
            "expected of a network less well trained, and this alone says nothing about shortcuts."
        )
    return f"{text}, so that architecture is confounded with the success of training ({better} fits better)."


def _matching_caution(results: Results, pair: Pair) -> str:
    gap = matching_gap(results, pair)
    if gap is None or gap <= ROUGH_MATCH:
        return ""
    return f"Here equal is meant roughly: the losses differ by up to {percentage(gap)}\\,\\%."


def matching_gap(results: Results, pair: Pair) -> float | None:
    """Largest relative difference between matched training losses over seeds; None where nothing matched."""
    gaps = []
    for seed in results.study.seeds:
        losses = [
            entry["loss"]
            for entry in (results.matched(n, seed) for n in (pair.residual, pair.plain))
            if entry
        ]
        if len(losses) == 2 and all(map(measured, losses)):
            gaps.append(abs(losses[0] - losses[1]) / max(losses))
    return max(gaps, default=None)


def planes(results: Results) -> str:
    """The planes' excess variation, always in both comparisons; a plane alone has no error."""
    clauses = []
    for pair in pairs(results.study.networks):
        values = {
            place: [
                spread(results.measure(n, state, "excess_variation")).mean
                for n in (pair.residual, pair.plain)
            ]
            for state, place in (("final", PLACES["cuts"]), ("matched", PLACES["matched_cuts"]))
        }
        texts = [
            f"{' against '.join(fixed(value, printed('excess_variation')[1]) for value in both)} {place}"
            for place, both in values.items()
            if all(map(measured, both))
        ]
        clauses += [f"at {pair.label} {enumeration(texts)}"] if texts else []
    if not clauses:
        return "No planes of a pair can be compared."
    alone = ", single planes for which no error can be stated" if len(results.study.seeds) == 1 else ""
    return f"Excess variation on the planes, residual against plain{alone}: {'; '.join(clauses)}."


def matching(results: Results) -> str:
    """Which checkpoints are compared at equal loss, and how equal the losses are."""
    parts = []
    for pair in pairs(results.study.networks):
        gap = matching_gap(results, pair)
        if gap is None:
            parts.append(f"at {pair.label} nothing could be matched")
        else:
            parts.append(
                f"at {pair.label} the matched training losses differ by at most {percentage(gap)}\\,\\% of "
                "the larger"
            )
    return capital("; ".join(parts)) + "." if parts else NO_PAIR


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
        same = {"neither": "resolve no difference in flatness", "disputed": "leave flatness disputed"}
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
    """What the deepest pair says at equal training loss about whether shortcuts flatten the landscape."""
    pair = deepest(results)
    if pair is None:
        return NO_PAIR
    flat, smooth = (favoured(results, pair, "matched_cuts", quality) for quality in QUALITIES)
    one_seed = ", of one training run of each network" if len(results.study.seeds) == 1 else ""
    return paragraph(
        [
            f"At equal training loss and {pair.label}{one_seed}, {_finding(FLATNESS, flat)}, and "
            f"{_finding(SMOOTHNESS, smooth)}. {_weight(flat, smooth)}",
            _matching_caution(results, pair),
            _unmeasured_note(results, pair),
        ]
    )


def _finding(quality: Quality, family: str | None) -> str:
    texts = {
        None: f"{quality.noun} could not be judged",
        "neither": f"no difference in {quality.noun} is resolved",
        "disputed": f"the measures of {quality.noun} contradict each other",
    }
    return texts.get(family, f"the {family} network's slices are the {quality.comparative}")


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
    parts = [f"speaks {enumeration(says)}"] if says else []
    if open_questions:
        parts.append(f"does not decide whether shortcuts {enumeration(open_questions, 'or')} the landscape")
    return f"Within its limits this {' and '.join(parts)}."


def _unmeasured_note(results: Results, shown: Pair) -> str:
    """Names deeper pairs about which nothing can be said."""
    deeper = [pair.label for pair in pairs(results.study.networks) if pair.depth > shown.depth]
    return f"At {enumeration(deeper)} nothing could be compared." if deeper else ""


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
    clauses = [
        f"{PLACES[state]} "
        + enumeration(
            [_clause(judged, d, FLATNESS) for judged, d in zip(FLATNESS.measures, differences, strict=True)]
        )
        for state, differences in of_states.items()
    ]
    every = [d for differences in of_states.values() for d in differences]
    return paragraph([f"At {pair.label}, residual against plain: {'; '.join(clauses)}.", basis_note(every)])


LANDSCAPE_SENTENCES = {
    "abstract": abstract,
    "final_slices": final_slices,
    "planes": planes,
    "matching": matching,
    "matched_slices": matched_slices,
    "agreement": agreement,
    "conclusion": conclusion,
}
