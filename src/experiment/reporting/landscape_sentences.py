"""What the slices say together, and beside them curvature and sharpness at equal training loss: agreement, conclusion, abstract."""

from dataclasses import replace
from math import sqrt

from experiment.pairs import Pair, pairs
from experiment.reporting.claims import LEFT_ALONE
from experiment.reporting.comparison import ONE_SEED, Difference, roughness_difference
from experiment.reporting.curvature import curvature_sides, images_note
from experiment.reporting.curvature_values import RESCALING_INVARIANT, compare
from experiment.reporting.judgement import (
    FAMILY,
    FLATNESS,
    HALFWAY,
    QUALITIES,
    RISE,
    SMOOTHNESS,
    Judged,
    Quality,
    differences_of,
    favoured,
    is_smooth,
    plane_difference,
    plane_variation_apart,
    resolved_among,
    resolving,
    surviving,
)
from experiment.reporting.latex import enumeration, percentage, typewriter
from experiment.reporting.measurement_sentences import recomputed_flatness, statistics_effect
from experiment.reporting.results import Results
from experiment.reporting.rises import rises
from experiment.reporting.sentences import NO_PAIR
from experiment.reporting.sharpness_values import JUDGED, difference, falling
from experiment.reporting.sides import Side, by_label, families
from experiment.reporting.slice_sentences import (
    IN_SHORT,
    PLACES,
    caught_early,
    final_slices,
    hidden_bumps,
    in_every_seed,
    lower_centre,
    matched_slices,
    matching,
    matching_caution,
    planes,
    span,
)
from experiment.reporting.trials import trial_in_short
from experiment.reporting.wording import capital, count, count_noun, paragraph

NO_ROUGHNESS_OF_CUTS = "no roughness is resolved in the cuts of either"
OTHER = {"residual": "plain", "plain": "residual"}


def agreement(results: Results) -> str:
    """Whether the two comparisons name the same network as the flatter, and how many intervals stand behind that."""
    found = pairs(results.study.networks)
    return paragraph(
        [
            *(_agreement(results, pair) for pair in found),
            intervals_apart(results, found),
            planes_rise(results, found, list(PLACES)),
        ]
    )


def _agreement(results: Results, pair: Pair) -> str:
    final, matched = (favoured(results, pair, state, FLATNESS) for state in PLACES)
    if final is None or matched is None:
        return f"At {pair.label} the two comparisons cannot be set side by side, as one was not measured."
    if final == matched:
        same = {
            "neither": "resolve no difference in the flatness of the cuts",
            "disputed": "leave flatness disputed",
        }
        return f"At {pair.label} both comparisons {same.get(final, f'find the {final} network the flatter')}."
    if "neither" in (final, matched):
        state = "matched_cuts" if final == "neither" else "cuts"
        return (
            f"At {pair.label} only the comparison {PLACES[state]} resolves a difference in flatness: "
            f"{finding(results, pair, state)}{caveats(results, pair, state)}."
        )
    differ = "contradict each other" if {final, matched} == {"residual", "plain"} else "differ"
    found = (f"{PLACES[s]} {finding(results, pair, s)}{caveats(results, pair, s)}" for s in PLACES)
    return f"At {pair.label} the comparisons {differ}: {'; '.join(found)}."


def finding(results: Results, pair: Pair, state: str, quality: Quality = FLATNESS) -> str:
    """Which network's slices are the flatter or smoother, and by which measure alone where not by every one."""
    family = favoured(results, pair, state, quality)
    texts = {
        None: f"{quality.noun} could not be judged",
        "neither": f"no difference in {quality.noun} is resolved",
    }
    if family in texts:
        return texts[family]
    if family == "disputed":
        return _disputed(results, pair, state, quality)
    resolved = [judged.name for judged in resolving(results, pair, state, quality, family)]
    alone = f" by the {enumeration(resolved)} alone" if len(resolved) < len(quality.measures) else ""
    return f"the {family} network is the {quality.comparative}{alone}"


def _disputed(results: Results, pair: Pair, state: str, quality: Quality) -> str:
    """`the residual network is the flatter by the half-way distance and the plain one by the rise to the rim`."""
    residual, plain = (
        enumeration([judged.name for judged in resolving(results, pair, state, quality, family)])
        for family in ("residual", "plain")
    )
    return f"the residual network is the {quality.comparative} by the {residual} and the plain one by the {plain}"


