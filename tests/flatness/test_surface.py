import numpy as np
import pytest
import torch
from toys import FLOAT32, TwoLogits, assert_same_state, parameters_of, random_images, state_copy

from flatness.directions import random_direction
from flatness.evaluation import evaluate
from flatness.sampling import LossSampler
from flatness.surface import loss_on_grid


def test_the_surface_of_a_known_loss_is_that_loss():
    network, data = TwoLogits(0.5, -0.25), random_images(20, classes=1)
    directions = [{"weight": torch.tensor([[1.0, 0.0]])}, {"weight": torch.tensor([[0.0, 2.0]])}]
    surface = loss_on_grid(LossSampler(network, {"train": data}, FLOAT32), directions, extent=1.5, points=5)
    z = 0.25 + surface["alpha"].values[:, None] + 2 * surface["beta"].values[None, :]
    np.testing.assert_allclose(surface["loss"].sel(set="train").values, np.log1p(np.exp(-z)), rtol=1e-5)
    assert surface["loss"].dims == ("set", "alpha", "beta")
    np.testing.assert_array_equal(surface["accuracy"].values[0], z > 0)
    assert (surface["samples"] == 20).all() and (surface["standard_error"] == 0).all()


def test_the_centre_is_the_networks_own_loss_and_the_network_is_restored(network, data):
    before = state_copy(network)
    directions = [random_direction(parameters_of(network), seed) for seed in (1, 2)]
    surface = loss_on_grid(
        LossSampler(network, {"a": data, "b": random_images(30, 1)}, FLOAT32), directions, points=3
    )
    for name, images in (("a", data), ("b", random_images(30, 1))):
        centre = surface.sel(set=name, alpha=0, beta=0)
        assert centre["loss"].item() == pytest.approx(evaluate(network.eval(), images).loss, rel=1e-5)
    assert_same_state(network, before)


def test_a_grid_takes_two_directions(network, data):
    directions = [random_direction(parameters_of(network), 1)]
    with pytest.raises(ValueError, match="expected two directions, which span a plane; found 1"):
        loss_on_grid(LossSampler(network, {"train": data}, FLOAT32), directions, points=3)
