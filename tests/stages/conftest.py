import shutil

import pytest
import torch
from small_study import train_study
from torch import nn


def trained(folder, overrides=None):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        train_study(overrides)
    return folder


@pytest.fixture(scope="session")
def trained_study(tmp_path_factory):
    """Folder of the study's RUNS, trained and matched; to be copied, not written to."""
    return trained(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="session")
def half_diverged_study(tmp_path_factory):
    """As `trained_study`, but for plain8, which diverged."""
    return trained(
        tmp_path_factory.mktemp("diverged"), {"plain8": {"learning_rate": 1e30, "schedule": "he2016"}}
    )


@pytest.fixture(scope="module")
def study(request, trained_study, tmp_path_factory):
    """A copy of the trained study in which every run was measured by the module's `measure`."""
    folder = shutil.copytree(trained_study, tmp_path_factory.mktemp("measured") / "study")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        request.module.measure()
    return folder


@pytest.fixture
def inside(study, monkeypatch):
    """The measured study as working folder."""
    monkeypatch.chdir(study)
    return study


@pytest.fixture
def diverged(request, half_diverged_study, tmp_path, monkeypatch):
    """The study with the run that diverged as working folder, measured likewise."""
    monkeypatch.chdir(shutil.copytree(half_diverged_study, tmp_path / "study"))
    request.module.measure()


class NoNumbers(nn.Module):
    """A network whose outputs are not numbers."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.full((10,), float("nan")))

    def forward(self, images):
        return self.weight.expand(len(images), 10)


@pytest.fixture
def without_numbers(monkeypatch):
    """Every run's network gives outputs that are not numbers."""
    monkeypatch.setattr("experiment.origins.restored_network", lambda *_: NoNumbers())
