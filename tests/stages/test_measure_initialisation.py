"""Untrained networks through the stage: schema, values against the instrument, resume, what cannot be measured."""

import pytest
import torch
import yaml
from small_study import PARAMETERS, write_study
from toys import FLOAT32, random_images

from experiment.evidence import INITIALISATION
from experiment.images import load_images
from experiment.measuring import measured_images
from experiment.storage import read_json
from flatness.gradients import BATCH_SIZE, loss_slope
from flatness.networks import build_network
from stages import measure_initialisation

DECLARED = PARAMETERS["initialisation"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_study()
        measure_initialisation.main()
    return folder


def test_every_declared_network_is_measured_from_every_seed(inside):
    found = read_json(INITIALISATION)
    assert found["provenance"]["precision"] == "float32"
    assert list(found["networks"]) == [
        f"{family}{depth}{variant}"
        for variant in DECLARED["variants"]
        for family in DECLARED["families"]
        for depth in DECLARED["depths"]
    ]
    for name, entry in found["networks"].items():
        assert name == f"{entry['family']}{entry['depth']}{entry['variant']}"
        assert [run["seed"] for run in entry["runs"]] == DECLARED["seeds"]
        for run in entry["runs"]:
            assert run["reason"] is None and run["loss"] > 0
            names = list(run["layers"])
            assert names[0] == "conv.weight" and names[-1] == "head.weight"
            assert len(run["layers"]) == entry["depth"]
            assert max(run["layers"].values()) < run["gradient_norm"]
            assert len(run["correlation"]) == DECLARED["inputs"] // 2 + 1
            assert run["correlation"][0] == 1 and max(map(abs, run["correlation"])) <= 1


def test_gradients_are_those_of_the_loss_that_training_starts_from(inside):
    run = read_json(INITIALISATION)["networks"]["plain14"]["runs"][1]
    images = measured_images(load_images()[0], DECLARED["samples"])
    slope = loss_slope(build_network("plain14", 1), images)
    assert run["loss"] == pytest.approx(slope.loss, rel=1e-4)
    assert run["gradient_norm"] == pytest.approx(slope.norm, rel=1e-3)


def test_seeds_have_lines_of_their_own(inside):
    first, second = (r["correlation"] for r in read_json(INITIALISATION)["networks"]["resnet8"]["runs"])
    assert first != second


def test_a_killed_measurement_goes_on_and_ends_the_same(inside, monkeypatch):
    unbroken = INITIALISATION.read_bytes()
    measured, original = [], measure_initialisation.measure

    def stop_after(limit):
        def measure(name, seed, *others):
            if len(measured) == limit:
                raise KeyboardInterrupt
            measured.append((name, seed))
            return original(name, seed, *others)

        return measure

    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        patch.setattr(measure_initialisation, "measure", stop_after(5))
        measure_initialisation.main()
    first, measured[:] = list(measured), []
    with monkeypatch.context() as patch:
        patch.setattr(measure_initialisation, "measure", stop_after(-1))
        measure_initialisation.main()
    assert len(first) == 5 and len(measured) == 11 and not set(first) & set(measured)
    assert INITIALISATION.read_bytes() == unbroken
    assert not list((inside / ".progress").iterdir())


def test_what_cannot_be_measured_has_a_reason(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_study()
    parameters = PARAMETERS | {"initialisation": DECLARED | {"variants": ["-nonorm"], "seeds": [0]}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(parameters))

    def build(name, *others):
        network = build_network(name, *others)
        if name == "plain14-nonorm":
            with torch.no_grad():
                network.conv.weight.fill_(float("nan"))
        if name == "plain8-nonorm":
            with torch.no_grad():
                network.head.weight.zero_()  # a loss with a gradient, but none by the input
        return network

    monkeypatch.setattr(measure_initialisation, "build_network", build)
    measure_initialisation.main()
    found = {name: entry["runs"][0] for name, entry in read_json(INITIALISATION)["networks"].items()}
    assert found["plain14-nonorm"]["reason"] == "the loss or its gradient is not finite"
    assert found["plain14-nonorm"]["loss"] is None and found["plain14-nonorm"]["correlation"] is None
    assert "all zero" in found["plain8-nonorm"]["reason"]
    assert found["plain8-nonorm"]["correlation"] is None and found["plain8-nonorm"]["gradient_norm"] > 0
    assert found["resnet8-nonorm"]["reason"] is None


def test_batch_norm_has_the_statistics_of_all_images_also_of_an_incomplete_batch():
    images, network = random_images(BATCH_SIZE + 2), build_network("resnet8", 0)
    seen = []
    network.conv.register_forward_hook(lambda module, given, output: seen.append(output.detach()))
    network(images.batch(slice(None))[0])
    measure_initialisation.correlation(network, 0, images, 4, FLOAT32)
    torch.testing.assert_close(network.norm.running_mean, seen[0].mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        network.norm.running_var, seen[0].transpose(0, 1).flatten(1).var(1), rtol=1e-4, atol=1e-5
    )
