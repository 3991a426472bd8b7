"""What the pipeline's files declare, read without running anything."""

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
LAYERS = ("flatness", "experiment", "stages", "figures")
SCALES = {"paper": ROOT} | {name: ROOT / "scales" / name for name in ("gpu", "laptop", "smoke")}
WHOLE_FILE = "*"  # stands for a dependence on all of params.yaml


@dataclass(frozen=True)
class Stage:
    """One stage of dvc.yaml, templates unexpanded; paths without their options."""

    name: str
    command: str
    deps: tuple[str, ...]
    params: frozenset[str]
    outs: tuple[str, ...]

    @property
    def script(self) -> Path:
        """The Python file that the command runs as a module."""
        module = re.search(r"python -m (stages\.\w+)", self.command)
        assert module, f"stage {self.name}: expected `python -m stages.NAME`, found {self.command!r}"
        return SOURCE.joinpath(*module[1].split(".")).with_suffix(".py")


@cache
def declared_stages() -> dict[str, Stage]:
    content = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    return {name: _stage(name, entry.get("do", entry)) for name, entry in content["stages"].items()}


def _stage(name: str, entry: dict[str, Any]) -> Stage:
    commands = entry["cmd"] if isinstance(entry["cmd"], list) else [entry["cmd"]]
    deps, parameters = _paths(entry.get("deps", [])), _parameters(entry.get("params", []))
    if "params.yaml" in deps:
        parameters |= {WHOLE_FILE}
    outs = [path for kind in ("outs", "metrics", "plots") for path in _paths(entry.get(kind, []))]
    return Stage(
        name,
        " && ".join(commands),
        deps,
        parameters,
        tuple(outs),
    )


def _paths(entries: list) -> tuple[str, ...]:
    return tuple(next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries)


def _parameters(entries: list) -> frozenset[str]:
    keys: set[str] = set()
    for entry in entries:
        if isinstance(entry, dict):
            assert set(entry) == {"params.yaml"}, f"expected parameters of params.yaml alone, found {entry}"
            keys |= set(entry["params.yaml"] or [WHOLE_FILE])
        else:
            keys.add(entry)
    return frozenset(keys)


@cache
def syntax_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), str(file))


@cache
def local_imports(file: Path) -> frozenset[Path]:
    """The files of src that `file` imports itself; a package's __init__ only where it holds code."""
    return frozenset(path for name in imported_names(file) for path in _files_of(name))


def imported_names(file: Path) -> Iterator[str]:
    """Dotted names of what a file imports; of `from a import b` both a and a.b."""
    for node in ast.walk(syntax_of(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, (
                f"{file}: expected absolute imports, found a relative one in line {node.lineno}"
            )
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files_of(name: str) -> Iterator[Path]:
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        place = SOURCE.joinpath(*parts[:depth])
        package = place / "__init__.py"
        if package.is_file() and package.stat().st_size:
            yield package
    if place.with_suffix(".py").is_file():
        yield place.with_suffix(".py")


@cache
def transitive_imports(file: Path) -> frozenset[Path]:
    """`file` and all files of src that it imports, directly or not."""
    found, waiting = set(), [file]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting.extend(local_imports(current))
    return frozenset(found)


def code_of(script: Path) -> frozenset[Path]:
    """All source that a script runs: what it imports, and C sources that are compiled by the Python file of their name."""
    imported = transitive_imports(script)
    return imported | {source for file in imported if (source := file.with_suffix(".c")).is_file()}


def leaves(content: Any, key: str = "") -> set[str]:
    """Dotted keys of the values of nested mappings; what networks override is free, so no keys of its own."""
    if not isinstance(content, dict) or key == "train.overrides":
        return {key}
    return {leaf for name, value in content.items() for leaf in leaves(value, f"{key}.{name}".strip("."))}


@cache
def repository_files(links: bool = False) -> tuple[Path, ...]:
    """Files that are, or would be, in git: tracked or not ignored; with `links`, symbolic links too."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode().split("\0")
    paths = (ROOT / name for name in sorted(set(listed) - {""}))
    return tuple(path for path in paths if (links if path.is_symlink() else path.is_file()))
