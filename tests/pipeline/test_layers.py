"""Imports run downwards only: stages know figures, both know experiment and flatness, experiment knows flatness."""

import ast

import pytest
from pipeline_files import (
    LAYERS,
    ROOT,
    SOURCE,
    imported_names,
    local_imports,
    syntax_of,
    transitive_imports,
)

ALLOWED = {
    "flatness": {"flatness"},
    "experiment": {"experiment", "flatness"},
    "stages": {"stages", "figures", "experiment", "flatness"},
    "figures": {"figures", "experiment", "flatness"},
}
FOREIGN = {
    "dvc",
    "pydantic",
    "yaml",
    "matplotlib",
    "pandas",
}  # files, parameters and drawing: not for the instruments


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_run_downwards(layer):
    for file in (SOURCE / layer).rglob("*.py"):
        found = {path.relative_to(SOURCE).parts[0] for path in local_imports(file)}
        assert found <= ALLOWED[layer], file.relative_to(SOURCE)


def test_layers_are_all_of_src():
    assert {file.relative_to(SOURCE).parts[0] for file in SOURCE.rglob("*.py")} == set(LAYERS)


def test_instruments_know_no_files_and_no_parameters():
    for file in (SOURCE / "flatness").rglob("*.py"):
        assert not FOREIGN & {name.split(".")[0] for name in imported_names(file)}, file.name


def test_layers_keep_their_private_names():
    for file in SOURCE.rglob("*.py"):
        own = file.relative_to(SOURCE).parts[0]
        foreign = [
            n for n in imported_names(file) if n.split(".")[0] in LAYERS and not n.startswith(f"{own}.")
        ]
        assert not [n for n in foreign if any(part.startswith("_") for part in n.split("."))], (
            file.relative_to(SOURCE)
        )


LINE_OF_ARITHMETIC = 24  # nodes of syntax up to which a function may stand in two modules


def test_no_function_is_written_twice():
    places: dict[str, list[str]] = {}
    for file in SOURCE.rglob("*.py"):
        for function in (node for node in ast.walk(syntax_of(file)) if isinstance(node, ast.FunctionDef)):
            described = ast.get_docstring(function) is not None
            work = ast.Module(function.body[1:] if described else function.body, [])
            if sum(1 for _ in ast.walk(function)) > LINE_OF_ARITHMETIC + 2 * described:
                place = f"{file.relative_to(ROOT)}:{function.lineno} {function.name}"
                places.setdefault(ast.dump(work), []).append(place)
    assert [same for same in places.values() if len(same) > 1] == []


def test_every_constant_is_used():
    trees = {file: syntax_of(file) for file in SOURCE.rglob("*.py")}
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    read |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    unused = [
        f"{file.relative_to(ROOT)}: {name.id}"
        for file, tree in trees.items()
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        for name in ast.walk(target)
        if isinstance(name, ast.Name) and name.id.isupper() and name.id not in read
    ]
    assert unused == []


PYTORCH = {"torch", "torchvision", "safetensors.torch"}


@pytest.mark.parametrize(
    "script",
    [
        *(
            f"stages/{n}.py"
            for n in (
                "draw_figures",
                "judge_claims",
                "match_loss",
                "measure_roughness",
                "write_numbers",
                "write_summary",
            )
        ),
    ],
)
def test_what_reads_results_alone_does_without_pytorch(script):
    """Its import takes seconds in each of them."""
    importing = {
        file.relative_to(SOURCE).as_posix()
        for file in transitive_imports(SOURCE / script)
        for name in imported_names(file)
        if any(name == package or name.startswith(f"{package}.") for package in PYTORCH)
    }
    assert not importing
