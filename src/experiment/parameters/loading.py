"""Read one section of params.yaml into its type; every fault is named with what was expected."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

PARAMETERS_FILE = Path("params.yaml")
ELSEWHERE = "the other scales' params.yaml have it, with its unit and source"


class Section(BaseModel):
    """Base of a section: unknown keys refused, no silent conversion, immutable."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ParameterError(ValueError):
    """params.yaml is not what the study declares; the message names each key at fault."""


S = TypeVar("S", bound=Section)


def read_parameters(path: Path = PARAMETERS_FILE) -> dict[str, Any]:
    """All of params.yaml, unchecked; read as DVC reads it (YAML 1.2), so that both see the same numbers."""
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text())
    except FileNotFoundError:
        raise ParameterError(
            f"{path.resolve()} not found: run from the repository's root or from scales/NAME"
        ) from None
    except YAMLError as fault:
        raise ParameterError(f"{path}: not valid YAML: {fault}") from None
    if not isinstance(content, dict):
        raise ParameterError(f"{path}: expected keys and values, found {type(content).__name__}")
    return content


def load_section(name: str, kind: type[S], path: Path = PARAMETERS_FILE) -> S:
    """The section `name` of params.yaml as a `kind`; ParameterError naming every key at fault."""
    content = read_parameters(path)
    if name not in content:
        raise ParameterError(f"{path}: section {name!r} is missing")
    return parse(content[name], kind, f"{path}: {name}")


def parse(content: Any, kind: type[S], where: str) -> S:
    """`content` as a `kind`; ParameterError with one line per fault: key, expected, found."""
    try:
        return kind.model_validate(content)
    except ValidationError as fault:
        raise ParameterError("\n".join(_describe(error, where) for error in fault.errors())) from None


def _describe(error: Any, where: str) -> str:
    key = ".".join([where, *map(str, error["loc"])])
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key; remove it or correct its spelling"
    if error["type"] == "missing":
        return f"{key}: missing key; {ELSEWHERE}"
    return f"{key}: {error['msg']}; found {error['input']!r}"
