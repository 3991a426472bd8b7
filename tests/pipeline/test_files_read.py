"""A stage finds all it reads among its declared deps: each runs in a folder that holds nothing else."""

import runpy
import shutil
import sys
from pathlib import Path

import pytest
from pipeline_files import declared_stages
from synthetic import write_synthetic_results

STAGES = declared_stages()
REDUCING = [name for name in STAGES if name.startswith(("draw_", "write_", "judge_"))] + [
    "match_loss",
    "measure_roughness",
]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    write_synthetic_results(folder, ["resnet8", "plain8"], [0])
    return folder


@pytest.mark.parametrize("name", REDUCING)
def test_a_stage_reads_nothing_but_its_deps(results, tmp_path, monkeypatch, name):
    stage = STAGES[name]
    for path in {"params.yaml", *(dep for dep in stage.deps if not dep.startswith("src/"))}:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (results / path).is_dir() else shutil.copy
        copy(results / path, tmp_path / path)
    monkeypatch.chdir(tmp_path)
    module = f"{stage.script.parent.name}.{stage.script.stem}"
    monkeypatch.delitem(sys.modules, module, raising=False)  # what another test imported
    runpy.run_module(module, run_name="__main__")
    assert all(Path(out).exists() for out in stage.outs)
