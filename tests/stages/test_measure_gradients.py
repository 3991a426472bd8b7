"""Gradients at the checkpoints of trained runs: schema, values against the instrument, resume, divergence."""

import pytest
from small_study import PARAMETERS, RUNS

from experiment.evidence import evidence_path
from experiment.images import load_images
from experiment.measuring import measured_images
from experiment.runs import finite_checkpoints, restored_network
from experiment.storage import read_json
from flatness.gradients import along_step, loss_slope
from stages import measure_gradients

DECLARED = PARAMETERS["gradients"]


def measure():
    for run in RUNS:
        measure_gradients.main(*run)


def test_every_checkpoint_is_measured(inside):
    for network, seed in RUNS:
        found = read_json(evidence_path("gradients", network, seed))
        assert (found["network"], found["seed"], found["samples"]) == (network, seed, 32)
        assert found["provenance"]["precision"] == "float32"
        assert [entry["epoch"] for entry in found["checkpoints"]] == [0.0, 0.5, 1.0, 2.0]
        for entry in found["checkpoints"]:
            assert entry["reason"] is None and entry["steps"] == DECLARED["steps"]
            assert list(entry["layers"])[-1] == "head.weight" and len(entry["layers"]) == 8
            assert entry["gradient_norm"] > max(entry["layers"].values()) > 0
            ratios = [c / s for c, s in zip(entry["gradient_change"], entry["steps"], strict=True)]
            assert entry["smoothness"] == pytest.approx(max(ratios))


def test_values_are_those_of_the_instrument(inside):
    entry = read_json(evidence_path("gradients", "resnet8", 0))["checkpoints"][2]
    train_set = load_images()[0]
    network = restored_network("resnet8", 0, train_set, finite_checkpoints("resnet8", 0)[1.0])
    assert entry["loss"] == pytest.approx(loss_slope(network, measured_images(train_set, 32)).loss, rel=1e-4)
    images = measured_images(train_set, 16)
    step = along_step(network, images, loss_slope(network, images), DECLARED["steps"])
    assert entry["loss_change"] == pytest.approx(step.loss_change, rel=1e-2)
    assert entry["gradient_change"] == pytest.approx(step.gradient_change, rel=1e-2)


def test_a_killed_measurement_goes_on_and_ends_the_same(inside, monkeypatch):
    path = evidence_path("gradients", "plain8", 0)
    unbroken, original, calls = path.read_bytes(), measure_gradients.measure, []

    def stop_after(limit):
        def measure(*arguments):
            if len(calls) == limit:
                raise KeyboardInterrupt
            calls.append(1)
            return original(*arguments)

        return measure

    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        patch.setattr(measure_gradients, "measure", stop_after(3))
        measure_gradients.main("plain8", 0)
    calls.clear()
    with monkeypatch.context() as patch:
        patch.setattr(measure_gradients, "measure", stop_after(-1))
        measure_gradients.main("plain8", 0)
    assert len(calls) == 1 and path.read_bytes() == unbroken
    assert not list((inside / ".progress").iterdir())


def test_checkpoints_of_a_diverged_run_are_absent_with_a_reason(diverged):
    first, *others = read_json(evidence_path("gradients", "plain8", 0))["checkpoints"]
    assert first["epoch"] == 0 and first["reason"] is None and first["gradient_norm"] > 0
    assert others
    for entry in others:
        assert "diverged" in entry["reason"] and entry["layers"] == {}
        assert entry["loss"] is None and entry["smoothness"] is None
        assert entry["gradient_change"] == entry["loss_change"] == [None, None]


def test_a_network_without_a_gradient_has_a_reason(inside, monkeypatch):
    def flat(*arguments):
        network = restored_network(*arguments)
        for parameter in network.parameters():
            parameter.data.zero_()
        return network

    monkeypatch.setattr(measure_gradients, "restored_network", flat)
    monkeypatch.setattr(measure_gradients, "loss_slope", zero_slope)
    path = evidence_path("gradients", "resnet8", 0)
    kept = path.read_bytes()
    measure_gradients.main("resnet8", 0)
    entries = read_json(path)["checkpoints"]
    path.write_bytes(kept)
    assert all("not zero to step along" in entry["reason"] for entry in entries)


def zero_slope(network, data, *others):
    slope = loss_slope(network, data, *others)
    for part in slope.gradient.values():
        part.zero_()
    return slope
