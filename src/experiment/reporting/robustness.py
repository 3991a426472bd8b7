"""Robustness in the paper: accuracies at the strongest disturbance of each kind, and what pairs lose by the strongest at which
neither network merely guesses and by the weakest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from statistics import fmean
from typing import Any

from experiment.pairs import Pair, pairs
from experiment.reporting.comparison import ONE_SEED, Difference, paired_over_directions, paired_over_seeds
from experiment.reporting.judgement import FAMILY
from experiment.reporting.landscape_tables import network_groups
from experiment.reporting.latex import enumeration, escape, fixed, measured, percentage, tabular, typewriter
from experiment.reporting.results import Results, binomial_error, spread
from experiment.reporting.robustness_values import (
    KINDS,
    MOVED,
    WEIGHTS,
    Kind,
    Z,
    accuracies,
    compared_strengths,
    runs_of,
    strengths,
)
from experiment.reporting.sentences import NO_PAIR
from experiment.reporting.sides import Side, clauses
from experiment.reporting.tables import spread_cell
from experiment.reporting.wording import capital, contrast, paragraph, verdict
from experiment.storage import run_name


def strongest(results: Results, kind: Kind) -> float:
    return strengths(results, kind)[0]


def loss_of_accuracy(run: dict[str, Any], kind: Kind, strength: float) -> list[float] | None:
    """Undisturbed minus disturbed, as `accuracies`."""
    found = accuracies(run, kind, strength)
    return None if found is None else [run["accuracy"] - accuracy for accuracy in found]


def _mean(values: list[float] | None) -> float | None:
    return None if values is None else fmean(values)


def difference(results: Results, pair: Pair, kind: Kind, strength: float) -> Difference:
    """Of the accuracy lost at one strength, residual minus plain.

    With one seed the interval covers the finite test set, as if undisturbed and disturbed answers and the two
    networks were independent (they are not, which makes it too wide), or for weights the draw of directions, paired.
    """
    runs = [runs_of(results, network) for network in (pair.residual, pair.plain)]
    losses = [[loss_of_accuracy(run, kind, strength) for run in of_network] for of_network in runs]
    found = paired_over_seeds(*([_mean(values) for values in side] for side in losses))
    if found.half_width is not None or found.value is None:
        return found
    shared = next(index for index, both in enumerate(zip(*losses, strict=True)) if all(both))
    if kind.key == WEIGHTS:
        return paired_over_directions(losses[0][shared], losses[1][shared], found)
    return _over_images([of_network[shared] for of_network in runs], kind, strength, found)


def _over_images(runs: list[dict[str, Any]], kind: Kind, strength: float, found: Difference) -> Difference:
    shares = [
        (run["samples"], p) for run in runs for p in (run["accuracy"], *accuracies(run, kind, strength))
    ]
    variance = sum(binomial_error(share, count) ** 2 for count, share in shares)
    half = Z * sqrt(variance)
    return Difference(found.residual, found.plain, half, f"{ONE_SEED}, the finite test set alone")


def images_sentence(results: Results) -> str:
    """Accuracy lost by disturbed images, pair by pair."""
    return _pairs(results, KINDS, "disturbed images")


def weights_sentence(results: Results) -> str:
    """Accuracy lost by moved weights, pair by pair."""
    return _pairs(results, (MOVED,), "moved weights")


def _pairs(results: Results, kinds: tuple[Kind, ...], subject: str) -> str:
    found = pairs(results.study.networks)
    if not found:
        return NO_PAIR
    return paragraph(
        [
            sentence
            for pair in found
            for sentence in (
                _sentence(results, pair, [_compare(results, pair, kind) for kind in kinds], subject),
                _weakest(results, pair, kinds),
                _overtaken(results, pair, kinds),
            )
        ]
    )


@dataclass(frozen=True)
class Compared:
    """A pair under one kind of disturbance: the strength, and the difference; None where at none both do more than guess."""

    kind: Kind
    weaker: bool  # than the strongest declared
    strength: float | None
    difference: Difference | None


def _compare(results: Results, pair: Pair, kind: Kind) -> Compared:
    strength = next(iter(compared_strengths(results, pair, kind)), None)
    found = None if strength is None else difference(results, pair, kind, strength)
    return Compared(kind, strength != strongest(results, kind), strength, found)


def _sentence(results: Results, pair: Pair, compared: list[Compared], subject: str) -> str:
    known = [c for c in compared if c.difference and c.difference.value is not None]
    guessed = [c.kind.head.lower() for c in compared if c.difference is None]
    if not known and not guessed:
        return f"At {pair.label} accuracies on {subject} cannot be compared, as a network was not measured."
    undisturbed = (
        spread([run["accuracy"] for run in runs_of(results, network)]).mean
        for network in (pair.residual, pair.plain)
    )
    losses = (
        f"At {pair.label} the residual and the plain network lose, in percentage points from "
        f"{' and '.join(percentage(accuracy) for accuracy in undisturbed)}\\,\\% undisturbed, {'; '.join(map(_clause, known))}."
    )
    silent = f"At {pair.label} a network guesses at every strength of {enumeration(guessed)}."
    return paragraph([losses if known else "", silent if guessed else ""])


def _weakest(results: Results, pair: Pair, kinds: tuple[Kind, ...]) -> str:
    """Who loses less at the weakest strength of each kind, unless a network guesses there: near that it has little left to lose."""
    sides = []
    for kind in kinds:
        strength = strengths(results, kind)[-1]
        found = difference(results, pair, kind, strength)
        if found.half_width is not None and strength in compared_strengths(results, pair, kind):
            residual, plain, apart = contrast(found, _digits(found), 100)
            values = f" ({residual} and {plain}, a difference of {apart})" if found.sign else ""
            sides.append(Side(f"{kind.name} {strength:g}{values}", FAMILY.get(found.sign)))
    where = "at" if kinds[0].key == WEIGHTS else "under"
    text = clauses(
        sides,
        f"the {{family}} one loses less {where} {{items}}",
        f"no difference is resolved {where} {{items}}",
    )
    return f"At the weakest strengths, at {pair.label}, {text}." if sides else ""


def _overtaken(results: Results, pair: Pair, kinds: tuple[Kind, ...]) -> str:
    """Under which disturbances the undisturbedly less accurate network of the pair is the more accurate; nothing for none."""
    undisturbed = [
        spread([run["accuracy"] for run in runs_of(results, network)]).mean
        for network in (pair.residual, pair.plain)
    ]
    if not all(map(measured, undisturbed)):
        return ""
    order = undisturbed[0] - undisturbed[1]
    found = []
    for kind in kinds:
        for strength in strengths(results, kind):
            apart = paired_over_seeds(
                *(_accuracy(results, n, kind, strength) for n in (pair.residual, pair.plain))
            )
            if (
                apart.value is not None
                and apart.value * order < 0
                and (apart.resolved or apart.half_width is None)
            ):
                sides = (percentage(side) for side in (apart.residual, apart.plain))
                found.append(f"{kind.name} {strength:g} ({' against '.join(sides)}\\,\\%)")
    return (
        f"At {pair.label} the order of the accuracies is reversed under {enumeration(found)}, residual against plain."
        if found
        else ""
    )


def _accuracy(results: Results, network: str, kind: Kind, strength: float) -> list[float | None]:
    """By seed, a mean over directions."""
    found = (accuracies(run, kind, strength) for run in runs_of(results, network))
    return [fmean(values) if values else None for values in found]


def _clause(compared: Compared) -> str:
    """`12.0 and 15.2 under noise of standard deviation 0.2 (a difference of -3.2 +- 1.0; ...)`."""
    found, kind = compared.difference, compared.kind
    residual, plain, apart = contrast(found, _digits(found), 100)
    where = "at" if kind.key == WEIGHTS else "under"
    weaker = "the strongest at which neither guesses; " if compared.weaker else ""
    word = verdict(found, "the residual one loses less", "the plain one loses less")
    return f"{residual} and {plain} {where} {kind.name} {compared.strength:g} ({weaker}a difference of {apart}; {word})"


def _digits(found: Difference) -> int:
    """Decimals of per cent: one, or two where rounded to one the values do not differ by their difference."""
    residual, plain, apart = (round(100 * value, 1) for value in (found.residual, found.plain, found.value))
    return 1 if abs(residual - plain - apart) < 0.05 else 2


def unmeasured_sentence(results: Results) -> str:
    """Runs without accuracies, with their reasons; nothing where all have theirs."""
    lost = [
        f"{typewriter(run_name(network, seed))} ({escape(run['reason'])})"
        for network, seed in results.study.runs
        if (run := results.evidence("robustness", network, seed))["reason"] is not None
    ]
    return f"Not measured: {', '.join(lost)}." if lost else ""


def samples_sentence(results: Results) -> str:
    """The images, and the precision of the machine."""
    found = [run for network in results.study.networks for run in runs_of(results, network)]
    counts = sorted({run["samples"] for run in found})
    kinds = sorted({run["provenance"]["precision"] for run in found})
    return capital(
        f"{' or '.join(map(str, counts))} test images, evaluated in {' or '.join(map(escape, kinds))}."
    )


def pixels_sentence(results: Results) -> str:
    """Which runs' images were blurred in the precision of the networks, not in float32; nothing where none were."""
    rounded = {
        run_name(network, seed): run["provenance"]["precision"]
        for network, seed in results.study.runs
        if (run := results.evidence("robustness", network, seed))["reason"] is None
        and run.get("pixels", run["provenance"]["precision"]) != "float32"
    }
    if not rounded:
        return ""
    kinds = enumeration(sorted(set(map(escape, rounded.values()))))
    which = (
        "In all runs"
        if len(rounded) == len(results.study.runs)
        else f"In {enumeration(list(map(typewriter, rounded)))}"
    )
    return (
        f"{which} the blur itself was computed in {kinds} too, by a fault that was mended after these results, which still carry "
        "it: its pixels are rounded by errors of the size of their 8-bit quantisation, by the same rule for all networks."
    )