def caveats(results: Results, pair: Pair, state: str) -> str:
    """What has to stand beside a finding of flatness: what alone decides it, and measures that point the other way."""
    return (
        _by_ratio_alone(results, pair, state)
        + _favoured_by_centres(results, pair, state)
        + _other_way(results, pair, state)
    )


def _by_ratio_alone(results: Results, pair: Pair, state: str) -> str:
    """Where the rises are told apart by their ratio and would not be by their difference."""
    rise = roughness_difference(results, pair, state, RISE.measure)
    return (
        " (by the ratio of the rises; by their difference it would not be)"
        if rise.resolved and not rise.differs
        else ""
    )


def _favoured_by_centres(results: Results, pair: Pair, state: str) -> str:
    """Where the half-way distance, and no other measure, is for the network with the lower centre, whose climb is the longer."""
    found = lower_centre(results, pair, state)
    if found is None or resolving(results, pair, state, FLATNESS, found[0]) != [HALFWAY]:
        return ""
    half_way = (
        f"the {HALFWAY.name} is taken " if favoured(results, pair, state, FLATNESS) == "disputed" else ""
    )
    return f" ({half_way}from {found[1]})"


def _other_way(results: Results, pair: Pair, state: str) -> str:
    """Names the measures of flatness that do not resolve the finding and whose values speak against it."""
    family = favoured(results, pair, state, FLATNESS)
    if family == "neither":
        notes = {judged.name: in_every_seed(results, pair, state, judged) for judged in FLATNESS.measures}
        found = [f"{name} ({note})" for name, note in notes.items() if note]
        return f", not even in {enumeration(found)}" if found else ""
    if family not in OTHER:
        return ""
    compared = zip(FLATNESS.measures, differences_of(results, pair, state, FLATNESS), strict=True)
    against = [judged.name for judged, d in compared if judged.leaning(d) == OTHER[family]]
    return f", though the {enumeration(against)}, unresolved, points the other way" if against else ""


def intervals_apart(results: Results, found: list[Pair]) -> str:
    """How many intervals of flatness there are and how many exclude zero, before and after a correction for their number."""
    every = [d for pair in found for state in PLACES for d in differences_of(results, pair, state, FLATNESS)]
    return told_apart("the cuts' rise and half-way distance", [d for d in every if d.half_width is not None])


def told_apart(what: str, found: list[Difference]) -> str:
    """`Of eight intervals of ... three tell the two apart, two after Holm's correction for their number.`; nothing of none."""
    if not found:
        return ""
    resolved, left = sum(d.resolved for d in found), sum(resolved_among(found))
    after = f", {count(left)} after Holm's correction for their number" if resolved else ""
    return (
        f"Of {count_noun(len(found), 'interval')} of {what} {count(resolved)} "
        f"{'tells' if resolved == 1 else 'tell'} the two apart{after}."
    )


def planes_rise(results: Results, found: list[Pair], states: list[str]) -> str:
    """`On the planes through the same weights the rise to the rim is higher for the residual network in three of four comparisons.`"""
    known = [
        rise
        for pair in found
        for state in states
        if (rise := plane_difference(results, pair, state, "edge_rise")).half_width is not None
    ]
    if not known:
        return ""
    higher = {FAMILY[-sign]: sum(rise.sign == sign for rise in known) for sign in (1, -1)}
    texts = [f"higher for the {name} network in {count(number)}" for name, number in higher.items() if number]
    compared = f"of {count_noun(len(known), 'comparison')}"
    start = "On the planes through the same weights the rise to the rim is"
    return f"{start} {enumeration(texts)} {compared}." if texts else f"{start} told apart in none {compared}."


def deepest(results: Results) -> Pair | None:
    """The deepest pair measured at equal training loss, or of all where none was; None without pairs."""
    found = pairs(results.study.networks)
    return ([pair for pair in found if _is_measured(results, pair)] or found or [None])[-1]


def _is_measured(results: Results, pair: Pair) -> bool:
    return favoured(results, pair, "matched_cuts", FLATNESS) is not None


def roughness_of_cuts(results: Results, pair: Pair, state: str) -> str:
    """`no roughness is resolved in the cuts of either`, or which network's are the smoother."""
    if is_smooth(results, pair, state):
        return NO_ROUGHNESS_OF_CUTS
    return f"in the cuts {finding(results, pair, state, SMOOTHNESS)}"


