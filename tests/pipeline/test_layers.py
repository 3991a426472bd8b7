"""Imports run downwards only: stages and figures know experiment and flatness, experiment knows flatness."""

import pytest
from pipeline_files import LAYERS, SOURCE, imported_names, local_imports, transitive_imports

ALLOWED = {
    "flatness": {"flatness"},
    "experiment": {"experiment", "flatness"},
    "stages": {"stages", "experiment", "flatness"},
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


PYTORCH = {"torch", "torchvision", "safetensors.torch"}


@pytest.mark.parametrize(
    "script",
    [
        *(
            f"stages/{n}.py"
            for n in ("judge_claims", "match_loss", "measure_roughness", "write_numbers", "write_summary")
        ),
        *sorted(f"figures/{file.name}" for file in (SOURCE / "figures").glob("draw_*.py")),
    ],
)
def test_what_reads_results_alone_does_without_pytorch(script):
    """Its import takes seconds in each of some twenty stages."""
    importing = {
        file.relative_to(SOURCE).as_posix()
        for file in transitive_imports(SOURCE / script)
        for name in imported_names(file)
        if any(name == package or name.startswith(f"{package}.") for package in PYTORCH)
    }
    assert not importing
