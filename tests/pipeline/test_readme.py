"""README's results are those of the scales that were run, and its commands and paths exist."""

import re
import sys

import pytest
from pipeline_files import ROOT, SCALES, declared_stages

sys.path.append(str(ROOT / "setup"))

import readme

TEXT = (ROOT / "README.md").read_text()


def test_results_are_those_of_the_scales():
    _, within, _ = readme.parts(TEXT)
    assert within == readme.summaries(), "run `make readme`"


@pytest.mark.parametrize("path", [path for path in readme.SUMMARIES if path.exists()], ids=str)
def test_summary_is_what_the_committed_results_yield(path, monkeypatch):
    from experiment.reporting.results import load_results
    from stages.write_summary import summary

    monkeypatch.chdir(path.parents[1])
    assert summary(load_results()) == path.read_text()


def test_every_stage_is_in_the_table():
    table = TEXT.partition("\n## Stages\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(declared_stages())


def test_every_figure_script_is_named():
    scripts = {file.name for file in (ROOT / "src/figures").glob("draw_*.py")}
    assert scripts == set(re.findall(r"draw_\w+\.py", TEXT))


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([^):]+)\)", TEXT))))
def test_links_lead_somewhere(path):
    scale = path.split("/")[1] if path.startswith("scales/") else ""
    if scale and not (SCALES[scale] / "dvc.lock").exists():
        pytest.skip(f"the {scale} scale has not been run")
    assert (ROOT / path).exists()


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z]+(?: [a-z]+)*):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE))
    declared = {name for target in targets for name in target.split()}
    assert set(re.findall(r"\bmake ([a-z]+)", TEXT)) <= declared


def test_example_works():
    names: dict = {}
    for example in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(compile(example, "README.md", "exec"), names)
    surface = names["surface"]
    assert dict(surface.sizes) == {"set": 1, "alpha": 5, "beta": 5}
    assert bool((surface["loss"] > 0).all())
    assert names["ends"].smallest_algebraic.value < names["ends"].largest_algebraic.value
    assert names["trace"].standard_error > 0 and names["rise"] > 0 and names["radius"] > 0
