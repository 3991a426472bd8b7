"""build/numbers.tex: what the paper may name, by kind and key; a name that is not there stops LaTeX.

TeX macro names hold letters alone, while keys hold digits, dots and hyphens. So every entry is stored under
a control sequence that only \\csname spells, and read back as \\fact{KEY}, \\param{KEY} or \\sentence{KEY}.
"""

from collections.abc import Mapping

HEADER = r"""% Made by the stage write_numbers. Change params.yaml or the code, not this file.
\makeatletter
\newcommand{\paper@entry}[2]{%
  \ifcsname paper@#1@#2\endcsname\csname paper@#1@#2\endcsname\else
  \PackageError{paper}{No #1 named `#2'}{It is not in build/numbers.tex: see src/experiment/reporting.}\fi}
\newcommand{\paper@define}[3]{\@namedef{paper@#1@#2}{#3}}
"""
NOTHING = r"\unskip"  # with the space before it, so that none stands twice
FOOTER = "\\makeatother\n"


def render(kinds: Mapping[str, Mapping[str, str]]) -> str:
    """The file's text; `kinds` maps the reading macro's name (fact, param, sentence) to its entries."""
    readers = [rf"\DeclareRobustCommand{{\{kind}}}[1]{{\paper@entry{{{kind}}}{{#1}}}}" for kind in kinds]
    definitions = [
        rf"\paper@define{{{kind}}}{{{key}}}{{{text or NOTHING}}}"
        for kind, entries in kinds.items()
        for key, text in entries.items()
    ]
    return HEADER + "\n".join([*readers, *definitions]) + "\n" + FOOTER
