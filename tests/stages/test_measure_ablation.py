"""The ablation's stage on a small study: what it measures, divergence, and going on after a kill."""

import numpy as np
import pytest
import yaml
from small_study import PARAMETERS, write_study

from experiment.evidence import Parts, ablation_path
from experiment.images import load_images
from experiment.measuring import measured_images
from experiment.parameters.ablation import Ablation
from experiment.parameters.loading import load_section
from experiment.parameters.train import Train
from experiment.storage import read_json
from flatness.curvature import hutchinson_trace, lanczos_process
from flatness.hessian import HessianProduct, ScaledProduct
from flatness.neighbourhood import mean_loss
from flatness.networks import build_network
from flatness.roughness import profile_measures
from flatness.sharpness import filter_scales
from flatness.training import Trainer
from stages import measure_ablation

NETWORKS = ("plain8", "resnet8")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ablation")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_study(
            {"plain8": {"learning_rate": 1e30, "schedule": "he2016"}}
        )  # an override that does not count
        for network in NETWORKS:
            measure_ablation.main(network, 0.0005, 0)
        measure_ablation.main("plain8", 1e30, 0)
    return folder


@pytest.fixture
def trained(inside):
    """resnet8 trained as the stage should: the recipe of all networks, other epochs, the given decay."""
    recipe = measure_ablation.recipe_of(
        load_section("train", Train), load_section("ablation", Ablation), 0.0005
    )
    assert recipe.epochs == PARAMETERS["ablation"]["epochs"] and recipe.learning_rate == 0.05
    train_set, test_set = load_images()
    trainer = Trainer(
        build_network("resnet8", 0, 3, 10), train_set, test_set, recipe, 0, measure_ablation.execution()
    )
    return trainer, trainer.run_epoch(), train_set


@pytest.mark.parametrize("decay", ["0.0", "0.0005"])
def test_files_are_named_as_the_pipeline_declares_them(decay):
    declared = (
        f"results/ablation/plain8-decay{decay}-0.json"  # of dvc.yaml, which writes the value as it is in YAML
    )
    assert str(ablation_path("plain8", float(decay), 0)) == declared
    assert f"{yaml.safe_load(decay)}" == decay


def test_numbers_are_those_of_the_trained_network(trained):
    trainer, record, train_set = trained
    found = read_json(ablation_path("resnet8", 0.0005, 0))
    assert found["reason"] is None and found["diverged_epoch"] is None
    assert (found["train_loss"], found["test_accuracy"]) == (record.train_loss, record.test_accuracy)
    assert (found["shortcut"], found["projection"], found["activation"]) == (1.0, False, "relu")
    assert found["provenance"]["precision"] == "float32" and "training_precision" in found["provenance"]
    images = measured_images(train_set, PARAMETERS["ablation"]["samples"])
    assert len(images) == 16
    centre = mean_loss(trainer.network, images)
    assert found["cuts"]["centre_loss"] == pytest.approx([centre] * 2, rel=1e-4)
    assert found["cuts"]["edge_rise"][0] != found["cuts"]["edge_rise"][1]


def test_curvature_is_plain_and_in_units_of_the_filters(trained):
    trainer, _, train_set = trained
    found = read_json(ablation_path("resnet8", 0.0005, 0))
    product = HessianProduct(trainer.network, measured_images(train_set, 16), keep_graphs=False)
    scaled = ScaledProduct(product, filter_scales(dict(trainer.network.named_parameters())))
    for prefix, matrix in (("", product), ("normalised_", scaled)):
        process = lanczos_process(matrix, 0.01, 4)
        trace = hutchinson_trace(matrix, 2, deflated=process)
        assert found[f"{prefix}trace"] == pytest.approx(trace.value, rel=1e-3)
        assert found[f"{prefix}trace_error"] == pytest.approx(trace.standard_error, rel=1e-2)
        assert found[f"{prefix}largest_eigenvalue"] == pytest.approx(float(process.ritz()[0][-1]), rel=1e-3)
        assert found[f"{prefix}largest_residual"] < abs(found[f"{prefix}largest_eigenvalue"])


def test_cuts_have_every_measure_by_direction(inside):
    line = np.linspace(-1, 1, 3)
    expected = set(profile_measures(line**2, 0 * line, line, 2.3))
    for network in NETWORKS:
        cuts = read_json(ablation_path(network, 0.0005, 0))["cuts"]
        assert set(cuts) == expected and all(len(values) == 2 for values in cuts.values())


def test_a_diverged_run_has_a_reason_and_no_measures(inside):
    found = read_json(ablation_path("plain8", 1e30, 0))
    assert found["diverged_epoch"] == 1 and found["reason"] == "the run diverged in epoch 1"
    complete = read_json(ablation_path("plain8", 0.0005, 0))
    assert set(found) == set(complete)
    known = {"network", "weight_decay", "seed", "provenance", "shortcut", "projection", "activation"}
    rest = set(found) - known - {"diverged_epoch", "reason"}
    assert all(found[key] is None for key in rest) and all(complete[key] is not None for key in rest)


def test_a_product_that_is_not_finite_gives_a_reason_in_place_of_curvature(inside, monkeypatch):
    before = ablation_path("plain8", 0.0005, 0).read_bytes()
    monkeypatch.setattr(HessianProduct, "__call__", lambda self, vector: vector * float("nan"))
    measure_ablation.main("plain8", 0.0005, 0)
    found = read_json(ablation_path("plain8", 0.0005, 0))
    ablation_path("plain8", 0.0005, 0).write_bytes(before)
    assert "not finite" in found["reason"] and found["largest_eigenvalue"] is None and found["trace"] is None
    assert found["train_loss"] is not None and found["cuts"]["edge_rise"][0] is not None


@pytest.mark.parametrize("parts", [0, 1, 3])
def test_a_killed_measurement_goes_on_after_its_last_part(inside, monkeypatch, parts):
    path = ablation_path("resnet8", 0.0005, 0)
    unbroken, measured, original = path.read_bytes(), [], Parts.get

    def stop_after(limit):
        def get(self, name, measure):
            def counted():
                measured.append(name)
                if len(measured) > limit:
                    raise KeyboardInterrupt
                return measure()

            return original(self, name, counted)

        return get

    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        patch.setattr(Parts, "get", stop_after(parts))
        measure_ablation.main("resnet8", 0.0005, 0)
    first, measured[:] = measured[:-1], []
    with monkeypatch.context() as patch:
        patch.setattr(Parts, "get", stop_after(99))
        patch.setattr(Trainer, "run_epoch", None)  # the training is not repeated
        measure_ablation.main("resnet8", 0.0005, 0)
    assert len(first) == parts and not set(first) & set(measured)
    assert path.read_bytes() == unbroken
    assert not list((inside / ".progress").iterdir())


def test_a_killed_training_goes_on_after_its_last_epoch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_study()
    parameters = yaml.safe_load((tmp_path / "params.yaml").read_text())
    parameters["ablation"]["epochs"] = 2
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(parameters))
    measure_ablation.main("plain8", 0.0, 0)
    path = ablation_path("plain8", 0.0, 0)
    unbroken, original, epochs = path.read_bytes(), Trainer.run_epoch, []

    def run_epoch(self):
        epochs.append(self.epoch)
        if epochs == [0, 1]:
            raise KeyboardInterrupt
        return original(self)

    monkeypatch.setattr(Trainer, "run_epoch", run_epoch)
    with pytest.raises(KeyboardInterrupt):
        measure_ablation.main("plain8", 0.0, 0)
    measure_ablation.main("plain8", 0.0, 0)
    assert epochs == [0, 1, 1] and path.read_bytes() == unbroken
