"""Measures grouped by the network on whose side they are, so that a text names what is resolved and leaves the rest to tables."""

from collections.abc import Sequence
from dataclasses import dataclass

from experiment.reporting.latex import enumeration


@dataclass(frozen=True)
class Side:
    """A measure as the text names it, and the family it is on the side of; None where neither is."""

    item: str
    family: str | None  # residual or plain
    caution: str = ""  # words before the clause: `in this run ` and the like


def clauses(sides: Sequence[Side], favours: str, undecided: str) -> str:
    """One clause for each caution and family, then one for what is on neither side.

    `favours` has places for {family} and {items}, `undecided` for {items}.
    """
    groups: dict[str, dict[str, list[str]]] = {}
    for side in sides:
        if side.family is not None:
            groups.setdefault(side.caution, {}).setdefault(side.family, []).append(side.item)
    texts = [
        caution
        + enumeration([favours.format(family=f, items=enumeration(items)) for f, items in families.items()])
        for caution, families in groups.items()
    ]
    rest = [side.item for side in sides if side.family is None]
    return "; ".join(texts + ([undecided.format(items=enumeration(rest))] if rest else []))


def by_label(texts: dict[str, str], after: str = "") -> str:
    """`at depth 20 and depth 56 TEXT; at depth 110 ANOTHER`: labels with the same text once; `after` follows them."""
    return "; ".join(
        f"at {enumeration(labels)}{after} {text}" for text, labels in labels_by_text(texts).items()
    )


def labels_by_text(texts: dict[str, str]) -> dict[str, list[str]]:
    """Texts in their order, each with the labels that have it."""
    labels: dict[str, list[str]] = {}
    for label, text in texts.items():
        labels.setdefault(text, []).append(label)
    return labels


def families(sides: Sequence[Side]) -> set[str]:
    """The families that some measure is on the side of."""
    return {side.family for side in sides if side.family is not None}
