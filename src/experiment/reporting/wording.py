"""Differences between residual and plain networks in words, with the error that can be stated."""

from math import floor, log10

from experiment.reporting.comparison import CONFIDENCE, DIRECTIONS, Difference
from experiment.reporting.latex import PLUS_MINUS, fixed, measured, scaled, significant, thousands

LARGE = 1000.0  # values from here on have no more figures than their error
LONGEST = 1e6  # above, powers of ten


def article(noun: str) -> str:
    """`an excess variation`."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def places(value: float | None, error: float | None, digits: int) -> int:
    """Decimals of a value in print: `digits`; of a large one those of its error, negative before the point.

    The error has one figure, or two where the first is a 1; without one the value has three.
    """
    if not measured(value) or abs(value) < LARGE:
        return digits
    figure, exponent = f"{error:.1e}".split("e") if error else ("", f"{abs(value) / 100:.1e}".split("e")[1])
    return min(digits, figure.startswith("1") - int(exponent))


def number(value: float, digits: int) -> str:
    """`fixed`, for digits below zero too: `37\\,000`."""
    if digits >= 0:
        return fixed(value, digits)
    if abs(value) >= LONGEST:
        return significant(value, max(1, floor(log10(abs(value))) + 1 + digits))
    return thousands(int(round(value, digits))).replace("-", r"\ensuremath{-}")


def verdict(difference: Difference, lower: str, higher: str) -> str:
    """`lower` or `higher`, as the residual network's value is; or that the difference is not resolved."""
    if difference.half_width is None:
        return "no error can be stated"
    return {-1: lower, 1: higher, 0: "within its error"}[difference.sign]


def interval(difference: Difference, digits: int, factor: float = 1) -> str:
    """`-1.20 +- 0.35`, residual minus plain, with the half-width of its 95 % interval where one is known."""
    text = number(scaled(difference.value, factor), digits) if measured(difference.value) else "---"
    if measured(difference.half_width):
        text += PLUS_MINUS + number(scaled(difference.half_width, factor), digits)
    return text


def contrast(difference: Difference, digits: int, factor: float = 1) -> tuple[str, str, str]:
    """Residual value, plain value, and their difference as `interval`, each rounded to `digits` decimals; with the ratio."""
    values = (difference.residual, difference.plain)
    sides = (fixed(scaled(value, factor) if measured(value) else None, digits) for value in values)
    return *sides, interval(difference, digits, factor) + ratio(difference)


def ratio(difference: Difference) -> str:
    """`, a geometric mean ratio of 5.9 [1.5, 23]`: residual over plain, where that tells them apart; else nothing."""
    found = difference.ratio
    if found is None:
        return ""
    figures = ratio_figures(found.low, found.high)
    value, low, high = (significant(number, figures) for number in (found.value, found.low, found.high))
    return f", a geometric mean ratio of {value} [{low}, {high}]"


def ratio_figures(low: float, high: float) -> int:
    """Two; up to four, which shows that nearly every interval that excludes 1 does."""
    if low <= 1 <= high:
        return 2
    apart = (
        figures for figures in (2, 3) if all(float(f"{end:.{figures - 1}e}") != 1 for end in (low, high))
    )
    return next(apart, 4)


def basis_note(differences: list[Difference]) -> str:
    """What the intervals of a paragraph cover, once; of one seed also what they do not."""
    bases = sorted({difference.basis for difference in differences if difference.basis})
    if not bases:
        return ""
    uncovered = any(basis.endswith(DIRECTIONS) for basis in bases)
    limits = "; neither another run nor another draw of the images at a point is covered" if uncovered else ""
    return f"Intervals are {100 * CONFIDENCE:.0f}\\,\\% ({' or '.join(bases)}{limits})."


def paragraph(sentences: list[str]) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def count(number: int) -> str:
    words = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return words[number] if number < len(words) else str(number)


def count_noun(number: int, noun: str) -> str:
    """`one seed`, `two seeds`; for one or more."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"
