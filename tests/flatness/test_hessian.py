"""Kept graphs beside instruments that move the weights, and networks without anything to differentiate by."""

import pytest
import torch
from torch import nn
from toys import disturb_batch_norm, random_images

from flatness.directions import displaced
from flatness.hessian import HessianProduct

DATA = random_images(12)


@pytest.fixture
def network():
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.Tanh(),
        nn.AvgPool2d(6),
        nn.Flatten(),
        nn.Linear(4, 10),
    ]
    return disturb_batch_norm(nn.Sequential(*layers)).double()


def test_a_kept_graph_outlives_weights_that_were_moved_and_put_back(network):
    product = HessianProduct(network, DATA)
    vector = torch.ones(product.size, dtype=torch.float64)
    before, kept = product(vector), product.kept
    assert product(vector) is not before and product.kept is kept  # nothing was written to
    with displaced(network, [{"5.weight": torch.eye(10, 4, dtype=torch.float64)}], [0.5]):
        moved = product(vector)
    assert torch.equal(product(vector), before)
    assert not torch.allclose(moved, before)


def test_a_kept_graph_follows_statistics_that_were_written_to(network):
    product = HessianProduct(network, DATA)
    vector = torch.ones(product.size, dtype=torch.float64)
    before = product(vector)
    network[1].running_var.mul_(2)
    after = product(vector)
    assert not torch.allclose(after, before)
    assert torch.equal(after, HessianProduct(network, DATA)(vector))


def test_buffers_of_inference_mode_are_no_obstacle(network):
    with torch.inference_mode():
        network[1].running_var = network[1].running_var.clone()
    product = HessianProduct(network, DATA)
    vector = torch.ones(product.size, dtype=torch.float64)
    assert product(vector).isfinite().all() and torch.equal(product(vector), product(vector))


def test_a_network_without_trainable_parameters_is_refused(network):
    for other in (network.requires_grad_(False), nn.Flatten()):
        with pytest.raises(ValueError, match="expected trainable parameters, found none"):
            HessianProduct(other, DATA)