def roughness_of_planes(results: Results, found: list[Pair], state: str) -> str:
    """` (on the planes, of unknown error, the excess variation, residual against plain, is 1.01 against 1.01 and ...)`, by pair."""
    known = [variation for pair in found if (variation := plane_variation_apart(results, pair, state))]
    unknown = ", of unknown error," if len(results.study.seeds) == 1 else ""
    values = (
        f" (on the planes{unknown} the excess variation, residual against plain, is {enumeration(known)})"
    )
    return values if len(known) == len(found) else ""


def conclusion_final(results: Results) -> str:
    """Answer to the first question: flatness and roughness about the final weights."""
    return _answer(results, "cuts")


def conclusion_matched(results: Results) -> str:
    """Answer to the second: the same at equal training loss, how equal that is, and what it says of the claim."""
    found = pairs(results.study.networks)
    pair = deepest(results)
    if pair is None:
        return NO_PAIR
    return paragraph(
        [
            _answer(results, "matched_cuts"),
            matching_caution(results, found),
            _weights(results, found),
            caught_early(results, IN_SHORT),
        ]
    )


def _answer(results: Results, state: str) -> str:
    """Pair by pair, pairs with the same finding together; roughness once where it is that of the final weights."""
    found = pairs(results.study.networks)
    if not found:
        return NO_PAIR
    flat = by_label({p.label: finding(results, p, state) + caveats(results, p, state) for p in found})
    rough, before = (
        by_label({pair.label: roughness_of_cuts(results, pair, s) for pair in found})
        + roughness_of_planes(results, found, s)
        for s in (state, "cuts")
    )
    roughness = (
        "As to roughness, the answer is that of the first question"
        if state != "cuts" and rough == before
        else capital(rough)
    )
    return paragraph(
        [
            f"{capital(PLACES[state])}, {flat}.",
            rises(results, state, with_values=False),
            planes_rise(results, found, [state]),
            f"{roughness}.",
        ]
    )


def _weights(results: Results, found: list[Pair]) -> str:
    """What the cuts say of the claim once corrected for the number of their intervals, with the pairs that say it."""
    every = pairs(results.study.networks)
    left = {quality: surviving(results, every, quality) for quality in QUALITIES}
    texts = {
        pair.label: _weight(
            *(favoured(results, pair, "matched_cuts", quality, left[quality]) for quality in QUALITIES)
        )
        for pair in found
    }
    run = " of this one run" if len(results.study.seeds) == 1 else ""
    return (
        f"Within their limits, and corrected for their number, the cuts{run} at equal training loss, "
        f"{by_label(texts, ',')}."
    )


def _weight(flat: str | None, smooth: str | None) -> str:
    """What a pair's cuts say of the claim."""
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
    return " and ".join(parts)


def conclusion_measured(results: Results) -> str:
    """Answer to the third: what is too small to be seen in the cuts, and by how much a choice moves the planes."""
    return paragraph(
        [
            _flatness_apart(results),
            _bumps_seen(results),
            statistics_effect(results),
            recomputed_flatness(results),
        ]
    )


def _flatness_apart(results: Results) -> str:
    """In how many comparisons each measure of flatness tells a pair apart, and how wide the intervals of its differences are."""
    compared = {
        measure: [
            found
            for pair in pairs(results.study.networks)
            for state in PLACES
            if (found := roughness_difference(results, pair, state, measure.measure)).value is not None
            and found.half_width
        ]
        for measure in FLATNESS.measures
    }
    known = {measure: differences for measure, differences in compared.items() if differences}
    if not known:
        return "No slices of a pair could be compared."
    drawn = {d.basis.removeprefix(f"{ONE_SEED}, ") for differences in known.values() for d in differences}
    return (
        f"The {enumeration(sorted(drawn), 'or')} resolve a difference "
        f"{enumeration([_resolved_of(*entry) for entry in known.items()])}; these intervals do not cover the sampling of images."
    )


