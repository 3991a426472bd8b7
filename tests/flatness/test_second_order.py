"""Against PyTorch's own derivatives in float64."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from toys import assert_same_state, disturb_batch_norm, random_images, state_copy

from flatness.hessian import HessianProduct, flat
from flatness.networks import build_network
from flatness.second_order import SecondOrderTwin

DATA = random_images(6)


class Odd(nn.Module):
    """Convolutions of every kind: grouped, dilated, strided, with bias, padded otherwise, one used twice."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding="same")
        self.grouped = nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=2)
        self.norm = nn.BatchNorm2d(4)
        self.strided = nn.Conv2d(4, 4, (3, 1), stride=(2, 1), padding=(1, 0))
        self.second_norm = nn.BatchNorm2d(4)
        self.mirrored = nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")
        self.shared = nn.Conv2d(4, 4, 1)
        self.head = nn.Linear(4, 10)

    def forward(self, x):
        y = torch.tanh(self.norm(self.grouped(torch.tanh(self.first(x)))))
        y = torch.tanh(self.second_norm(self.strided(y)))
        y = self.shared(torch.tanh(self.mirrored(self.shared(y))))
        return self.head(y.mean((2, 3)))


class Named(nn.Module):
    """A norm of two names, modules called with their input by name."""

    def __init__(self):
        super().__init__()
        self.first, self.first_norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.block = nn.Sequential(self.first, self.first_norm)
        self.second, self.second_norm = nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 10)

    def forward(self, x):
        y = self.second_norm(input=self.second(input=torch.tanh(self.block(x))))
        return self.head(torch.tanh(y).mean((2, 3)))


MADE_HERE = {"odd": Odd, "named": Named}


def built(name: str) -> nn.Module:
    torch.manual_seed(0)
    network = disturb_batch_norm(MADE_HERE[name]() if name in MADE_HERE else build_network(name, 0))
    if name == "odd":
        network.norm.weight = network.norm.bias = None  # a norm without affine parameters
    return network.double().eval()


def reference_product(network: nn.Module, vector: torch.Tensor) -> torch.Tensor:
    images, labels = DATA.for_network(network).batch(slice(None))
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    loss = functional.cross_entropy(network(images), labels)
    gradient = flat(torch.autograd.grad(loss, parameters, create_graph=True))
    return flat(torch.autograd.grad(gradient, parameters, vector))


@pytest.mark.parametrize(
    "name", ["resnet8", "plain8-gelu", "resnet8-projection-tanh", "resnet8-nonorm", "odd", "named"]
)
def test_function_and_hessian_are_those_of_the_network(name):
    network = built(name)
    before, images = state_copy(network), DATA.batch(slice(None))[0].double()
    product = HessianProduct(network, DATA, batch_size=4)
    torch.testing.assert_close(product.network(images), network(images))
    vector = torch.randn(product.size, dtype=torch.float64)
    torch.testing.assert_close(product(vector), reference_product(network, vector))
    assert_same_state(network, before)


def test_frozen_parameters_are_left_out():
    network = built("resnet8")
    network.conv.requires_grad_(False)
    network.stages[1][0].norm1.requires_grad_(False)
    product = HessianProduct(network, DATA)
    vector = torch.randn(product.size, dtype=torch.float64)
    assert product.size == sum(p.numel() for p in network.parameters() if p.requires_grad)
    torch.testing.assert_close(product(vector), reference_product(network, vector))


def test_the_twin_follows_the_networks_weights_and_statistics():
    network = built("resnet8")
    twin, images = SecondOrderTwin(network), DATA.batch(slice(None))[0].double()
    with torch.no_grad():
        for value in network.state_dict().values():
            value.mul_(2)
    torch.testing.assert_close(twin(images), network(images))
