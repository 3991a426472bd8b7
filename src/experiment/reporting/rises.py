"""At what distance the cuts of a pair have risen by fixed amounts, the same for both networks."""

from experiment.pairs import Pair, pairs
from experiment.reporting.comparison import Difference, roughness_difference
from experiment.reporting.judgement import FAMILY
from experiment.reporting.latex import enumeration
from experiment.reporting.results import Results
from experiment.reporting.sides import Side, by_label, clauses
from experiment.reporting.wording import contrast
from experiment.rises import RISES, rise_key

FAVOURS = "the {family} network is the flatter at a rise of {items} nats"


def rises(results: Results, state: str, with_values: bool = True) -> str:
    """Pair by pair, which network's cuts rise later by each of RISES, with the values where they are told apart."""
    texts = {
        pair.label: _of_pair(results, pair, state, with_values) for pair in pairs(results.study.networks)
    }
    known = {label: text for label, text in texts.items() if text}
    if not known:
        return ""
    return f"By the distance at which the cuts have risen by a fixed amount, from whatever centre, {by_label(known)}."


def _of_pair(results: Results, pair: Pair, state: str, with_values: bool) -> str:
    found = {rise: roughness_difference(results, pair, state, rise_key(rise)) for rise in RISES}
    sides = [
        Side(f"{rise:g}{_values(d) if with_values else ''}", FAMILY.get(-d.sign))  # the flatter rises later
        for rise, d in found.items()
        if d.half_width is not None
    ]
    lost = [f"{rise:g}" for rise, d in found.items() if d.half_width is None]
    text = clauses(sides, FAVOURS, "no difference is resolved at a rise of {items} nats") if sides else ""
    missing = f"; at a rise of {enumeration(lost)} nats it was not measured in both" if sides and lost else ""
    return text + missing


def _values(found: Difference) -> str:
    """` (0.298 against 0.223, a difference of 0.074 +- 0.029)`; nothing where the networks are not told apart."""
    residual, plain, apart = contrast(found, 3)
    return f" ({residual} against {plain}, a difference of {apart})" if found.sign else ""


RISES_SENTENCES = {
    "rises_final": lambda results: rises(results, "cuts"),
    "rises_matched": lambda results: rises(results, "matched_cuts"),
}
