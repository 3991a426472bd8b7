import numpy as np
import pytest
from small_study import RUNS

from experiment.layout import MATCHING, ROUGHNESS, surface_path, trajectory_path
from experiment.progress import PointLog
from experiment.slices import read_slice
from experiment.storage import read_json
from experiment.trials import trial_name
from stages import (
    measure_roughness,
    measure_surface,
    try_learning_rate,
)

VIEWS = ("final", "recomputed", "cuts", "line", "matched", "matched_cuts")
TRIAL = ("plain8", 0.01, 0)


def measure():
    for run in RUNS:
        measure_surface.main(*run)
    try_learning_rate.main(*TRIAL)
    measure_roughness.main()


def test_every_view_is_measured_and_says_what_it_is(inside):
    for network, seed in RUNS:
        for view in VIEWS:
            dataset = read_slice(surface_path(network, seed, view))
            assert np.isfinite(dataset["loss"].values).all() and (dataset["samples"] >= 32).all()
            known = (dataset["standard_error"] <= 0.2 * dataset["loss"]) | (dataset["samples"] >= 64)
            assert known.all()
            assert dataset.attrs["network"] == network and dataset.attrs["view"] == view
            assert 0 < dataset.attrs["precision_check"] < 0.05
            recomputed = view in ("recomputed", "line")
            assert dataset.attrs["statistics"] == ("recomputed" if recomputed else "running")


def test_all_views_of_the_final_weights_agree_at_their_centre(inside):
    for run in RUNS:
        centre = read_slice(surface_path(*run, "final")).sel(alpha=0, beta=0)
        cuts = read_slice(surface_path(*run, "cuts")).sel(alpha=0)
        for direction in cuts["direction"]:
            np.testing.assert_array_equal(cuts["loss"].sel(direction=direction), centre["loss"])


def test_the_network_that_sets_the_target_is_matched_at_its_final_weights(inside):
    group = read_json(MATCHING)["0"]["8"]
    hardest, other = group["hardest"], ({"resnet8", "plain8"} - {group["hardest"]}).pop()
    final, matched = (read_slice(surface_path(hardest, 0, view)) for view in ("final", "matched"))
    np.testing.assert_array_equal(final["loss"].sel(set="train"), matched["loss"].sel(set="train"))
    assert list(matched["set"].values) == ["train"]
    assert read_slice(surface_path(other, 0, "matched")).attrs["epoch"] == group["networks"][other]["epoch"]


def test_the_line_ends_where_training_did(inside):
    for run in RUNS:
        trajectory = read_slice(trajectory_path(*run))
        assert trajectory["path"].values[-1].tolist() == pytest.approx([0, 0], abs=1e-5)
        assert trajectory["epoch"].values.tolist() == [0.0, 0.5, 1.0, 2.0]
        assert trajectory["residual"].values[-1] == pytest.approx(0, abs=1e-4)
        assert trajectory["projected_loss"].values[-1] == pytest.approx(
            trajectory["recomputed_loss"].values[-1], rel=1e-3
        )
        assert (trajectory["loss"] != trajectory["recomputed_loss"]).all()
        x, y = trajectory["path"].values.T
        assert trajectory["x"].values.min() < x.min() and trajectory["x"].values.max() > x.max()
        assert trajectory["y"].values.min() < y.min() and trajectory["y"].values.max() > y.max()


def test_roughness_is_given_for_every_run_and_view(inside):
    roughness = read_json(ROUGHNESS)
    trial = roughness.pop(trial_name(*TRIAL))
    assert set(trial) == {"final", "cuts"} and trial["cuts"]["centre_loss"] == trial["final"]["centre_loss"]
    assert set(roughness) == {"resnet8-0", "plain8-0"}
    for views in roughness.values():
        assert set(views) == {"final", "recomputed", "matched", "cuts", "matched_cuts", "line"}
        assert 0 < views["final"]["within_share"] <= 1 and views["final"]["minima"] >= 1
        assert views["cuts"]["monotone_share_sd"] >= 0
        for measure, values in views["cuts"]["by_direction"].items():
            mean = views["cuts"][measure]  # absent where a direction has none
            assert len(values) == 2 and (mean is None or np.mean(values) == pytest.approx(mean))
        assert set(views["line"].values()) == {None}  # this study's line has no point at its ends
        assert views["cuts"]["centre_loss_sd"] == 0 and views["cuts"]["edge_rise_sd"] > 0
        assert views["final"]["centre_loss"] == views["cuts"]["centre_loss"]


def test_a_killed_surface_goes_on_where_it_stopped_and_ends_the_same(inside, monkeypatch, capsys):
    paths = [surface_path("resnet8", 0, view) for view in VIEWS]
    unbroken = [path.read_bytes() for path in paths]
    appended, original = [], PointLog.append

    def stop_after(limit):
        def append(self, index, rows):
            original(self, index, rows)
            appended.append((self.path.name, index))
            if len(appended) == limit:
                raise KeyboardInterrupt

        return append

    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        patch.setattr(PointLog, "append", stop_after(13))
        measure_surface.main("resnet8", 0)
    first, appended[:] = list(appended), []
    with monkeypatch.context() as patch:
        patch.setattr(PointLog, "append", stop_after(-1))
        measure_surface.main("resnet8", 0)
    assert len(first) == 13 and not set(first) & set(appended)
    assert "resnet8-0 final: resuming after 9 of 9 points" in capsys.readouterr().err
    assert [path.read_bytes() for path in paths] == unbroken
    assert not list((inside / ".progress").iterdir())


def test_a_diverged_run_is_absent_everywhere_and_stops_nothing(diverged):
    assert list(read_json(MATCHING)["0"]["8"]["networks"]) == ["resnet8"]
    for view in VIEWS:
        dataset = read_slice(surface_path("plain8", 0, view))
        assert dataset["loss"].isnull().all() and (dataset["samples"] == 0).all()
    assert read_slice(trajectory_path("plain8", 0))["surface_loss"].isnull().all()
    roughness = read_json(ROUGHNESS)
    by_direction = roughness["plain8-0"]["cuts"].pop("by_direction")
    assert {value for values in by_direction.values() for value in values} == {None}
    for view in ("final", "cuts", "line"):
        assert set(roughness["plain8-0"][view].values()) == {None}
    assert roughness["resnet8-0"]["final"]["centre_loss"] is not None
