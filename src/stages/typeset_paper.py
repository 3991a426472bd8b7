"""Typeset build/paper.pdf from paper/, the generated numbers and tables, and the figures.

LaTeX works in a temporary folder, and the PDF is moved into place only if nothing in it is undefined. It
holds no date and no path, so that the same inputs give the same bytes.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from experiment.layout import NUMBERS, PAPER, TABLES, figure_path
from experiment.reporting.figures import FIGURES
from experiment.storage import replacing

SOURCES = Path("paper")
PROGRAMS = ("latexmk", "pdflatex", "bibtex")
COMMAND = (
    "latexmk",
    "-norc",
    "-pdf",
    "-interaction=nonstopmode",
    "-halt-on-error",
    "-file-line-error",
    "paper.tex",
)
ENVIRONMENT = {
    "SOURCE_DATE_EPOCH": "0",
    "FORCE_SOURCE_DATE": "1",
    "TZ": "UTC",
    "max_print_line": "1000",  # long lines of the log stay whole
}
ERROR = re.compile(r"^!|^[^\s:]+:\d+: ")  # LaTeX stops here
UNRESOLVED = re.compile(r"^Missing character|(?:Citation|Reference) .* undefined|multiply defined|^Warning--")
OVERFULL = re.compile(r"^Overfull \\hbox \((?P<excess>[\d.]+)pt too wide\).*", re.MULTILINE)
TOLERATED_EXCESS = 20.0  # pt beyond the margin


class TypesettingError(RuntimeError):
    """The paper could not be made; the message says why and what to do."""


def main() -> None:
    require_programs()
    require_inputs()
    with TemporaryDirectory() as name:
        folder = Path(name)
        gather(folder)
        log = typeset(folder)
        for line in overfull_lines(log):
            print(f"paper: {line}", file=sys.stderr)
        with replacing(PAPER) as temporary:
            shutil.copyfile(folder / "paper.pdf", temporary)


def require_programs() -> None:
    """TypesettingError naming the packages to install, where TeX is missing."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise TypesettingError(
            f"expected TeX for the paper, found no {', '.join(missing)}. On Debian or Ubuntu: apt-get "
            "install "
            "--no-install-recommends latexmk texlive-latex-recommended texlive-latex-extra lmodern. "
            "Elsewhere: TeX Live, "
            "MacTeX or MiKTeX with latexmk on the PATH. Results, figures and tables are complete without it."
        )


def require_inputs() -> None:
    """TypesettingError naming each generated file that is not there."""
    needed = [NUMBERS, TABLES, *(figure_path(name, "pdf") for name in FIGURES)]
    missing = [str(path) for path in needed if not path.exists()]
    if missing:
        raise TypesettingError(
            f"missing for the paper: {', '.join(missing)}. Run `dvc repro`, which makes them first."
        )


def gather(folder: Path) -> None:
    """Copy what LaTeX reads into `folder`, under the names that paper.tex uses."""
    for source in sorted(SOURCES.iterdir()):
        if source.suffix in (".tex", ".bib"):
            shutil.copyfile(source, folder / source.name)
    shutil.copyfile(NUMBERS, folder / "numbers.tex")
    shutil.copytree(TABLES, folder / "tables")
    (folder / "figures").mkdir()
    for name in FIGURES:
        figure = figure_path(name, "pdf")
        shutil.copyfile(figure, folder / "figures" / figure.name)


def typeset(folder: Path) -> str:
    """Run LaTeX; the log of its last pass. TypesettingError with the log's faults where there are any."""
    finished = subprocess.run(
        COMMAND, cwd=folder, env=os.environ | ENVIRONMENT, capture_output=True, text=True, errors="replace"
    )
    log, bibliography = (read(folder / name) for name in ("paper.log", "paper.blg"))
    found = excerpts(log, ERROR) or excerpts(log, UNRESOLVED) + excerpts(bibliography, UNRESOLVED)
    if finished.returncode != 0 or found:
        detail = "\n".join(found) or (finished.stdout + finished.stderr)[-2000:]
        raise TypesettingError(
            f"LaTeX failed on the paper (latexmk's status {finished.returncode}):\n{detail}"
        )
    return log


def read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def excerpts(log: str, pattern: re.Pattern) -> list[str]:
    """Lines that match, each with the three after it, which give the place."""
    lines = log.splitlines()
    chosen = [number for number, line in enumerate(lines) if pattern.search(line)]
    return ["\n".join(lines[number : number + 4]) for number in chosen]


def overfull_lines(log: str) -> list[str]:
    """Warnings of lines that stick out by more than `TOLERATED_EXCESS`."""
    return [match[0] for match in OVERFULL.finditer(log) if float(match["excess"]) > TOLERATED_EXCESS]


if __name__ == "__main__":
    try:
        main()
    except TypesettingError as fault:
        sys.exit(str(fault))
