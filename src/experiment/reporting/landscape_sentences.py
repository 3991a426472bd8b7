"""Sentences that compare slices, worded by the numbers: at the final weights and at equal training loss."""

from experiment.reporting.comparison import Pair, pairs, roughness_difference
from experiment.reporting.latex import enumeration, fixed, measured, percentage
from experiment.reporting.results import Results, printed, spread
from experiment.reporting.sentences import NO_PAIR
from experiment.reporting.wording import basis_note, capital, count, interval, paragraph, verdict

PLACES = {"cuts": "about the final weights", "matched_cuts": "at equal training loss"}
ROUGH_MATCH = 0.1  # relative difference of two training losses above which "equal" needs a caution
# Verdicts: where the residual network's value is lower, where it is higher
FLATNESS = ("residual flatter", "plain flatter")
ROUGHNESS = {  # measure: name, verdicts
    "excess_variation": ("excess variation", ("residual smoother", "plain smoother")),
    "nonconvex_share": ("the non-convex share in per cent", ("residual more convex", "plain more convex")),
}
JUDGED = ("edge_rise", *ROUGHNESS)
FAMILY = {-1: "residual", 1: "plain", 0: "neither"}


def final_slices(results: Results) -> str:
    return _comparison(results, "cuts")


def matched_slices(results: Results) -> str:
    return _comparison(results, "matched_cuts")


def _comparison(results: Results, state: str) -> str:
    found = pairs(results.study.networks)
    if not found:
        return NO_PAIR
    differences = [
        roughness_difference(results, pair, state, measure) for pair in found for measure in JUDGED
    ]
    return paragraph([*(_pair_comparison(results, pair, state) for pair in found), basis_note(differences)])


def _pair_comparison(results: Results, pair: Pair, state: str) -> str:
    rise = roughness_difference(results, pair, state, "edge_rise")
    if rise.value is None:
        return f"At {pair.label} no comparison {PLACES[state]} is possible, as a slice was not measured."
    return paragraph(
        [
            f"At {pair.label}, {PLACES[state]}, the residual network's cuts rise to the rim by "
            f"{fixed(rise.residual, 2)} nats and the plain network's by {fixed(rise.plain, 2)}: a difference "
            f"of {interval(rise, 2)} ({verdict(rise, *FLATNESS)}).",
            _roughness_clauses(results, pair, state),
            _training_caution(results, pair) if state == "cuts" else _matching_caution(results, pair),
        ]
    )


def _roughness_clauses(results: Results, pair: Pair, state: str) -> str:
    clauses = []
    for measure, (name, verdicts) in ROUGHNESS.items():
        factor, digits = printed(measure)
        difference = roughness_difference(results, pair, state, measure)
        if difference.value is not None:
            clauses.append(
                f"{name} differs by {interval(difference, digits, factor)} ({verdict(difference, *verdicts)})"
            )
    return capital(enumeration(clauses)) + "." if clauses else ""


def _training_caution(results: Results, pair: Pair) -> str:
    """Says that the centres differ in loss, where they do, and what that does to the comparison."""
    residual, plain = (
        spread(results.measure(network, "final", "centre_loss")).mean
        for network in (pair.residual, pair.plain)
    )
    if not (measured(residual) and measured(plain)) or abs(plain - residual) <= 0.1 * max(plain, residual):
        return ""
    worse, better = ("plain", "residual") if plain > residual else ("residual", "plain")
    flatter = FAMILY[roughness_difference(results, pair, "cuts", "edge_rise").sign]
    text = f"The centres differ: training loss {fixed(residual, 3)} against {fixed(plain, 3)} nats"
    if flatter == worse:
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
    sentences = []
    for pair in pairs(results.study.networks):
        final, matched = (
            FAMILY[roughness_difference(results, pair, state, "edge_rise").sign] for state in PLACES
        )
        sentences.append(_agreement(pair, final, matched))
    return paragraph(sentences)


def _agreement(pair: Pair, final: str, matched: str) -> str:
    if final == matched:
        same = (
            "resolve no difference in flatness"
            if final == "neither"
            else f"find the {final} network the flatter"
        )
        return f"At {pair.label} both comparisons {same}."
    if "neither" in (final, matched):
        where, family = (
            ("at the final weights", final) if matched == "neither" else ("at equal training loss", matched)
        )
        return (
            f"At {pair.label} a difference is resolved {where} alone, where the {family} network is the "
            "flatter."
        )
    return (
        f"At {pair.label} the two comparisons contradict each other: the {final} network is the flatter at "
        f"the final weights and the {matched} network at equal training loss."
    )


def deepest(results: Results) -> Pair | None:
    """The deepest pair measured at equal training loss, or of all where none was; None without pairs."""
    found = pairs(results.study.networks)
    compared = [
        p for p in found if roughness_difference(results, p, "matched_cuts", "edge_rise").value is not None
    ]
    return (compared or found or [None])[-1]


def conclusion(results: Results) -> str:
    """What the deepest pair says at equal training loss about whether shortcuts flatten the landscape."""
    pair = deepest(results)
    if pair is None:
        return NO_PAIR
    signs = [roughness_difference(results, pair, "matched_cuts", measure).sign for measure in JUDGED]
    residual, plain, undecided = (signs.count(sign) for sign in (-1, 1, 0))
    rest = f"; {count(undecided)} {'is' if undecided == 1 else 'are'} within the error" if undecided else ""
    return paragraph(
        [
            f"At equal training loss and {pair.label}, the residual network is favoured by {count(residual)} "
            f"of {count(len(signs))} measures (rise to the rim, excess variation, non-convex share) and the "
            f"plain network by {count(plain)}{rest}. {capital(_weight(residual, plain))}.",
            _matching_caution(results, pair),
        ]
    )


def _weight(residual: int, plain: int) -> str:
    if not residual and not plain:
        return "this does not decide whether shortcuts flatten the landscape"
    if residual and plain:
        return "the evidence is mixed"
    if residual:
        return "within its limits this speaks for the claim that shortcuts flatten the landscape"
    return "within its limits this speaks against the claim that shortcuts flatten the landscape"


def abstract(results: Results) -> str:
    """The deepest pair: rise to the rim about the final weights and at equal loss, always both."""
    pair = deepest(results)
    if pair is None:
        return NO_PAIR
    differences = [roughness_difference(results, pair, state, "edge_rise") for state in PLACES]
    clauses = [
        f"{fixed(difference.residual, 2)} against {fixed(difference.plain, 2)} {place} (difference "
        f"{interval(difference, 2)})"
        for place, difference in zip(PLACES.values(), differences, strict=True)
        if difference.value is not None
    ]
    if len(clauses) < 2:
        return (
            f"At {pair.label} the slices could not be compared in both ways, so no comparison is quoted here."
        )
    return (
        f"At {pair.label} the training loss of residual against plain networks rises to the rim of the slice "
        f"by {' and by '.join(clauses)}, in nats."
    )


LANDSCAPE_SENTENCES = {
    "abstract": abstract,
    "final_slices": final_slices,
    "matching": matching,
    "matched_slices": matched_slices,
    "agreement": agreement,
    "conclusion": conclusion,
}
