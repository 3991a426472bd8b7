"""Sentences that compare the slices of a pair, at the final weights and at equal training loss, and how equal that is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from experiment.intervals import rank_correlation
from experiment.pairs import Pair, pairs
from experiment.reporting.comparison import Difference, roughness_difference
from experiment.reporting.curvature_values import values as curvature_of
from experiment.reporting.judgement import (
    FAMILY,
    FLATNESS,
    NO_ROUGHNESS,
    QUALITIES,
    Judged,
    Quality,
    both,
    differences_of,
    favoured,
    is_smooth,
    plane_difference,
    plane_variation_apart,
    unanimous,
)
from experiment.reporting.latex import enumeration, fixed, measured, percentage, significant, typewriter
from experiment.reporting.results import Results, printed
from experiment.reporting.sentences import NO_PAIR
from experiment.reporting.sides import Side, by_label, clauses, labels_by_text
from experiment.reporting.wording import basis_note, contrast, count_noun, interval, paragraph, places, ratio

PLACES = {"cuts": "about the final weights", "matched_cuts": "at equal training loss"}
FEW, EPOCHS = 4, 3  # seeds, and different epochs, at least of a rank correlation
STRONG = 0.8  # rank correlation from which on a dependence is spoken of
ROUGH_MATCH = 0.1  # relative difference of two training losses above which "equal" needs a caution


def final_slices(results: Results) -> str:
    found = pairs(results.study.networks)
    return paragraph([_comparison(results, "cuts"), *(_training_caution(results, pair) for pair in found)])


def matched_slices(results: Results) -> str:
    return _comparison(results, "matched_cuts")


def _comparison(results: Results, state: str) -> str:
    """Pairs with the same verdicts together, then what their cuts could not show."""
    found = pairs(results.study.networks)
    if not found:
        return NO_PAIR
    texts = {pair.label: _verdicts(results, pair, state) for pair in found}
    note = cuts_note(results, state)
    return paragraph(
        [
            *(
                f"At {enumeration(labels)}, {PLACES[state]}, {text}."
                for text, labels in labels_by_text(texts).items()
            ),
            _disputed(results, found, state),
            _hidden(results, found, state),
            note if state == "cuts" or note != cuts_note(results, "cuts") else "",
        ]
    )


def cuts_note(results: Results, state: str) -> str:
    """What the intervals of the cuts cover; said once, about the final weights, unless others differ."""
    return basis_note(
        [
            difference
            for pair in pairs(results.study.networks)
            for quality in QUALITIES
            for difference in differences_of(results, pair, state, quality)
        ]
    )


def _verdicts(results: Results, pair: Pair, state: str) -> str:
    """By which measures which network is the flatter or smoother, with the values; those of neither by name alone."""
    texts = []
    for quality in QUALITIES:
        if quality is not FLATNESS and is_smooth(results, pair, state):
            texts.append(f"in the cuts {NO_ROUGHNESS}")
            continue
        favours = f"the {{family}} network is the {quality.comparative} by {{items}}"
        texts.append(
            clauses(_sides(results, pair, state, quality), favours, "no difference is resolved in {items}")
        )
    return "; ".join(filter(None, texts)) or "no comparison is possible, as a slice was not measured"


def _sides(results: Results, pair: Pair, state: str, quality: Quality) -> list[Side]:
    """The quality's measures that were taken of both networks."""
    sides = []
    for judged, difference in zip(
        quality.measures, differences_of(results, pair, state, quality), strict=True
    ):
        if difference.value is not None:
            winner = judged.winner(difference)
            family = winner if winner in FAMILY.values() else None
            note = _values(judged, difference) if family else in_every_seed(results, pair, state, judged)
            sides.append(Side(judged.name + (f" ({note})" if note else ""), family))
    return sides


def in_every_seed(results: Results, pair: Pair, state: str, judged: Judged) -> str:
    """`0.53 against 0.47, a difference of 0.06 +- 0.08, higher for the residual network in each of six seeds`.

    Of a difference that is not resolved although every seed has it; nothing of another.
    """
    family = unanimous(results, pair, state, judged)
    found = roughness_difference(results, pair, state, judged.measure)
    if not family or found.resolved or judged.at_bound(found):
        return ""
    seeds = count_noun(len(results.study.seeds), "seed")
    return f"{_values(judged, found)}, higher for the {family} network in each of {seeds}"


