import pytest
from small_study import PARAMETERS, RUNS

from experiment.evidence import evidence_path
from experiment.images import load_images
from experiment.runs import restored_network
from experiment.storage import read_json, weights_path
from experiment.tensors import read_tensors
from flatness.evaluation import evaluate
from flatness.robustness import AccuracyMeter
from stages import measure_robustness

PATH = evidence_path("robustness", *RUNS[0])
DECLARED = PARAMETERS["robustness"]
KINDS = ("noise", "blur", "contrast", "brightness")


def measure():
    for run in RUNS:
        measure_robustness.main(*run)


def test_every_declared_disturbance_is_measured(inside):
    for network, seed in RUNS:
        found = read_json(evidence_path("robustness", network, seed))
        assert (found["network"], found["seed"], found["samples"]) == (network, seed, 32)
        assert found["reason"] is None and found["classes"] == 10 and found["epoch"] == 2
        assert found["pixels"] == "float32"
        assert list(found["images"]) == list(KINDS)
        for kind in KINDS:
            assert list(found["images"][kind]) == [str(strength) for strength in DECLARED[kind]]
            assert all(0 <= accuracy <= 1 for accuracy in found["images"][kind].values())
        assert list(found["weights"]) == ["0.1", "0.2"]
        assert all(len(by_direction) == 2 for by_direction in found["weights"].values())
    assert not list((inside / ".progress").iterdir())


def test_undisturbed_accuracy_is_that_of_the_same_images(inside, monkeypatch):
    train_set, test_set = load_images()
    network = restored_network("resnet8", 0, train_set, read_tensors(weights_path("resnet8", 0)))
    whole = evaluate(network, test_set).accuracy
    half = read_json(PATH)["accuracy"]
    assert half * 32 == round(half * 32)
    monkeypatch.setattr(measure_robustness, "measured_images", lambda images, count: images)
    kept = PATH.read_bytes()
    measure_robustness.main("resnet8", 0)
    everything = read_json(PATH)
    PATH.write_bytes(kept)
    assert everything["samples"] == 64
    assert everything["accuracy"] == pytest.approx(whole, abs=1 / 64)  # the machine's precision may flip one


def test_a_killed_measurement_goes_on_where_it_stopped_and_ends_the_same(inside, monkeypatch):
    unbroken, asked = PATH.read_bytes(), []
    original = AccuracyMeter._accuracy

    def stop_after(limit):
        def accuracy(self, *arguments):
            asked.append(1)
            if len(asked) == limit:
                raise KeyboardInterrupt
            return original(self, *arguments)

        return accuracy

    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        patch.setattr(AccuracyMeter, "_accuracy", stop_after(6))
        measure_robustness.main(*RUNS[0])
    asked.clear()
    with monkeypatch.context() as patch:
        patch.setattr(AccuracyMeter, "_accuracy", stop_after(-1))
        measure_robustness.main(*RUNS[0])
    assert len(asked) == 1 + 4 + 2 * 2 - 5
    assert PATH.read_bytes() == unbroken
    assert not list((inside / ".progress").iterdir())


def test_a_diverged_run_has_a_reason_and_no_values(diverged):
    found = read_json(evidence_path("robustness", "plain8", 0))
    assert found["reason"] == "the run diverged" and found["accuracy"] is None
    assert found["images"] == found["weights"] == {} and found["pixels"] == "float32"
    assert read_json(PATH)["reason"] is None


def test_outputs_that_are_not_numbers_give_a_reason(inside, without_numbers):
    kept = PATH.read_bytes()
    measure_robustness.main(*RUNS[0])
    found = read_json(PATH)
    PATH.write_bytes(kept)
    assert found["reason"] == "the network's outputs are not numbers" and found["accuracy"] is None


def test_the_same_machine_gives_the_same_bytes_twice(inside):
    kept = PATH.read_bytes()
    measure_robustness.main(*RUNS[0])
    assert PATH.read_bytes() == kept