def _resolved_of(measure: Judged, found: list[Difference]) -> str:
    """`in rise to the rim in none of four comparisons (half-widths 3.5 to 5.6 nats, 49 to 73 % of the larger)`.

    Of ratios, by what factors the intervals reach up and down.
    """
    resolved = f"in {measure.name} in {count(sum(d.resolved for d in found))} of {count_noun(len(found), 'comparison')}"
    factors = [sqrt(d.ratio.high / d.ratio.low) for d in found if d.ratio is not None]
    if factors:
        return f"{resolved} (ratios within a factor of {span(factors)})"
    shares = [d.half_width / max(abs(d.residual), abs(d.plain)) for d in found]
    low, high = (percentage(share, 0) for share in (min(shares), max(shares)))
    return (
        f"{resolved} (half-widths "
        f"{span([d.half_width for d in found])}{measure.unit}, {low if low == high else f'{low} to {high}'}\\,\\% "
        "of the larger)"
    )


def _bumps_seen(results: Results) -> str:
    heights = [h for state in PLACES for h in hidden_bumps(results, pairs(results.study.networks), state)]
    return f"Bumps lower than {span(heights)} nats, by network, are hidden by the errors." if heights else ""


def conclusion_other(results: Results) -> str:
    """Curvature, sharpness and the trials beside the slices."""
    trials = [trial_in_short(results, network) for network in results.parameters["trials"]["networks"]]
    apart = other_intervals_apart(results)
    return paragraph([other_measures(results), _disagreement(results), apart, *trials])


def other_measures(results: Results, in_short: bool = False) -> str:
    """By depth, which network has the lower curvature and sharpness at equal loss, by what has an error.

    Raw measures are left out, as they cannot compare networks. In short, measures are counted and not named, and
    nothing is said of the images.
    """
    texts = {pair.label: _lower_of(results, pair, in_short) for pair in pairs(results.study.networks)}
    note = LEFT_ALONE + ("" if in_short else f" and {images_note(results, 'curvature', 'sharpness')}")
    return f"At equal loss, {note}, {by_label(texts)}." if texts else ""


def other_intervals_apart(results: Results) -> str:
    """How many intervals over seeds these measures have and tell networks apart by, before and after a correction for their number."""
    found = pairs(results.study.networks)
    curvature = [compare(results, pair, "matched", name) for pair in found for name in RESCALING_INVARIANT]
    differences = [comparison.difference for comparison in curvature if comparison]
    differences += [difference(results, pair, "matched", measure.key) for pair in found for measure in JUDGED]
    return told_apart("these measures over seeds", [d for d in differences if not d.single])


def _lower_of(results: Results, pair: Pair, in_short: bool) -> str:
    """`the residual network has the lower curvature by both measures and the lower sharpness by one of two measures with an error (...)`"""
    sharpness = _sharpness_sides(results, pair)
    curvature = curvature_sides(results, pair, "matched", printed=False, raw=False)
    some = " with an error"
    objects: dict[str, list[str]] = {}
    for sides, noun, scope in (
        ([replace(side, item=f"by the {side.item}") for side in curvature], "curvature", ""),
        (sharpness, "sharpness", some if len(sharpness) < len(JUDGED) else ""),
    ):
        subject, thing = _lower(sides, noun, scope, in_short)
        objects.setdefault(subject, []).append(thing)
    text = enumeration([f"{subject} {enumeration(things)}" for subject, things in objects.items()])
    return "; ".join([text, *_falls(results, pair), *_worst_cases(results, pair)])


def _falls(results: Results, pair: Pair) -> list[str]:
    """A clause on the network of the lower average rise, where its loss falls along some of the directions."""
    family = FAMILY.get(difference(results, pair, "matched", "average").sign)
    name = {"residual": pair.residual, "plain": pair.plain}.get(family)
    text = falling(results, name, "matched") if name else ""
    if not text:
        return []
    sigma = results.parameters["sharpness"]["sigma"]
    return [
        f"at a distance of {sigma:g} filter norms along {text} the loss of {typewriter(name)} is lower than at its weights, so that its low average rise is "
        "not that of a flat minimum"
    ]


def _worst_cases(results: Results, pair: Pair) -> list[str]:
    """A clause on the measures of sharpness without an error, whose values may point either way."""
    found = [(measure, difference(results, pair, "matched", measure.key)) for measure in JUDGED]
    sharper = [m.family(d) for m, d in found if d.value and d.half_width is None]
    if not sharper:
        return []
    verdict = f"find the {sharper[0]} network the sharper" if len(set(sharper)) == 1 else "are split"
    return [f"the worst cases, of unknown error, {verdict}"]


