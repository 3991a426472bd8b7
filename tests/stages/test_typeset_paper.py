"""The paper is typeset at every scale, repeats itself to the byte, and fails rather than print a gap."""

import os
import shutil
from pathlib import Path

import pytest
from pypdf import PdfReader
from synthetic import NO_TRIALS, write_blank_figures, write_synthetic_results

from experiment.layout import NUMBERS, PAPER, TABLES
from experiment.reporting.figures import FIGURES
from experiment.reporting.macros import render
from stages import typeset_paper, write_numbers

SOURCES = Path(__file__).parents[2] / "paper"
DEPTHS = (20, 56, 110)
SCALES = {  # folder below the root: networks, seeds, data set, diverged runs
    "scales/smoke": (["resnet8", "plain8", "resnet14", "plain14"], [0], "digits", ()),
    "scales/laptop": (["resnet20", "plain20", "resnet56", "plain56"], [0], "cifar10", ("plain56-0",)),
    "scales/gpu": (["resnet20", "plain20", "resnet56", "plain56"], [1, 2, 3, 4, 5, 6], "cifar10", ()),
    "root": (
        [f"{family}{depth}" for depth in DEPTHS for family in ("resnet", "plain")],
        [0, 1, 2],
        "cifar10",
        ("plain110-1",),
    ),
}
needs_tex = pytest.mark.skipif(shutil.which("latexmk") is None, reason="TeX is not installed")


def prepare(folder: Path, scale: str, parameters: dict | None = None) -> Path:
    networks, seeds, dataset, diverged = SCALES[scale]
    place = folder / scale
    write_synthetic_results(place, networks, seeds, dataset, diverged, parameters)
    write_blank_figures(place, FIGURES)
    (place / "paper").symlink_to(SOURCES)
    return place


def make_paper(place: Path) -> bytes:
    os.chdir(place)
    write_numbers.main()
    typeset_paper.main()
    return PAPER.read_bytes()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder that is left again."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@needs_tex
@pytest.mark.parametrize("scale", SCALES)
def test_every_scale_is_typeset_within_the_margins(here, scale, capsys):
    assert make_paper(prepare(here, scale)).startswith(b"%PDF")
    assert "Overfull" not in capsys.readouterr().err
    text = page_text(PAPER)
    assert scale.rpartition("/")[2].replace("root", "paper") in text.split("Abstract")[0]
    assert ("SMOKE SCALE" in text) == (scale == "scales/smoke")


@needs_tex
@pytest.mark.parametrize("parameters", [{}, NO_TRIALS])
def test_trials_are_told_of_where_there_are_any(here, parameters):
    place = prepare(here, "scales/laptop", parameters)
    make_paper(place)
    text = page_text(PAPER)
    assert ("Another learning rate" in text) == ("and the trials stand beside" in text) == (not parameters)
    assert ("Curvature and sharpness stand beside" in text) == bool(parameters)


def page_text(path: Path) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(path).pages)


@needs_tex
def test_two_folders_give_the_same_bytes(here):
    first, second = (make_paper(prepare(here / name, "scales/smoke")) for name in ("one", "another_name"))
    assert first == second


@pytest.fixture
def small_paper(here, monkeypatch):
    """A working folder with everything generated, and a function that typesets a document of one line."""
    write_blank_figures(here, FIGURES)
    TABLES.mkdir(parents=True)
    NUMBERS.write_text(render({"fact": {"known": "42"}, "sentence": {"said": "So it is."}}))
    (here / "paper").mkdir()

    def typeset(line: str) -> None:
        Path("paper/paper.tex").write_text(
            "\\documentclass{article}\\usepackage{graphicx,natbib}\\begin{document}\\input{numbers}\n"
            + line
            + "\n\\end{document}\n"
        )
        typeset_paper.main()

    return typeset


@needs_tex
def test_defined_names_are_typeset(small_paper):
    small_paper("\\section{\\fact{known}} \\sentence{said}")
    assert PAPER.exists()


@needs_tex
@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("\\fact{unknown}", "No fact named `unknown'"),
        ("\\sentence{known}", "No sentence named `known'"),
        ("\\undefinedmacro", "Undefined control sequence"),
        ("see \\ref{nowhere}", "nowhere"),
        ("see \\citet{nobody}", "nobody"),
        ("\\includegraphics{figures/absent.pdf}", "absent.pdf"),
    ],
)
def test_a_gap_fails_and_leaves_the_old_paper(small_paper, line, complaint):
    PAPER.write_bytes(b"old")
    with pytest.raises(typeset_paper.TypesettingError, match="LaTeX failed") as raised:
        small_paper(line)
    assert complaint in str(raised.value)
    assert PAPER.read_bytes() == b"old"


def test_missing_tex_is_named_with_its_packages(small_paper, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(typeset_paper.TypesettingError, match="found no latexmk.*texlive-latex-extra"):
        small_paper("text")


def test_missing_figure_is_named(small_paper, monkeypatch):
    monkeypatch.setattr(typeset_paper, "require_programs", lambda: None)
    Path("figures/cuts.pdf").unlink()
    with pytest.raises(typeset_paper.TypesettingError, match=r"figures/cuts\.pdf.*dvc repro"):
        small_paper("text")


@pytest.mark.parametrize(("excess", "reported"), [("20.0", False), ("20.01", True), ("312.5", True)])
def test_lines_far_beyond_the_margin_are_reported(excess, reported):
    line = f"Overfull \\hbox ({excess}pt too wide) in paragraph at lines 1--2"
    assert typeset_paper.overfull_lines(f"before\n{line}\nafter") == ([line] if reported else [])
