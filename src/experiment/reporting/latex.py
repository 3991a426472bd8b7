"""Text and numbers as LaTeX. A number that was not measured prints as an em dash, never as 0."""

from collections.abc import Iterable, Sequence
from math import floor, isfinite, log10

ABSENT = "---"
MOST_DECIMALS = 6  # an error below that is rounding
PLUS_MINUS = r"\,\textpm\,"
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "#$%&_"},
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
}
_UNICODE = {
    "α": r"\ensuremath{\alpha}",
    "β": r"\ensuremath{\beta}",
    "λ": r"\ensuremath{\lambda}",
    "≤": r"\ensuremath{\le}",
    "≥": r"\ensuremath{\ge}",
    "−": r"\ensuremath{-}",
    "×": r"\texttimes{}",
    "±": r"\textpm{}",
    "–": "--",
    "—": "---",
    "…": r"\dots{}",
    "²": r"\textsuperscript{2}",
}


def escape(text: str) -> str:
    """Plain text as LaTeX; a character the fonts lack is printed as its code point."""
    return "".join(_escaped(character) for character in str(text))


def _escaped(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character in _UNICODE:
        return _UNICODE[character]
    if ord(character) < 256:
        return character if character.isprintable() else " "
    return rf"\texttt{{U+{ord(character):04X}}}"


def typewriter(text: str) -> str:
    return rf"\texttt{{{escape(text)}}}"


def named(names: Iterable[str]) -> str:
    """Networks or runs in a sentence: `a`, `b` and `c`, each in typewriter."""
    return enumeration([typewriter(name) for name in names])


def measured(value: float | None) -> bool:
    return value is not None and isfinite(value)


def known_of(known: int, total: int) -> str:
    """How many were measured, after a number that stands for the known ones; nothing where all or none were."""
    return rf"\,({known}/{total})" if 0 < known < total else ""


def fixed(value: float | None, digits: int) -> str:
    """`value` with `digits` decimals and a proper minus; an em dash where it was not measured."""
    if not measured(value):
        return ABSENT
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", r"\ensuremath{-}")


def significant(value: float | None, figures: int = 3) -> str:
    """`value` with `figures` significant figures; powers of ten outside 1e-4 ... 1e5."""
    if not measured(value):
        return ABSENT
    if value == 0:
        return "0"
    exponent = floor(log10(abs(float(f"{value:.{figures - 1}e}"))))
    if -4 <= exponent < 5:
        return fixed(value, max(0, figures - 1 - exponent))
    mantissa = f"{value / 10**exponent:.{figures - 1}f}"
    return rf"\ensuremath{{{mantissa} \times 10^{{{exponent}}}}}"


def error_decimals(error: float) -> int:
    """Decimals that show an error above 0 with one figure, or with two where the first is a 1; at most MOST_DECIMALS."""
    rounded = f"{error:.1e}"
    return min(max(0, rounded.startswith("1") - floor(log10(float(rounded)))), MOST_DECIMALS)


def with_error(value: float | None, error: float | None) -> str:
    """`0.00 +- 0.07`, the value with the decimals of its error; with three figures where there is none."""
    if not (measured(value) and measured(error)):
        return significant(value)
    if error == 0:
        return significant(value) + rf"{PLUS_MINUS}0"
    digits = error_decimals(error)
    return fixed(value, digits) + PLUS_MINUS + fixed(error, digits)


def percentage(share: float | None, digits: int = 1) -> str:
    """A share as per cent, the sign left to the text or the table's head."""
    return fixed(scaled(share, 100), digits) if measured(share) else ABSENT


def scaled(value: float, factor: float) -> float:
    """The product without its last bits, which would round a half now up and now down; of one the value as it is."""
    return value if factor == 1 else float(f"{factor * value:.12g}")


def thousands(count: int) -> str:
    return f"{count:,}".replace(",", r"\,")


def enumeration(items: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if not items:
        return "none"
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"


def tabular(
    columns: str, head: Sequence[str], groups: Iterable[Sequence[Sequence[str]]], top: str = ""
) -> str:
    """A booktabs tabular; `groups` of rows are set apart by a small space, `top` stands above the head."""
    bodies = ["\n".join(" & ".join(row) + r" \\" for row in group) for group in groups if group]
    body = "\n\\addlinespace\n".join(bodies)
    return (
        "\n".join(
            [
                rf"\begin{{tabular}}{{{columns}}}",
                r"\toprule",
                *([top] if top else []),
                " & ".join(head) + r" \\",
                r"\midrule",
                body,
                r"\bottomrule",
                r"\end{tabular}",
            ]
        )
        + "\n"
    )
