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
    values, leaves = yaml.safe_load(text), list(_leaves(yaml.compose(text, yaml.SafeLoader), ()))
    comments = _comments(leaves, text.splitlines())
    return [Parameter(".".join(key), _value(values, key), comments.get(key, "")) for key, _ in leaves]


def _comments(
    leaves: list[tuple[tuple[str, ...], yaml.Node]], lines: list[str]
) -> dict[tuple[str, ...], str]:
    """Comments by key; where several leaves share a line, the first has the line's comment."""
    by_line: dict[int, list[tuple[tuple[str, ...], yaml.Node]]] = {}
    for key, node in leaves:
        if not isinstance(node, yaml.CollectionNode) or node.flow_style:  # a block list ends on a later line
            by_line.setdefault(node.end_mark.line, []).append((key, node))
    return {
        group[0][0]: lines[line][max(node.end_mark.column for _, node in group) :].partition("#")[2].strip()
        for line, group in by_line.items()
    }


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


def _leaves(node: yaml.Node, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], yaml.Node]]:
    if isinstance(node, yaml.MappingNode) and node.value:
        for key, value in node.value:
            yield from _leaves(value, (*above, key.value))
    else:
        yield above, node


def _value(values: Any, key: tuple[str, ...]) -> Any:
    for name in key:
        values = values[name]
    return values