def guessing_sentence(results: Results) -> str:
    """When a network is said to guess."""
    return f"A network guesses where it is above chance by no more than {fixed(Z, 2)} times the binomial error of chance."


def robustness_table(results: Results) -> str:
    """Accuracy undisturbed and at the strongest disturbance of each kind, in per cent."""
    kinds = (*KINDS, MOVED)
    groups = [[_row(results, network, kinds) for network in members] for members in network_groups(results)]
    heads = [f"{kind.head} {strongest(results, kind):g}" for kind in kinds]
    return tabular("l" + "r" * (len(kinds) + 1), ["Network", "Undisturbed", *heads], groups)


def _row(results: Results, network: str, kinds: tuple[Kind, ...]) -> list[str]:
    runs = runs_of(results, network)
    clean = [run["accuracy"] for run in runs]
    cells = [
        spread_cell([_mean(accuracies(run, kind, strongest(results, kind))) for run in runs], 1, 100)
        for kind in kinds
    ]
    return [typewriter(network), spread_cell(clean, 1, 100), *cells]


ROBUSTNESS_SENTENCES: dict[str, Callable[[Results], str]] = {
    "robustness_images": images_sentence,
    "robustness_weights": weights_sentence,
    "robustness_unmeasured": unmeasured_sentence,
    "robustness_samples": samples_sentence,
    "robustness_guessing": guessing_sentence,
    "robustness_pixels": pixels_sentence,
}
ROBUSTNESS_TABLES: dict[str, Callable[[Results], str]] = {"robustness": robustness_table}
