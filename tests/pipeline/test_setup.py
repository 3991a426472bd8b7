"""The set-up says what is missing, and what to install, on machines that lack it."""

import shutil
import subprocess
from pathlib import Path

import pytest
from pipeline_files import ROOT

TOOLS = (
    "bash cmp head grep git sed tr sort id env cat rm cp dirname uname".split()
)  # neither Python, LaTeX nor apt-get


@pytest.fixture
def bare_machine(tmp_path) -> tuple[Path, dict[str, str]]:
    """A copy of what the set-up reads, and an environment with the basic tools alone."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for tool in TOOLS:
        (programs / tool).symlink_to(shutil.which(tool))
    for name in ("setup", "paper"):
        shutil.copytree(ROOT / name, tmp_path / "clone" / name)
    shutil.copy(ROOT / "requirements.lock", tmp_path / "clone")
    return tmp_path / "clone", {"PATH": str(programs), "HOME": str(tmp_path)}


@pytest.mark.parametrize(
    "script, expected, status",
    [
        (
            "environment.sh",
            ["Expected Python 3.11 or later on PATH, found none (no python3)", "apt-get install python3"],
            1,
        ),
        (
            "tex.sh",
            ["Missing here: pdflatex bibtex latexmk", "texlive-latex-extra", "dnf install", "mactex"],
            0,
        ),  # the rest of the pipeline does without
    ],
)
def test_what_is_missing_is_named(bare_machine, script, expected, status):
    folder, environment = bare_machine
    command = ["bash", f"setup/{script}"]
    refused = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert refused.returncode == status
    assert all(text in refused.stderr for text in expected), refused.stderr
    assert not (folder / ".venv").exists()


@pytest.mark.parametrize(
    "system, machine, refused",
    [
        ("Darwin", "x86_64", True),
        ("Darwin", "arm64", False),
        ("Linux", "x86_64", False),
        ("Linux", "aarch64", False),
    ],
)
def test_intel_macs_are_refused_before_anything_is_installed(bare_machine, system, machine, refused):
    """Other machines are asked for Python."""
    folder, environment = bare_machine
    answers = f"case $1 in -s) echo {system} ;; -m) echo {machine} ;; esac"
    program(environment, "uname", answers)
    command = ["bash", "setup/environment.sh"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    asked = "found an Intel Mac (Darwin x86_64)" if refused else "Expected Python 3.11 or later"
    assert done.returncode == 1 and done.stderr.startswith("Expected ") and asked in done.stderr
    assert not (folder / ".venv").exists()


def program(environment: dict[str, str], name: str, script: str) -> None:
    """Put a program of this script on the PATH."""
    place = Path(environment["PATH"], name)
    place.unlink(missing_ok=True)
    place.write_text(f"#!{shutil.which('bash')}\n{script}\n")
    place.chmod(0o755)


def test_latex_asks_for_what_the_paper_loads(bare_machine):
    folder, environment = bare_machine
    (folder / "paper/extra.tex").write_text(
        "\\usepackage[option]{nosuchpackage, natbib}\n% \\usepackage{commented}\n"
    )
    program(environment, "kpsewhich", "[ $1 = natbib.sty ]")
    for name in ("pdflatex", "bibtex", "latexmk"):
        program(environment, name, "")
    command = ["bash", "setup/tex.sh"]
    refused = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    missing = next(line for line in refused.stderr.splitlines() if "Missing here" in line).split()
    assert "nosuchpackage.sty" in missing or "nosuchpackage.sty." in missing
    assert "natbib.sty" not in missing and "commented.sty" not in missing
