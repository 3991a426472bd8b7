from math import inf, isnan

import pytest
import yaml
from small_study import RUNS, write_study

from experiment.evidence import evidence_path
from experiment.storage import read_json
from stages import match_loss, measure_sharpness, measure_trajectory, train
from stages.measure_sharpness import mean_radius, ratio

MEASURES = ("box", "l2", "elementwise", "filter")
PATH = evidence_path("sharpness", *RUNS[0])


def measure():
    for run in RUNS:
        measure_sharpness.main(*run)


def test_every_measure_at_both_states(inside):
    for network, seed in RUNS:
        found = read_json(evidence_path("sharpness", network, seed))
        assert (found["network"], found["seed"], found["samples"]) == (network, seed, 32)
        assert found["provenance"]["precision"] == "float32"
        assert set(found["states"]) == {"final", "matched"} and found["states"]["final"]["epoch"] == 2
        for state in found["states"].values():
            assert state["reason"] is None and state["loss"] > 0 and state["unmeasured"] == {}
            assert all(state[name] >= 0 for name in MEASURES) and state["filter"] > 0
            assert len(state["average"]) == len(state["flat_radius"]) == 2
            assert all(radius is None or 0 < radius <= state["extent"] for radius in state["flat_radius"])
        assert not list((inside / ".progress").iterdir())


def test_rescaling_moves_the_raw_measures_and_leaves_the_normalised_ones(inside):
    for run in RUNS:
        rescaling = read_json(evidence_path("sharpness", *run))["rescaling"]
        assert rescaling["reason"] is None and rescaling["factor"] == 3.0
        assert abs(rescaling["loss_difference"]) < 1e-5
        ratios = rescaling["ratios"]
        assert abs(ratios["l2"] - 1) > 0.1 and abs(ratios["box"] - 1) > 0.1
        for name in ("elementwise", "filter", "average"):
            assert ratios[name] == pytest.approx(1, abs=2e-3), name
        assert ratios["flat_radius"] is None or ratios["flat_radius"] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("passes", [1, 9, 40])
def test_a_killed_measurement_goes_on_where_it_stopped_and_ends_the_same(inside, monkeypatch, passes):
    unbroken, count = PATH.read_bytes(), []
    original = measure_sharpness.Session._passed

    def stop(self):
        count.append(1)
        if len(count) == passes:
            raise KeyboardInterrupt
        original(self)

    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        patch.setattr(measure_sharpness.Session, "_passed", stop)
        measure_sharpness.main(*RUNS[0])
    measure_sharpness.main(*RUNS[0])
    assert PATH.read_bytes() == unbroken
    assert not list((inside / ".progress").iterdir())


def test_finished_parts_are_not_measured_again(inside, monkeypatch):
    asked, original = [], measure_sharpness.box_rise

    def box_rise(near, **options):
        asked.append(1)
        return original(near, **options)

    def fail(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(measure_sharpness, "box_rise", box_rise)
        patch.setattr(measure_sharpness, "worst_case_rise", fail)
        with pytest.raises(KeyboardInterrupt):
            measure_sharpness.main(*RUNS[0])
        assert len(asked) == 1
        with pytest.raises(KeyboardInterrupt):
            measure_sharpness.main(*RUNS[0])
    assert len(asked) == 1
    measure_sharpness.main(*RUNS[0])


def test_a_diverged_run_has_a_reason_and_no_values(diverged):
    found = read_json(evidence_path("sharpness", "plain8", 0))
    for state in found["states"].values():
        assert state == {"epoch": None, "reason": "the run diverged"}
    assert found["rescaling"] == {"reason": "the run diverged", "factor": 3.0}
    assert read_json(PATH)["states"]["final"]["reason"] is None


def test_a_network_without_batch_norm_has_nothing_to_rescale(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_study()
    declared = yaml.safe_load((tmp_path / "params.yaml").read_text()) | {"networks": ["resnet8-nonorm"]}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(declared))
    train.main("resnet8-nonorm", 0)
    measure_trajectory.main("resnet8-nonorm", 0)
    match_loss.main()
    measure_sharpness.main("resnet8-nonorm", 0)
    found = read_json(evidence_path("sharpness", "resnet8-nonorm", 0))
    assert found["states"]["final"]["filter"] > 0
    assert found["rescaling"]["reason"] == "no filter has a batch norm after it"


def test_outputs_that_are_not_numbers_give_a_reason(inside, without_numbers):
    kept = PATH.read_bytes()
    measure_sharpness.main(*RUNS[0])
    found = read_json(PATH)
    PATH.write_bytes(kept)
    for state in found["states"].values():
        assert state["reason"] == "the loss at the weights is not a finite number" and "l2" not in state
    assert found["rescaling"]["reason"] == found["states"]["final"]["reason"]


def test_a_mean_radius_counts_what_lies_beyond_as_the_extent():
    assert mean_radius([0.5, inf], 2.0) == 1.25
    assert isnan(mean_radius([inf, inf], 2.0))


def test_a_ratio_of_rounding_errors_is_not_one():
    assert ratio(3.0, 2.0) == 1.5
    assert isnan(ratio(1.0, 1e-9)) and isnan(ratio(1.0, float("nan")))
