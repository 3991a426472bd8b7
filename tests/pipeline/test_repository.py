"""What must not be in the repository: a machine's paths, a package index's address, large files."""

import re
import subprocess

import pytest
from pipeline_files import ROOT, SCALES, repository_files

MACHINE_PATHS = re.compile(rb"(?<![\w.])/(?:home|root|Users|work|opt|mnt)/\w")
INDEX_HOSTS = re.compile(
    rb"pypi\.org|pythonhosted|download\.pytorch\.org|--(?:extra-)?index-url|--find-links|-f http"
)
THIS = "tests/pipeline/test_repository.py"


def lines_matching(pattern: re.Pattern) -> list[str]:
    found = []
    for file in repository_files():
        name = str(file.relative_to(ROOT))
        matches = [] if name == THIS else pattern.findall(file.read_bytes())
        found += [f"{name}: {match!r}" for match in matches]
    return found


@pytest.mark.parametrize("pattern", [MACHINE_PATHS, INDEX_HOSTS], ids=["machine paths", "package indexes"])
def test_no_file_names_a_machine(pattern):
    assert lines_matching(pattern) == []


def test_patterns_find_what_they_are_for():
    assert MACHINE_PATHS.search(b"open('/home/someone/x')")
    assert not MACHINE_PATHS.search(b"src/home/x results/work/y")
    assert INDEX_HOSTS.search(b"pip install --index-url x")


def requirements() -> list[str]:
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def test_lock_has_no_addresses():
    assert "://" not in (ROOT / "requirements.lock").read_text()


def test_every_requirement_is_pinned_and_hashed():
    faulty = [
        line.split()[0]
        for line in requirements()
        if "==" not in line.split()[0] or "--hash=sha256:" not in line
    ]
    assert requirements() and not faulty


def test_lock_holds_every_declared_package():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {
        re.match(r"[\w.-]+", entry)[0].lower().replace("_", "-") for group in groups for entry in group
    }
    locked = {re.match(r"[\w.-]+", line)[0].lower() for line in requirements()}
    assert declared <= locked


@pytest.mark.parametrize("scale", SCALES)
def test_lock_files_are_not_ignored(scale):
    path = SCALES[scale] / "dvc.lock"
    assert subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT).returncode == 1, (
        "DVC refuses ignored files"
    )


def test_nothing_large_is_committed():
    large = [str(file.relative_to(ROOT)) for file in repository_files() if file.stat().st_size > 5_000_000]
    assert large == []
