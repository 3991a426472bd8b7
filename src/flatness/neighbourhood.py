"""The mean loss and its gradient at weights about a network's own, on a fixed set of images.

The loss is the mean cross-entropy in nats over all images, in evaluation mode and in the parameters' own
precision, whatever the caller's autocast, without weight decay. Sums over batches are divided by N once, so
that no value depends on the batch size beyond rounding.
"""

from collections.abc import Callable, Iterator
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn import functional

from flatness.data import ImageSet
from flatness.directions import Direction, displaced, evaluation_mode, trainable_parameters, unchanged
from flatness.execution import without_autocast

BATCH_SIZES = {"cpu": 125}  # images whose activations fit the caches: a third faster than 500
LARGE_BATCH = 1000  # elsewhere


class Neighbourhood:
    """A network and images about which several measures ask; what they share, the centre, is computed once.

    `on_pass` is told of each pass over the images, for a progress bar. Every method leaves the network as it
    was, bit for bit and mode by mode; its weights must stay the same as long as the object is used. Raises
    ValueError for a network without trainable parameters.
    """

    def __init__(
        self,
        network: nn.Module,
        data: ImageSet,
        batch_size: int = 0,
        on_pass: Callable[[], None] = lambda: None,
    ):
        self.network = network
        self.parameters = trainable_parameters(network)
        self.data, self.on_pass = data.for_network(network), on_pass
        device = self.data.labels.device
        self.batch_size = batch_size or BATCH_SIZES.get(device.type, LARGE_BATCH)

    @cached_property
    def base(self) -> float:
        """L(w) in nats, at the network's own weights."""
        self.on_pass()
        with unchanged(self.network):
            return mean_loss(self.network, self.data, self.batch_size)

    @cached_property
    def base_gradient(self) -> Direction:
        """The gradient of L at the network's own weights, by parameter."""
        self.on_pass()
        with unchanged(self.network):
            return loss_and_gradient(self.network, self.data, self.batch_size)[1]

    def loss(self, direction: Direction, distance: float = 1.0) -> float:
        """L(w + distance d) in nats."""
        self.on_pass()
        with displaced(self.network, [direction], [distance]):
            return mean_loss(self.network, self.data, self.batch_size)

    def loss_and_gradient(self, direction: Direction) -> tuple[float, Direction]:
        """L(w + d) in nats and its gradient there, by parameter."""
        self.on_pass()
        with displaced(self.network, [direction], [1.0]):
            return loss_and_gradient(self.network, self.data, self.batch_size)


@torch.no_grad()  # not inference mode: a tensor that the forward keeps must serve a gradient afterwards
@without_autocast()
def mean_loss(network: nn.Module, data: ImageSet, batch_size: int = 500) -> float:
    """Mean cross-entropy in nats, in evaluation mode, summed in float64."""
    with evaluation_mode(network):
        losses = [
            functional.cross_entropy(network(images), labels, reduction="none").double().sum()
            for images, labels in _batches(network, data, batch_size)
        ]
    return float(torch.stack(losses).sum()) / len(data)


@without_autocast()
def loss_and_gradient(network: nn.Module, data: ImageSet, batch_size: int = 500) -> tuple[float, Direction]:
    """Mean cross-entropy in nats and its gradient by parameter; sums over batches divided by N once.

    In evaluation mode. Raises ValueError for a network without trainable parameters.
    """
    parameters = trainable_parameters(network)
    total = torch.zeros((), dtype=torch.float64)
    gradient = {name: torch.zeros_like(weight) for name, weight in parameters.items()}
    with evaluation_mode(network):
        for images, labels in _batches(network, data, batch_size):
            losses = functional.cross_entropy(network(images), labels, reduction="none").double()
            slopes = torch.autograd.grad(
                losses.sum() / len(data), list(parameters.values()), materialize_grads=True
            )
            for share, slope in zip(gradient.values(), slopes, strict=True):
                share += slope
            total = total.to(losses.device) + losses.detach().sum()
    return float(total) / len(data), gradient


def _batches(network: nn.Module, data: ImageSet, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    placed = data.for_network(network)
    for start in range(0, len(placed), batch_size):
        yield placed.batch(slice(start, start + batch_size))
