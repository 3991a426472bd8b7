"""The stage of the trials on a small study: what it leaves, divergence, and going on after a kill."""

import numpy as np
import pytest
from small_study import PARAMETERS, write_study

from experiment.images import load_images
from experiment.parameters.loading import load_section
from experiment.parameters.train import Train
from experiment.progress import PointLog
from experiment.slices import read_slice
from experiment.storage import read_json
from experiment.tensors import read_tensors
from experiment.trials import (
    TRIALS,
    trial_epochs_path,
    trial_slice_path,
    trial_training_path,
    trial_weights_path,
)
from flatness.neighbourhood import mean_loss
from flatness.networks import build_network
from flatness.training import Trainer, weights_of
from stages import try_learning_rate

RUN = ("plain8", 0.01, 0)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trials")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_study({"plain8": {"schedule": "he2016"}})
        try_learning_rate.main(*RUN)
        try_learning_rate.main("plain8", 1e30, 0)
    return folder


def everything(folder):
    """Bytes of all that a trial leaves, without the seconds of its epochs."""
    trial, _, seconds = folder / TRIALS / "plain8-rate0.01-0", None, "training.csv"
    files = {path.name: path.read_bytes() for path in sorted(trial.iterdir()) if path.name != seconds}
    rows = (trial / seconds).read_text().splitlines()
    return files | {
        "weights": trial_weights_path(*RUN).read_bytes(),
        "rows": [r.rsplit(",", 1)[0] for r in rows],
    }


def test_only_the_learning_rate_differs_from_the_networks_own_recipe(inside):
    section = load_section("train", Train)
    recipe = try_learning_rate.recipe_at(section, "plain8", 0.01)
    own = section.recipe_for("plain8").model_dump()
    assert vars(recipe) == own | {"learning_rate": 0.01} and recipe.schedule == "he2016"


def test_weights_are_those_of_that_training(inside):
    recipe = try_learning_rate.recipe_at(load_section("train", Train), "plain8", 0.01)
    train_set, test_set = load_images()
    machine = try_learning_rate.execution()
    trainer = Trainer(build_network("plain8", 0, 3, 10), train_set, test_set, recipe, 0, machine)
    records = [trainer.run_epoch() for _ in range(recipe.epochs)]
    stored = read_tensors(trial_weights_path(*RUN))
    assert all(value.equal(stored[name]) for name, value in weights_of(trainer.network).items())
    summary = read_json(trial_training_path(*RUN))
    assert summary["train_loss"] == records[-1].train_loss and summary["learning_rate"] == 0.01
    assert len(trial_epochs_path(*RUN).read_text().splitlines()) == 1 + recipe.epochs


def test_slices_are_measured_as_the_studys_own(inside):
    network = build_network("plain8", 0, 3, 10)
    network.load_state_dict(read_tensors(trial_weights_path(*RUN)))
    train_set, _ = load_images()
    for view, shape in (("final", (3, 3)), ("cuts", (2, 3))):
        data = read_slice(trial_slice_path(*RUN, view))
        assert data["loss"].shape == (2, *shape) and list(data["set"].values) == ["train", "test"]
        assert (data.attrs["statistics"], data.attrs["normalisation"]) == ("running", "filter")
        centre = data.sel(set="train", alpha=0).loss.values
        centre = centre[1] if view == "final" else centre
        samples = int(data.sel(set="train").samples.max())
        if samples == len(train_set):
            assert centre == pytest.approx(mean_loss(network, train_set), rel=1e-4)
    assert list(data.attrs["direction_seeds"]) == PARAMETERS["surface"]["cuts"]["direction_seeds"]


def test_a_diverged_trial_has_its_epoch_and_nothing_measured(inside):
    summary = read_json(trial_training_path("plain8", 1e30, 0))
    assert summary["diverged_epoch"] == 1 and summary["train_loss"] is None
    data = read_slice(trial_slice_path("plain8", 1e30, 0, "final"))
    assert np.isnan(data["loss"]).all() and (data["samples"] == 0).all()


def test_a_killed_training_and_a_killed_slice_go_on_where_they_stopped(inside, monkeypatch):
    unbroken, epoch, epochs = everything(inside), Trainer.run_epoch, []

    def second_epoch_is_killed(self):
        epochs.append(self.epoch)
        if epochs == [0, 1]:
            raise KeyboardInterrupt
        return epoch(self)

    append, points = PointLog.append, []

    def fifth_point_is_killed(self, index, rows):
        points.append(index)
        if len(points) == 5:
            raise KeyboardInterrupt
        append(self, index, rows)

    monkeypatch.setattr(Trainer, "run_epoch", second_epoch_is_killed)
    monkeypatch.setattr(PointLog, "append", fifth_point_is_killed)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            try_learning_rate.main(*RUN)
    try_learning_rate.main(*RUN)
    assert epochs == [0, 1, 1] and len(points) == 1 + 9 + 6  # the killed point twice, no other
    assert everything(inside) == unbroken
    assert not list((inside / ".progress").iterdir())
