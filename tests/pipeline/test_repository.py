"""What must not be in the repository: a machine's paths, a package index's address, large files."""

import re
import subprocess
import sys
import tomllib

import pytest
from pipeline_files import LAYERS, ROOT, SCALES, SOURCE, imported_names, repository_files

MACHINE_PATHS = re.compile(rb"(?<![\w.])/(?:home|root|Users|work|opt|mnt)/\w")
INDEX_HOSTS = re.compile(
    rb"pypi\.org|pythonhosted|download\.pytorch\.org|--(?:extra-)?index-url|--find-links|-f http"
)
THIS = "tests/pipeline/test_repository.py"
INSTALLED_AS = {
    "PIL": "pillow",
    "mpl_toolkits": "matplotlib",
    "ruamel": "ruamel-yaml",
    "sklearn": "scikit-learn",
}


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


def declared_packages() -> dict[str, set[str]]:
    """By extra, the instruments' own under None: the names of the packages that pyproject.toml declares."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = {None: project["dependencies"], **project["optional-dependencies"]}
    return {
        extra: {re.match(r"[\w.-]+", entry)[0].lower().replace("_", "-") for entry in group}
        for extra, group in groups.items()
    }


def imported_packages(*layers: str) -> set[str]:
    """Packages from elsewhere that the layers' files import, by the names under which they are installed."""
    files = [file for layer in layers for file in (SOURCE / layer).rglob("*.py")]
    modules = {name.split(".")[0] for file in files for name in imported_names(file)}
    return {INSTALLED_AS.get(name, name) for name in modules - set(LAYERS) - sys.stdlib_module_names}


def test_lock_holds_every_declared_package():
    locked = {re.match(r"[\w.-]+", line)[0].lower() for line in requirements()}
    assert set().union(*declared_packages().values()) <= locked


def test_the_instruments_ask_for_what_they_import_and_no_more():
    assert declared_packages()[None] == imported_packages("flatness")


def test_the_experiment_asks_for_what_it_imports_and_no_more():
    beyond = imported_packages(*LAYERS) - declared_packages()[None]
    assert declared_packages()["experiment"] == beyond | {"dvc"}  # which is run, not imported


@pytest.mark.parametrize("scale", SCALES)
def test_lock_files_are_not_ignored(scale):
    path = SCALES[scale] / "dvc.lock"
    assert subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT).returncode == 1, (
        "DVC refuses ignored files"
    )


def test_nothing_large_is_committed():
    large = [str(file.relative_to(ROOT)) for file in repository_files() if file.stat().st_size > 5_000_000]
    assert large == []
