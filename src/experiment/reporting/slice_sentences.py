"""Sentences that compare the slices of a pair, at the final weights and at equal training loss, and how equal that is."""

from experiment.reporting.comparison import Difference, Pair, pairs
from experiment.reporting.judgement import (
    FLATNESS,
    NO_DIFFERENCE,
    NO_ROUGHNESS,
    QUALITIES,
    Judged,
    Quality,
    differences_of,
    favoured,
    outcome,
)
from experiment.reporting.latex import enumeration, fixed, measured, percentage, significant
from experiment.reporting.results import Results, printed, spread
from experiment.reporting.sentences import NO_PAIR
from experiment.reporting.wording import basis_note, capital, contrast, paragraph

PLACES = {"cuts": "about the final weights", "matched_cuts": "at equal training loss"}
RAW = {"raw_excess_variation": "excess variation", "raw_nonconvex_share": "non-convex share"}
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
    clauses = [text for quality in QUALITIES for text in _clauses(results, pair, state, quality)]
    if not clauses:
        return f"At {pair.label} no comparison {PLACES[state]} is possible, as a slice was not measured."
    return paragraph(
        [
            f"At {pair.label}, {PLACES[state]}, residual against plain: {'; '.join(clauses)}.",
            _resolution(results, pair, state),
            "The two measures of flatness disagree."
            if favoured(results, pair, state, FLATNESS) == "disputed"
            else "",
            _training_caution(results, pair) if state == "cuts" else matching_caution(results, pair),
        ]
    )


def _clauses(results: Results, pair: Pair, state: str, quality: Quality) -> list[str]:
    """One for each measure that was taken of both; a single one where no measure resolves any roughness."""
    compared = zip(quality.measures, differences_of(results, pair, state, quality), strict=True)
    known = [(judged, difference) for judged, difference in compared if difference.value is not None]
    if len(known) > 1 and all(outcome(*entry, quality) == NO_ROUGHNESS for entry in known):
        return [f"{enumeration([_values(*entry) for entry in known])}, {NO_ROUGHNESS}"]
    return [clause(*entry, quality) for entry in known]


def clause(judged: Judged, difference: Difference, quality: Quality) -> str:
    """`rise to the rim 4.46 against 3.22 nats, a difference of 1.24 +- 2.88 (within its error)`."""
    factor, digits = printed(judged.measure)
    word = outcome(judged, difference, quality)
    if word in (NO_DIFFERENCE, NO_ROUGHNESS):
        return f"{_values(judged, difference)}, {word}"
    residual, plain, apart = contrast(difference, digits, factor)
    return f"{judged.name} {residual} against {plain}{judged.unit}, a difference of {apart} ({word})"


def _values(judged: Judged, difference: Difference) -> str:
    """`excess variation 1.00 against 1.00`."""
    factor, digits = printed(judged.measure)
    both = (fixed(factor * value, digits) for value in (difference.residual, difference.plain))
    return f"{judged.name} {' against '.join(both)}{judged.unit}"


def _resolution(results: Results, pair: Pair, state: str) -> str:
    """Which bumps the errors hide, and what is counted where none is asked for; nothing where that is unknown."""
    hidden = hidden_bumps(results, pair, state)
    if hidden is None:
        return ""
    raw = {name: _both(results, pair, state, name) for name in RAW}
    counted = [
        f"{RAW[name]} {' against '.join(fixed(printed(name)[0] * value, printed(name)[1]) for value in both)}"
        + (r"\,\%" if printed(name)[0] == 100 else "")
        for name, both in raw.items()
        if all(map(measured, both))
    ]
    everything = (
        f"; with all of them counted, sampling noise included, {enumeration(counted)}" if counted else ""
    )
    return f"In the median over points, bumps lower than {' against '.join(hidden)} nats are hidden by their errors{everything}."


def hidden_bumps(results: Results, pair: Pair, state: str) -> list[str] | None:
    """Heights below which a bump is not counted, in nats, residual then plain; None where they are unknown."""
    both = _both(results, pair, state, "resolvable_bump")
    return [significant(value, 2) for value in both] if all(map(measured, both)) else None


def _both(results: Results, pair: Pair, state: str, name: str) -> list[float | None]:
    """Means over seeds, residual then plain."""
    return [spread(results.measure(network, state, name)).mean for network in (pair.residual, pair.plain)]


def _training_caution(results: Results, pair: Pair) -> str:
    """Says that the centres differ in loss, where they do, and what that does to the comparison."""
    residual, plain = _both(results, pair, "final", "centre_loss")
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


def matching_caution(results: Results, pair: Pair) -> str:
    gap = largest_gap(_matched_losses(results, pair))
    if gap is None or gap <= ROUGH_MATCH:
        return ""
    by = "by" if len(results.study.seeds) == 1 else "by up to"
    return f"Here equal is meant roughly: the losses differ {by} {percentage(gap)}\\,\\%."


def _matched_losses(results: Results, pair: Pair) -> list[list[float]]:
    """Losses at equal loss, residual and plain, of every seed that has both."""
    by_seed = [
        [entry["loss"] for entry in (results.matched(n, seed) for n in (pair.residual, pair.plain)) if entry]
        for seed in results.study.seeds
    ]
    return [both for both in by_seed if len(both) == 2 and all(map(measured, both))]


def _recomputed_losses(results: Results, pair: Pair) -> list[list[float]]:
    """The same with batch-norm statistics recomputed."""
    by_seed = [
        [results.matched_recomputed_loss(network, seed) for network in (pair.residual, pair.plain)]
        for seed in results.study.seeds
    ]
    return [both for both in by_seed if all(map(measured, both))]


def largest_gap(losses: list[list[float]]) -> float | None:
    """Largest relative difference over pairs of losses; None where there is none."""
    return max((abs(a - b) / max(a, b) for a, b in losses), default=None)


def planes(results: Results) -> str:
    """The planes' excess variation, always in both comparisons; a plane alone has no error."""
    clauses = []
    for pair in pairs(results.study.networks):
        values = {
            place: _both(results, pair, state, "excess_variation")
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
    """Which checkpoints are compared at equal loss, and how equal the losses are with either kind of statistics."""
    found = pairs(results.study.networks)
    rough = [
        pair.label for pair in found if (largest_gap(_recomputed_losses(results, pair)) or 0) > ROUGH_MATCH
    ]
    caution = (
        f"What is equal at {enumeration(rough)} is therefore the loss with running statistics."
        if rough
        else ""
    )
    parts = [_matching_of(results, pair) for pair in found]
    return paragraph([capital("; ".join(parts)) + ".", caution]) if parts else NO_PAIR


def _matching_of(results: Results, pair: Pair) -> str:
    """`at depth 20 the matched training losses differ by 4.7 % of the larger (0.401 against 0.382 nats), ...`."""
    running = _gap_text(_matched_losses(results, pair))
    if running is None:
        return f"at {pair.label} nothing could be matched"
    recomputed = _gap_text(_recomputed_losses(results, pair))
    after = f", with batch-norm statistics recomputed {recomputed}" if recomputed else ""
    return f"at {pair.label} the matched training losses, residual against plain, differ {running}{after}"


def _gap_text(losses: list[list[float]]) -> str | None:
    """`by 4.7 % of the larger (0.401 against 0.382 nats)`; over several seeds `by at most`, without values."""
    gap = largest_gap(losses)
    if gap is None:
        return None
    size = f"{significant(100 * gap, 2)}\\,\\% of the larger"
    if len(losses) > 1:
        return f"by at most {size}"
    return f"by {size} ({' against '.join(fixed(loss, 3) for loss in losses[0])} nats)"
