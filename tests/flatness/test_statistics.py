import pytest
import torch
from torch import nn
from toys import assert_same_state, random_images, state_copy

from flatness.networks import build_network
from flatness.statistics import recompute_batch_norm


def test_statistics_are_those_of_the_images():
    data = random_images(60)
    network = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Dropout(0.5))
    network[0].momentum = 0.3
    network.eval()
    recompute_batch_norm(network, data, batch_size=60)
    images = data.batch(slice(None))[0]
    torch.testing.assert_close(network[0].running_mean, images.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(network[0].running_var, images.transpose(0, 1).flatten(1).var(dim=1))
    assert network[0].momentum == 0.3 and not any(module.training for module in network.modules())


def test_batches_count_alike_and_weights_stay():
    data, network = random_images(40), build_network("resnet8", 0)
    weights = {name: p.detach().clone() for name, p in network.named_parameters()}
    recompute_batch_norm(network, data, batch_size=20)
    whole = state_copy(network)
    means = []
    for start in (0, 20):
        recompute_batch_norm(network, data.take(torch.arange(start, start + 20)), batch_size=20)
        means.append(network.norm.running_mean.clone())
    torch.testing.assert_close(whole["norm.running_mean"], (means[0] + means[1]) / 2)
    assert all(torch.equal(p, weights[name]) for name, p in network.named_parameters())


def test_a_network_without_batch_norm_is_left_alone():
    network = build_network("resnet8-nonorm", 0)
    before = state_copy(network)
    recompute_batch_norm(network, random_images(4))
    assert_same_state(network, before)


def test_a_network_is_left_as_it_was_where_the_images_cannot_be_placed(monkeypatch):
    network, data = build_network("resnet8", 0).train(), random_images(4)
    before = state_copy(network)

    def full(*_):
        raise MemoryError

    monkeypatch.setattr(type(data), "for_network", full)
    with pytest.raises(MemoryError):
        recompute_batch_norm(network, data)
    assert_same_state(network, before)
    assert network.norm.momentum == 0.1 and all(module.training for module in network.modules())