def _lower(sides: list[Side], noun: str, scope: str, in_short: bool) -> tuple[str, str]:
    """`the residual network has`, `the lower curvature`; or what may be said instead. `scope` says of which measures."""
    found = sorted(families(sides))
    if not sides:
        return "nothing could be compared in", noun
    if not found:
        return "no difference is resolved in", noun + (scope and f" by any measure{scope}")
    if len(found) > 1:
        return "the measures contradict each other in", noun
    resolved = [side.item for side in sides if side.family]
    if len(resolved) == len(sides):
        every = {1: "the one measure", 2: "both measures"}.get(
            len(sides), f"all {count(len(sides))} measures"
        )
        return f"the {found[0]} network has", f"the lower {noun} by {every}{scope}"
    some = f"{count(len(resolved))} of {count_noun(len(sides), 'measure')}{scope}"
    named = "" if in_short else f" ({enumeration(resolved)})"
    return f"the {found[0]} network has", f"the lower {noun} by {some}{named}"


def _sharpness_sides(results: Results, pair: Pair) -> list[Side]:
    """The less sharp network by each measure with an error."""
    found = [(measure, difference(results, pair, "matched", measure.key)) for measure in JUDGED]
    return [
        Side(measure.case, OTHER.get(measure.family(apart)))
        for measure, apart in found
        if apart.value is not None and apart.half_width is not None
    ]


def _disagreement(results: Results) -> str:
    """Names the pairs at which slices, curvature and sharpness do not all favour the same network."""
    split = [pair.label for pair in pairs(results.study.networks) if len(_flatter(results, pair)) > 1]
    return f"So the measures of flatness disagree at {enumeration(split)}." if split else ""


def _flatter(results: Results, pair: Pair) -> set[str]:
    """The families that some measure with an error finds the flatter at equal training loss."""
    slices = {favoured(results, pair, "matched_cuts", FLATNESS)}
    if "disputed" in slices:
        slices = set(OTHER)
    others = [
        *curvature_sides(results, pair, "matched", printed=False, raw=False),
        *_sharpness_sides(results, pair),
    ]
    return (slices & set(OTHER)) | families(others)


def abstract(results: Results) -> str:
    """Of the deepest pair the cuts in both comparisons, and what they say of the claim; of all curvature and sharpness.

    The conclusion says more: of the planes, and which measures of curvature and sharpness tell networks apart.
    """
    pair = deepest(results)
    if pair is None:
        return NO_PAIR
    flat = [
        f"{PLACES[state]} {finding(results, pair, state)}{caveats(results, pair, state)}" for state in PLACES
    ]
    return paragraph(
        [
            f"At {pair.label}, {', and '.join(flat)}; {_roughness_in_short(results, pair)}.",
            intervals_apart(results, pairs(results.study.networks)),
            _weights(results, [pair]),
            matching_caution(results, [pair]),
            caught_early(results, IN_SHORT, [pair]),
            other_measures(results, in_short=True),
            other_intervals_apart(results),
        ]
    )


def _roughness_in_short(results: Results, pair: Pair) -> str:
    """Of a pair's cuts in both comparisons, with the heights of the bumps that their errors hide."""
    texts = {state: roughness_of_cuts(results, pair, state) for state in PLACES}
    heights = {state: hidden_bumps(results, [pair], state) for state in PLACES}
    if len(set(texts.values())) == 1:
        return f"{texts['cuts']}, in both comparisons{_hidden_by_errors([h for found in heights.values() for h in found])}"
    return ", and ".join(f"{place} {texts[s]}{_hidden_by_errors(heights[s])}" for s, place in PLACES.items())


def _hidden_by_errors(heights: list[float]) -> str:
    return f" (bumps lower than {span(heights)} nats are hidden by the errors)" if heights else ""


LANDSCAPE_SENTENCES = {
    "abstract": abstract,
    "final_slices": final_slices,
    "planes": planes,
    "matching": matching,
    "matched_slices": matched_slices,
    "agreement": agreement,
    "caught_early": caught_early,
    "conclusion_final": conclusion_final,
    "conclusion_matched": conclusion_matched,
    "conclusion_measured": conclusion_measured,
    "conclusion_other": conclusion_other,
}
