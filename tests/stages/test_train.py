import csv
from math import isfinite

import pytest
import torch
from small_study import write_study

from experiment.parameters.loading import ParameterError
from experiment.storage import (
    NETWORKS,
    checkpoints_path,
    epochs_path,
    read_json,
    training_path,
    weights_path,
    write_json,
)
from experiment.tensors import read_checkpoints, read_tensors
from flatness.training import Trainer
from stages import train

COLUMNS = "epoch,train_loss,train_accuracy,test_loss,test_accuracy,learning_rate,gradient_norm,seconds".split(
    ","
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows():
    with open(epochs_path("resnet8", 0), newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_weights_checkpoints_rows_and_a_summary():
    write_study()
    train.main("resnet8", 0)
    assert list(rows()[0]) == COLUMNS and [row["epoch"] for row in rows()] == ["1", "2"]
    summary = read_json(training_path("resnet8", 0))
    assert summary["test_accuracy"] == float(rows()[-1]["test_accuracy"])
    assert (
        summary["diverged_epoch"] is None
        and summary["provenance"]["torch"] == torch.__version__.split("+")[0]
    )
    checkpoints, weights = (
        read_checkpoints(checkpoints_path("resnet8", 0)),
        read_tensors(weights_path("resnet8", 0)),
    )
    assert list(checkpoints) == [0.0, 0.5, 1.0, 2.0] == summary["checkpoint_epochs"]
    assert all(torch.equal(checkpoints[2.0][name], weights[name]) for name in weights)


def test_a_stopped_run_goes_on_from_its_last_epoch(folder, monkeypatch, capsys):
    write_study()
    train.main("resnet8", 0)
    unbroken = [weights_path("resnet8", 0).read_bytes(), checkpoints_path("resnet8", 0).read_bytes()]
    original = Trainer.run_epoch

    def stop_in_the_second(self):
        if self.epoch == 1:
            raise KeyboardInterrupt
        return original(self)

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(Trainer, "run_epoch", stop_in_the_second)
        train.main("resnet8", 0)
    train.main("resnet8", 0)
    assert "resuming after epoch 1" in capsys.readouterr().err
    assert [weights_path("resnet8", 0).read_bytes(), checkpoints_path("resnet8", 0).read_bytes()] == unbroken
    assert not list((folder / ".progress").iterdir())


def test_a_diverged_run_is_recorded_with_its_epoch_and_does_not_fail():
    write_study({"resnet8": {"learning_rate": 1e30, "epochs": 5, "schedule": "he2016"}})
    train.main("resnet8", 0)
    summary = read_json(training_path("resnet8", 0))
    assert summary["diverged_epoch"] == summary["epochs"] == len(rows()) < 5
    assert summary["train_loss"] is None and not isfinite(float(rows()[-1]["train_loss"]))


def test_without_an_accelerator_a_long_run_says_how_long_and_what_fits(monkeypatch, capsys):
    write_study()
    monkeypatch.setenv("FLATNESS_DEVICE", "cpu")
    monkeypatch.setattr(Trainer, "images_per_second", lambda self: 2 * 96 / 3600 / 10)
    write_json(NETWORKS, [{"name": "resnet8", "seeds": [0, 1]}, {"name": "plain14-width2", "seeds": [0, 1]}])
    train.main("resnet8", 0)
    said = capsys.readouterr().err
    assert "this network will take about 10.0 hours" in said
    assert f"declares about {10 * (2 + 2 * 2 * 4) / 24:.1f} days" in said
    assert "make laptop" in said and "make smoke" in said


def test_a_short_run_says_nothing_of_the_kind(capsys):
    write_study()
    train.main("plain8", 0)
    assert "hours" not in capsys.readouterr().err


def test_an_override_that_is_not_of_the_recipe_is_refused_before_training():
    write_study({"resnet8": {"learning_rat": 0.1}})
    with pytest.raises(ParameterError, match="train.overrides.resnet8.learning_rat: unknown key"):
        train.main("resnet8", 0)
    assert not weights_path("resnet8", 0).exists()


def test_weights_that_are_not_finite_are_a_divergence_even_if_the_last_loss_was(monkeypatch):
    write_study()
    epochs = []

    def break_after_epoch(trainer):
        record = original(trainer)
        epochs.append(record)
        with torch.no_grad():
            trainer.parameters[0].fill_(float("inf"))
        return record

    original = Trainer.run_epoch
    monkeypatch.setattr(Trainer, "run_epoch", break_after_epoch)
    train.main("resnet8", 0)
    assert len(epochs) == 1 and isfinite(epochs[0].train_loss)
    assert read_json(training_path("resnet8", 0))["diverged_epoch"] == 1
