import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations
from toys import assert_same_state, disturb_batch_norm, state_copy

from flatness.folding import FoldedTwin, foldable_pairs
from flatness.networks import build_network


class Branching(nn.Module):
    """Not to be traced: the forward looks at the data."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x):
        return self.norm(self.conv(x)).mean((2, 3)) if x.sum() > 0 else x.mean((2, 3))


class SharedConvolution(nn.Module):
    """One convolution read by a norm and by the output: its norm must not be folded."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, x):
        y = self.conv(x)
        return (self.norm(y) + y).mean((2, 3))


class WeightReadTwice(nn.Module):
    """A convolution whose weight the forward reads once more by itself."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, x):
        return (self.norm(self.conv(x)) * self.conv.weight.square().mean()).mean((2, 3))


class NormOfTwoNames(nn.Module):
    """The norm that the forward calls by one name is traced by another."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.block = nn.Sequential(self.conv, self.norm)

    def forward(self, x):
        return self.block(x).mean((2, 3))


class ListedAgain(nn.Module):
    """Modules in a list of all norms, by which the forward calls them."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.norms = nn.ModuleList([self.norm])

    def forward(self, x):
        return self.norms[0](self.conv(x)).mean((2, 3))


class ByName(nn.Module):
    """Modules called with their input by name."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x):
        return self.norm(input=self.conv(input=x)).mean((2, 3))


class OtherwiseInTraining(nn.Module):
    """Norm and convolution follow each other in one mode alone."""

    def __init__(self, mode):
        super().__init__()
        self.conv, self.norm, self.mode = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), mode

    def forward(self, x):
        y = self.conv(x)
        return self.norm(y if self.training == self.mode else y.square()).mean((2, 3))


@pytest.mark.parametrize(
    "name, pairs",
    [("resnet8", 7), ("plain14", 13), ("resnet8-projection", 9), ("resnet8-gelu", 7), ("resnet8-nonorm", 0)],
)
def test_the_twin_is_the_same_function(name, pairs):
    network = disturb_batch_norm(build_network(name, 0)).eval().double()
    twin = FoldedTwin(network)
    images = torch.randn(5, 3, 16, 16, dtype=torch.float64)
    assert len(foldable_pairs(network)) == pairs
    torch.testing.assert_close(twin(images), network(images))


def test_the_twin_follows_the_network_and_leaves_it_alone():
    network = disturb_batch_norm(build_network("resnet8", 0)).eval()
    twin, before = FoldedTwin(network), state_copy(network)
    images = torch.randn(5, 3, 16, 16)
    twin(images)
    assert_same_state(network, before)
    disturb_batch_norm(network, seed=1)
    with torch.no_grad():
        network.conv.weight.mul_(1.5)
        network.head.bias.add_(1)
    assert not torch.allclose(twin(images), network(images))
    twin.load(network)
    torch.testing.assert_close(twin(images), network(images), rtol=1e-4, atol=1e-4)


def test_convolution_bias_and_plain_affine_are_folded_too():
    network = (
        nn.Sequential(nn.Conv2d(3, 4, 3, bias=True), nn.BatchNorm2d(4, affine=False), nn.Flatten())
        .double()
        .eval()
    )
    network[1].running_mean.normal_()
    network[1].running_var.uniform_(0.5, 2)
    images = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    assert foldable_pairs(network) == [("0", "1")]
    torch.testing.assert_close(FoldedTwin(network)(images), network(images))


def weight_normed():
    return nn.Sequential(parametrizations.weight_norm(nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4), nn.Flatten())


def with_hook():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten())
    network[0].register_forward_hook(lambda module, inputs, output: 2 * output)
    return network


def weight_shared():
    first, second = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
    second.weight = first.weight
    return nn.Sequential(first, nn.BatchNorm2d(3), second, nn.BatchNorm2d(3), nn.Flatten())


@pytest.mark.parametrize("make", [weight_normed, with_hook, weight_shared])
def test_convolutions_that_are_more_than_that_are_not_folded(make):
    network = disturb_batch_norm(make()).eval()
    assert foldable_pairs(network) == []
    images = torch.rand(3, 3, 4, 4)
    torch.testing.assert_close(FoldedTwin(network)(images), network(images))


@pytest.mark.parametrize(
    "network",
    [
        Branching(),
        SharedConvolution(),
        WeightReadTwice(),
        NormOfTwoNames(),
        ListedAgain(),
        nn.Sequential(nn.Flatten(), nn.Linear(48, 2)),
    ],
)
def test_networks_that_do_not_allow_it_are_evaluated_as_they_are(network):
    disturb_batch_norm(network).eval()
    images = torch.rand(3, 3, 4, 4)
    assert foldable_pairs(network) == []
    assert torch.equal(FoldedTwin(network)(images), network(images))


def test_modules_called_by_name_are_folded_too():
    network = disturb_batch_norm(ByName()).double().eval()
    images = torch.rand(3, 3, 4, 4, dtype=torch.float64)
    assert foldable_pairs(network) == [("conv", "norm")]
    torch.testing.assert_close(FoldedTwin(network)(images), network(images))


@pytest.mark.parametrize("mode, pairs", [(True, []), (False, [("conv", "norm")])])
def test_what_is_folded_is_that_of_evaluation_mode(mode, pairs):
    network = disturb_batch_norm(OtherwiseInTraining(mode)).double().train()
    images = torch.rand(3, 3, 4, 4, dtype=torch.float64)
    twin = FoldedTwin(network)
    assert foldable_pairs(network) == pairs
    assert all(module.training for module in network.modules())
    torch.testing.assert_close(twin(images), network.eval()(images))
