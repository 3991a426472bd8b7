"""The smoke scale from two fresh clones: same bytes, also after a kill; wrong parameters refused."""

import csv
import hashlib
import json
import re
from pathlib import Path

import pytest
import yaml
from smoke_clones import dvc

UP_TO_DATE = "Data and pipelines are up to date."


def content_of(file: Path) -> bytes:
    """A file's bytes; of a training's CSV all but the column `seconds`, the one thing that is timed."""
    if file.suffix != ".csv":
        return file.read_bytes()
    with open(file, newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert all(float(row.pop("seconds")) > 0 for row in rows)
    return json.dumps(rows).encode()


def digests(folder: Path, *parts: str) -> dict[str, str]:
    """SHA-256 of every file below the parts of a scale's folder."""
    files = [file for part in parts for file in sorted((folder / part).rglob("*")) if file.is_file()]
    return {str(file.relative_to(folder)): hashlib.sha256(content_of(file)).hexdigest() for file in files}


@pytest.mark.parametrize("part", ["results", "figures", "models", "data"])
def test_two_clones_give_the_same_bytes(smoke_runs, part):
    unbroken = digests(smoke_runs.unbroken, part)
    assert unbroken, f"expected files below {part}"
    assert digests(smoke_runs.killed, part) == unbroken


def test_two_clones_give_the_same_paper(smoke_runs):
    papers = [
        (folder / "build/paper.pdf").read_bytes() for folder in (smoke_runs.unbroken, smoke_runs.killed)
    ]
    assert papers[0].startswith(b"%PDF")
    assert papers[0] == papers[1]


def test_killed_training_went_on(smoke_runs):
    assert "resuming after epoch" in smoke_runs.output_after_kill
    assert "resuming after epoch" not in smoke_runs.output


def test_nothing_unfinished_is_left(smoke_runs):
    for folder in (smoke_runs.unbroken, smoke_runs.killed):
        assert list((folder / ".progress").iterdir()) == []
        assert [file for file in folder.rglob("*.part")] == []


def test_every_output_is_there(smoke_runs):
    locked = yaml.safe_load((smoke_runs.unbroken / "dvc.lock").read_text())["stages"]
    outs = [out["path"] for stage in locked.values() for out in stage.get("outs", [])]
    assert outs and all((smoke_runs.unbroken / out).exists() for out in outs)


def test_declared_runs_are_the_stages_that_ran(smoke_runs):
    parameters = yaml.safe_load((smoke_runs.unbroken / "params.yaml").read_text())
    locked = yaml.safe_load((smoke_runs.unbroken / "dvc.lock").read_text())["stages"]
    declared = {f"{network}-{seed}" for network in parameters["networks"] for seed in parameters["seeds"]}
    assert {name.split("@")[1] for name in locked if name.startswith("train@")} == declared


@pytest.mark.parametrize("command", ["status", "repro"])
def test_finished_pipeline_is_up_to_date(smoke_runs, command):
    finished = dvc(smoke_runs.unbroken, command)
    assert finished.returncode == 0
    assert UP_TO_DATE in finished.stdout


def test_wrong_parameters_are_refused_before_anything_runs(smoke_runs):
    folder, parameters = smoke_runs.unbroken, smoke_runs.unbroken / "params.yaml"
    good, before = (
        parameters.read_text(),
        digests(smoke_runs.unbroken, "results", "figures", "models", "build"),
    )
    bad, replaced = re.subn(r"\bmomentum:", "momentun:", good)
    bad = re.sub(r"normalisation: filter", "normalisation: filtre", bad)
    assert replaced == 1 and bad != good
    try:
        parameters.write_text(bad)
        refused = dvc(folder, "repro", "--no-run-cache")
    finally:
        parameters.write_text(good)
    assert refused.returncode != 0
    for expected in (
        "train.recipe.momentum: missing key",
        "train.recipe.momentun: unknown key, did you mean 'momentum'?",
        "surface.normalisation: Input should be 'filter' or 'layer'; found 'filtre'",
    ):
        assert expected in refused.stdout
    assert "Running stage 'train" not in refused.stdout
    assert digests(folder, "results", "figures", "models", "build") == before
    assert UP_TO_DATE in dvc(folder, "status").stdout