def _values(judged: Judged, difference: Difference) -> str:
    """`4.46 against 3.22 nats, a difference of 1.24 +- 0.88`."""
    factor, digits = printed(judged.measure)
    residual, plain, apart = contrast(difference, digits, factor)
    return f"{residual} against {plain}{judged.unit}, a difference of {apart}"


def _disputed(results: Results, found: list[Pair], state: str) -> str:
    """Names the pairs whose measures of flatness favour different networks."""
    split = [pair.label for pair in found if favoured(results, pair, state, FLATNESS) == "disputed"]
    return f"The two measures of flatness disagree at {enumeration(split)}." if split else ""


def _hidden(results: Results, found: list[Pair], state: str) -> str:
    """Which bumps the errors of the cuts hide; nothing where that is unknown."""
    heights = hidden_bumps(results, found, state)
    if not heights:
        return ""
    return (
        f"Bumps lower than {span(heights)} nats, by network, are hidden by the errors of the cuts (medians over their points)"
        + (
            "; the raw columns of \\cref{tab:cuts} count everything, sampling noise included."
            if state == "cuts"
            else "."
        )
    )


def hidden_bumps(results: Results, found: list[Pair], state: str) -> list[float]:
    """Heights below which a bump is not counted, in nats, of the networks of which they are known."""
    heights = [height for pair in found for height in both(results, pair, state, "resolvable_bump")]
    return list(filter(measured, heights))


