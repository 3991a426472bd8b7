"""Committed results belong to the committed parameters and code of their scale."""

import pytest
from pipeline_files import SCALES
from smoke_clones import dvc

RUN = [scale for scale in ("gpu", "laptop", "paper") if (SCALES[scale] / "dvc.lock").exists()]


@pytest.mark.parametrize("scale", RUN)
def test_committed_results_are_up_to_date(scale):
    checked = dvc(SCALES[scale], "repro", "--allow-missing", "--dry")
    assert checked.returncode == 0, checked.stdout[-2000:]
    assert checked.stdout.strip().endswith("Data and pipelines are up to date."), checked.stdout[-2000:]
