"""Every value of params.yaml with the comment that stands beside it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from experiment.parameters.loading import PARAMETERS_FILE


@dataclass(frozen=True)
class Parameter:
    """A leaf: its dotted key, its value, and the comment at the end of its line (unit and source), if any."""

    key: str
    value: Any
    comment: str


def parameter_leaves(path: Path = PARAMETERS_FILE) -> list[Parameter]:
    """All leaves in the file's order. A list is one leaf; so is an empty mapping."""
    text = path.read_text()
    values, lines = yaml.safe_load(text), text.splitlines()
    return [
        Parameter(".".join(key), _value(values, key), _comment(node, lines))
        for key, node in _leaves(yaml.compose(text, yaml.SafeLoader), ())
    ]


def _comment(node: yaml.Node, lines: list[str]) -> str:
    """What stands after a node on the line it ends on. A block list ends on a later line and has none."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:
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
        return ", ".join(map(parameter_text, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {parameter_text(entry)}" for key, entry in value.items()) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _leaves(
    node: yaml.Node, above: tuple[str, ...], inline: yaml.Node | None = None
) -> Iterator[tuple[tuple[str, ...], yaml.Node]]:
    """Keys of the leaves, each with the node whose comment is its own: the outermost inline mapping, else the leaf.

    The comment beside an inline mapping speaks of all its keys.
    """
    if isinstance(node, yaml.MappingNode) and node.value:
        inline = inline or (node if node.flow_style else None)
        for key, value in node.value:
            yield from _leaves(value, (*above, key.value), inline)
    else:
        yield above, inline or node


def _value(values: Any, key: tuple[str, ...]) -> Any:
    for name in key:
        values = values[name]
    return values
