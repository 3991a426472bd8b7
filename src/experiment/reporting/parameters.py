"""Every value of params.yaml with the comment that stands beside it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node

from experiment.parameters.loading import PARAMETERS_FILE, read_parameters


@dataclass(frozen=True)
class Parameter:
    """Its dotted key, its value, and the comment at the end of its line (unit and source), if any."""

    key: str
    value: Any
    comment: str


def parameter_rows(path: Path = PARAMETERS_FILE) -> list[Parameter]:
    """All values in the file's order. A list is one value; so is an inline mapping, whose comment speaks of all its keys."""
    text, values = path.read_text(), read_parameters(path)
    return [
        Parameter(".".join(key), _value(values, key), _comment(node, text.splitlines()))
        for key, node in _rows(YAML(typ="safe", pure=True).compose(text), ())
    ]


def parameter_leaves(path: Path = PARAMETERS_FILE) -> list[Parameter]:
    """The same with every key of an inline mapping by itself; an empty one is a leaf."""
    return [leaf for row in parameter_rows(path) for leaf in _leaves(row)]


def _comment(node: Node, lines: list[str]) -> str:
    """What stands after a node on the line it ends on. A block list ends on a later line and has none."""
    if isinstance(node, CollectionNode) and not node.flow_style:
        return ""
    end = node.end_mark
    return lines[end.line][end.column :].partition("#")[2].strip() if end.line < len(lines) else ""


def parameter_text(value: Any) -> str:
    """A value as it is read by a person: lists with commas, null and empty text as none."""
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(parameter_text, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {parameter_text(entry)}" for key, entry in value.items()) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _rows(node: Node, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Keys of the values, each with its node."""
    if isinstance(node, MappingNode) and node.value and not node.flow_style:
        for key, value in node.value:
            yield from _rows(value, (*above, key.value))
    else:
        yield above, node


def _leaves(row: Parameter) -> Iterator[Parameter]:
    if isinstance(row.value, dict) and row.value:
        for key, value in row.value.items():
            yield from _leaves(Parameter(f"{row.key}.{key}", value, row.comment))
    else:
        yield row


def _value(values: Any, key: tuple[str, ...]) -> Any:
    for name in key:
        values = values[name]
    return values
