"""dvc.yaml says of each stage what it really depends on: the code it imports, the parameters it reads."""

import ast
import inspect
import re
from functools import cache
from pathlib import Path

import pytest
import yaml
from pipeline_files import (
    ROOT,
    SCALES,
    SOURCE,
    WHOLE_FILE,
    code_of,
    declared_stages,
    imported_names,
    leaves,
    local_imports,
    syntax_of,
    transitive_imports,
)

from experiment.parameters.loading import Section
from experiment.parameters.study import Study
from experiment.parameters.whole import Parameters

STAGES = declared_stages()
PARAMETERS = SOURCE / "experiment/parameters"
READERS = {
    "load_study": {"networks", "seeds"},
    "load_parameters": {WHOLE_FILE},
    "read_parameters": {WHOLE_FILE},
}


def sections_read(script) -> set[str]:
    """Sections of params.yaml that a script reads, itself or through what it imports."""
    outside = [
        file for file in transitive_imports(script) if "parameters" not in file.relative_to(SOURCE).parts
    ]
    calls = [node for file in outside for node in ast.walk(syntax_of(file)) if isinstance(node, ast.Call)]
    read: set[str] = set()
    for call in calls:
        name = getattr(call.func, "id", None)
        read |= READERS.get(name, set())
        if name == "load_section":
            read.add(call.args[0].value)
    return read


@pytest.mark.parametrize("name", STAGES)
def test_code_deps_are_the_transitive_imports(name):
    stage = STAGES[name]
    imported = {str(file.relative_to(ROOT)) for file in code_of(stage.script)}
    declared = {path for path in stage.deps if path.startswith("src/")}
    assert declared == imported, (
        f"missing in deps: {sorted(imported - declared)}; superfluous: {sorted(declared - imported)}"
    )


@pytest.mark.parametrize("name", STAGES)
def test_params_are_the_sections_read(name):
    stage = STAGES[name]
    read = sections_read(stage.script)
    assert stage.params == ({WHOLE_FILE} if WHOLE_FILE in read else read)


@pytest.mark.parametrize("name", STAGES)
def test_stage_is_described(name):
    entry = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][name]
    assert len(entry.get("do", entry).get("desc", "")) > 10, "expected a `desc` that says what the stage does"


def test_every_script_is_a_stage():
    scripts = {file for file in SOURCE.rglob("*.py") if 'if __name__ == "__main__":' in file.read_text()}
    assert scripts == {stage.script for stage in STAGES.values()}


@pytest.mark.parametrize("name", sorted(set(STAGES) - {"check_parameters"}))
def test_every_stage_comes_after_the_check(name):
    waiting, before = [STAGES[name]], {name}
    while waiting:
        deps = waiting.pop().deps
        new = {
            s.name for s in STAGES.values() for out in s.outs for d in deps if f"{out}/".startswith(f"{d}/")
        } - before
        before |= new
        waiting += [STAGES[other] for other in new]
    assert "check_parameters" in before


@pytest.mark.parametrize("scale", SCALES)
def test_every_parameter_is_declared_by_a_stage(scale):
    content = yaml.safe_load((SCALES[scale] / "params.yaml").read_text())
    used = {key for stage in STAGES.values() for key in stage.params | sections_read(stage.script)}
    used -= {WHOLE_FILE}
    unused = {
        leaf for leaf in leaves(content) if not any(leaf == key or leaf.startswith(f"{key}.") for key in used)
    }
    assert not unused


SECTIONS = {
    name: field.annotation
    for name, field in Parameters.model_fields.items()
    if name not in Study.model_fields
}


def kinds_of(kind: type[Section]) -> set[type[Section]]:
    """A section and those nested in it."""
    annotations = [field.annotation for field in kind.model_fields.values()]
    inner = [kind for kind in annotations if isinstance(kind, type) and issubclass(kind, Section)]
    return {kind}.union(*map(kinds_of, inner))


def loads(file: Path, section: str) -> bool:
    """Whether a file loads a section of params.yaml, or names its type: what it is then given."""
    types = {f"{kind.__module__}.{kind.__name__}" for kind in kinds_of(SECTIONS[section])}
    calls = [node for node in ast.walk(syntax_of(file)) if isinstance(node, ast.Call)]
    loaded = {call.args[0].value for call in calls if getattr(call.func, "id", None) == "load_section"}
    return section in loaded or bool(types & set(imported_names(file)))


@cache
def read_from(section: str) -> frozenset[str]:
    """Attributes and texts of the files that load a section and of the instruments that these hand its values to.

    Those of the section's own public methods too, but no others of `parameters`: to check a value is not to use it.
    """
    outside = [file for file in SOURCE.rglob("*.py") if file.parent != PARAMETERS]
    loading = {file for file in outside if loads(file, section)}
    given = {file for other in loading for file in local_imports(other) if file.parent.name == "flatness"}
    trees = [syntax_of(file) for file in loading | given]
    trees += [method for kind in kinds_of(SECTIONS[section]) for method in public_methods(kind)]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    read = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return frozenset(read | {node.value for node in nodes if isinstance(node, ast.Constant)})


def public_methods(kind: type[Section]) -> list[ast.FunctionDef]:
    body = ast.parse(inspect.getsource(kind)).body[0].body
    return [node for node in body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]


@pytest.mark.parametrize(
    "section, field",
    sorted(
        {
            (section, field)
            for section in SECTIONS
            for kind in kinds_of(SECTIONS[section])
            for field in kind.model_fields
        }
    ),
)
def test_every_field_is_read(section, field):
    assert field in read_from(section), (
        f"expected code that reads {field} of {section}, found none: remove it from its type and from params.yaml"
    )


@pytest.mark.parametrize(
    "section, field",
    [("trajectory", "crop_padding"), ("clipping", "margin"), ("claims", "samples"), ("trials", "epochs")],
)
def test_what_another_section_is_read_for_does_not_count(section, field):
    assert field not in read_from(section)


def test_scales_have_the_same_keys():
    keys = {
        scale: leaves(yaml.safe_load((folder / "params.yaml").read_text()))
        for scale, folder in SCALES.items()
    }
    assert all(found == keys["paper"] for found in keys.values())


@pytest.mark.parametrize("scale", ["gpu", "laptop", "smoke"])
@pytest.mark.parametrize("name", ["dvc.yaml", "src", "paper"])
def test_scales_share_the_pipeline(scale, name):
    link = SCALES[scale] / name
    assert link.is_symlink()
    assert link.resolve() == (ROOT / name).resolve()


def test_outputs_are_kept_until_new_ones_take_their_place():
    """DVC removes the others before a stage runs, and a stage that fails would lose them."""
    content = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    outs = [out for entry in content.values() for out in entry.get("do", entry)["outs"]]
    removed = [out for out in outs if isinstance(out, str) or not next(iter(out.values())).get("persist")]
    assert [next(iter(out)) for out in removed] == [
        "build/tables"
    ]  # a folder, of which no old table may stay


def test_every_figure_of_the_paper_is_made():
    texts = [file.read_text() for file in sorted((ROOT / "paper").rglob("*.tex"))]
    named = {
        match.rsplit("/", 1)[-1].removesuffix(".pdf")
        for text in texts
        for match in re.findall(r"^[^%\n]*\\includegraphics(?:\[[^]]*\])?\{([^}#]+)\}", text, re.MULTILINE)
    }
    made = {
        out.rsplit("/", 1)[-1].removesuffix(".pdf")
        for s in STAGES.values()
        for out in s.outs
        if out.endswith(".pdf")
    }
    assert named, "expected figures in the paper"
    assert named <= made
