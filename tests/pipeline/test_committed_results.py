"""The laptop scale's committed results belong to its committed parameters and code."""

import pytest
from pipeline_files import SCALES
from smoke_clones import dvc

LAPTOP = SCALES["laptop"]


@pytest.mark.skipif(not (LAPTOP / "dvc.lock").exists(), reason="the laptop scale has not been run")
def test_committed_results_are_up_to_date():
    checked = dvc(LAPTOP, "repro", "--allow-missing", "--dry")
    assert checked.returncode == 0, checked.stdout[-2000:]
    assert checked.stdout.strip().endswith("Data and pipelines are up to date."), checked.stdout[-2000:]
