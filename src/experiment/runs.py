"""Trained runs read back: networks with their weights, checkpoints as parameters and as whole states."""

from torch import Tensor, nn

from experiment.images import number_of_classes
from experiment.storage import checkpoints_path
from experiment.tensors import read_checkpoints
from flatness.data import ImageSet
from flatness.networks import build_network


def restored_network(network: str, seed: int, train_set: ImageSet, weights: dict[str, Tensor]) -> nn.Module:
    """The named network with the given weights and statistics, on the CPU."""
    restored = build_network(network, seed, train_set.images.shape[3], number_of_classes(train_set))
    restored.load_state_dict(weights)
    return restored.eval()


def parameters_of(network: nn.Module) -> dict[str, Tensor]:
    """The network's parameters by name, without its statistics."""
    return {name: parameter.detach() for name, parameter in network.named_parameters()}


def finite_checkpoints(network: str, seed: int) -> dict[float, dict[str, Tensor]]:
    """The run's weights by epoch, ascending, without those that are not finite."""
    checkpoints = read_checkpoints(checkpoints_path(network, seed))
    return {
        epoch: weights
        for epoch, weights in checkpoints.items()
        if all(bool(value.isfinite().all()) for value in weights.values())
    }