def span(values: list[float]) -> str:
    """`0.36 to 0.57`, or the one value where these print alike; one or more."""
    low, high = (significant(value, 2) for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def lower_centre(results: Results, pair: Pair, state: str) -> tuple[str, str] | None:
    """Whose centre is the lower, and `centres of 0.23 against 0.98 nats, ...`: its climb half-way to chance is the longer.

    None where the centres are about equal, or one is not known.
    """
    centres = both(results, pair, state, "centre_loss")
    if not all(map(measured, centres)) or largest_gap([centres]) <= ROUGH_MATCH:
        return None
    residual, plain = (fixed(centre, 2) for centre in centres)
    words = f"centres of {residual} against {plain} nats, residual against plain, the climb from the lower one being the longer"
    return "residual" if centres[0] < centres[1] else "plain", words


def _training_caution(results: Results, pair: Pair) -> str:
    """Says that the centres differ in loss, where they do, and what that does to the comparison."""
    residual, plain = both(results, pair, "final", "centre_loss")
    if not (measured(residual) and measured(plain)) or abs(plain - residual) <= 0.1 * max(plain, residual):
        return ""
    worse, better = ("plain", "residual") if plain > residual else ("residual", "plain")
    text = f"The centres at {pair.label} differ: training loss {fixed(residual, 2)} against {fixed(plain, 2)} nats"
    if favoured(results, pair, "cuts", FLATNESS) == worse:
        return (
            f"{text}; the slice of the {worse} network is the flatter at its final weights, as is to be "
            "expected of a network less well trained, and this alone says nothing about shortcuts."
        )
    return f"{text}, so that architecture is confounded with the success of training ({better} fits better)."


def matching_caution(results: Results, found: list[Pair]) -> str:
    """How far from equal the losses are, with the statistics of the slices and with recomputed ones, where that is far."""
    gaps = {pair.label: _rough_gaps(results, pair) for pair in found}
    roughly = {
        label: f"by {running}"
        + (f" (by {recomputed} with recomputed batch-norm statistics)" if recomputed else "")
        for label, (running, recomputed) in gaps.items()
        if running
    }
    nominally = [
        f"With recomputed batch-norm statistics the losses at {pair.label} differ by {recomputed}{_recomputed_sides(results, pair)}."
        for pair in found
        for running, recomputed in [gaps[pair.label]]
        if recomputed and not running
    ]
    rough = f"Equal is meant roughly: the losses differ {by_label(roughly)}." if roughly else ""
    return paragraph([rough, *nominally])


def _rough_gaps(results: Results, pair: Pair) -> list[str]:
    """`up to 19 %` with running and with recomputed statistics, empty where it is little."""
    most = "" if len(results.study.seeds) == 1 else "up to "
    gaps = (largest_gap(losses(results, pair)) or 0 for losses in (_matched_losses, _recomputed_losses))
    return [f"{most}{percentage(gap, 0)}\\,\\%" if gap > ROUGH_MATCH else "" for gap in gaps]


def _recomputed_sides(results: Results, pair: Pair) -> str:
    """` (0.693 against 0.931 nats, residual against plain)`, of a single seed."""
    losses = _recomputed_losses(results, pair)
    if len(losses) != 1:
        return ""
    return f" ({' against '.join(fixed(loss, 3) for loss in losses[0])} nats, residual against plain)"


def _matched_losses(results: Results, pair: Pair) -> list[list[float]]:
    """Losses at equal loss, residual and plain, of every seed that has both."""
    by_seed = [
        [entry["loss"] for entry in (results.matched(n, seed) for n in (pair.residual, pair.plain)) if entry]
        for seed in results.study.seeds
    ]
    return [losses for losses in by_seed if len(losses) == 2 and all(map(measured, losses))]


def _recomputed_losses(results: Results, pair: Pair) -> list[list[float]]:
    """The same with batch-norm statistics recomputed."""
    by_seed = [
        [results.matched_recomputed_loss(network, seed) for network in (pair.residual, pair.plain)]
        for seed in results.study.seeds
    ]
    return [losses for losses in by_seed if all(map(measured, losses))]


def largest_gap(losses: list[list[float]]) -> float | None:
    """Largest relative difference over pairs of losses; None where there is none."""
    return max((abs(a - b) / max(a, b) for a, b in losses), default=None)


def planes(results: Results) -> str:
    """The planes' excess variation, always in both comparisons, and over seeds the rise; a plane alone has no error."""
    texts = {pair.label: _plane_variations(results, pair) for pair in pairs(results.study.networks)}
    known = {label: text for label, text in texts.items() if text}
    if not known:
        return "No planes of a pair can be compared."
    alone = (
        " These are single planes, for which no error can be stated." if len(results.study.seeds) == 1 else ""
    )
    rises = {pair.label: _plane_rises(results, pair) for pair in pairs(results.study.networks)}
    risen = {label: text for label, text in rises.items() if text}
    return paragraph(
        [
            f"Excess variation on the planes, residual against plain: {by_label(known, ',')}.{alone}",
            f"The planes' rise to the rim, residual minus plain: {by_label(risen, ',')}." if risen else "",
        ]
    )


def _plane_rises(results: Results, pair: Pair) -> str:
    """`5.65 +- 2.61 nats, a ratio of 1.8 [1.3, 2.5], about the final weights and ...`, over seeds; nothing of single planes."""
    found = {place: plane_difference(results, pair, state, "edge_rise") for state, place in PLACES.items()}
    known = [f"{rise_apart(rise)} {place}" for place, rise in found.items() if rise.half_width is not None]
    return enumeration(known) if known else ""


def rise_apart(rise: Difference) -> str:
    """`5.65 +- 2.61 nats, a ratio of 1.8 [1.3, 2.5],`: of planes, residual minus plain."""
    apart = interval(rise, places(rise.value, rise.half_width, printed("edge_rise")[1]))
    return f"{apart} nats{ratio(rise)}{',' if rise.ratio else ''}"


def _plane_variations(results: Results, pair: Pair) -> str:
    """`1.00 against 1.05 in both comparisons`, or both with their places; nothing where neither is known."""
    values = {PLACES[state]: plane_variation_apart(results, pair, state) for state in PLACES}
    if len(set(values.values())) == 1 and all(values.values()):
        return f"{values.popitem()[1]} in both comparisons"
    shown = [f"{text} {place}" for place, text in values.items() if text]
    return enumeration(shown) if shown else ""


@dataclass(frozen=True)
class Followed:
    """What is followed with the epoch at which a network was caught at equal loss: its name, its unit, and its values by seed."""

    name: str
    unit: str
    values: Callable[[Results, str], list[float | None]]


def _of_cuts(judged: Judged) -> Followed:
    return Followed(
        f"the {judged.name} of its cuts",
        judged.unit,
        lambda results, network: results.measure(network, "matched_cuts", judged.measure),
    )


FOLLOWED = (
    *map(_of_cuts, FLATNESS.measures),
    Followed(
        "its filter-normalised trace",
        "",
        lambda results, network: curvature_of(results, network, "matched", "normalised_trace"),
    ),
)
IN_SHORT = (FOLLOWED[0], FOLLOWED[-1])  # rise and trace


def caught_early(
    results: Results, followed: Sequence[Followed] = FOLLOWED, found: list[Pair] | None = None
) -> str:
    """How, over seeds, the epoch at which a network was caught at equal loss goes with how steep its surroundings are there.

    Of all networks, or those of the pairs `found`. Nothing of one that was caught at fewer than EPOCHS epochs, or from
    fewer than FEW seeds.
    """
    networks = results.study.networks if found is None else [n for p in found for n in (p.residual, p.plain)]
    return paragraph([_caught(results, network, followed) for network in networks])


def _caught(results: Results, network: str, followed: Sequence[Followed]) -> str:
    """`Over seeds resnet56 was caught from epoch 1.5 to epoch 4; between the runs caught first and last the rise goes from 97 to 6.5 nats (...)`"""
    caught = [
        (index, entry["epoch"])
        for index, seed in enumerate(results.study.seeds)
        if (entry := results.matched(network, seed))
    ]
    epochs = [epoch for _, epoch in caught]
    if len(epochs) < FEW or len(set(epochs)) < EPOCHS:
        return ""
    first, last = min(epochs), max(epochs)
    goes, correlations = [], []
    for one in followed:
        every = one.values(results, network)
        values = [every[index] for index, _ in caught]
        if not all(map(measured, values)) or not measured(found := rank_correlation(epochs, values)):
            continue
        ends = (
            fmean(value for value, epoch in zip(values, epochs, strict=True) if epoch == end)
            for end in (first, last)
        )
        goes.append(
            f"{one.name} {'' if goes else 'goes '}from {' to '.join(significant(end, 2) for end in ends)}{one.unit}"
        )
        correlations.append(found)
    if not goes:
        return ""
    noun = "rank correlation" if len(goes) == 1 else "rank correlations"
    depends = (
        " How steep it is found there goes with when it was caught."
        if max(map(abs, correlations)) >= STRONG
        else ""
    )
    return (
        f"Over seeds {typewriter(network)} was caught at equal loss from epoch {first:g} to epoch {last:g}; between the runs caught "
        f"first and last {enumeration(goes)} ({noun} with the epoch over all: {enumeration([fixed(c, 2) for c in correlations])})."
        f"{depends}"
    )


def matching(results: Results) -> str:
    """Which checkpoints are compared at equal loss, and how equal the losses are with either kind of statistics."""
    found = pairs(results.study.networks)
    if not found:
        return NO_PAIR
    gaps = {pair.label: _gaps(results, pair) for pair in found}
    known = [f"at {label} {text}" for label, text in gaps.items() if text]
    lost = [label for label, text in gaps.items() if not text]
    running, recomputed = (
        [pair.label for pair in found if (largest_gap(losses(results, pair)) or 0) > ROUGH_MATCH]
        for losses in (_matched_losses, _recomputed_losses)
    )
    nominal = [label for label in recomputed if label not in running]
    return paragraph(
        [
            f"Relative to the larger, the matched training losses differ {'; '.join(known)}."
            if known
            else "",
            f"Nothing could be matched at {enumeration(lost)}." if lost else "",
            f"Equal is meant roughly at {enumeration(running)}." if running else "",
            f"What is equal at {enumeration(nominal)} is the loss with running statistics."
            if nominal
            else "",
        ]
    )


def _gaps(results: Results, pair: Pair) -> str:
    """`by 4.7 % with running batch-norm statistics and by 0.73 % with recomputed ones`; nothing where nothing was matched."""
    running, recomputed = (
        _gap_text(losses(results, pair)) for losses in (_matched_losses, _recomputed_losses)
    )
    if running is None:
        return ""
    after = f" and by {recomputed} with recomputed ones" if recomputed else ""
    return f"by {running} with running batch-norm statistics{after}"


def _gap_text(losses: list[list[float]]) -> str | None:
    """`4.7 %`; over several seeds `at most 4.7 %`."""
    gap = largest_gap(losses)
    if gap is None:
        return None
    return f"{'at most ' if len(losses) > 1 else ''}{significant(100 * gap, 2)}\\,\\%"
