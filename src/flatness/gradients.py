"""Gradients of the loss by layer and along a step, and of the logits along a line of images.

The loss is the mean cross-entropy in nats over all images of a set. Its gradient is the one that training
follows: batch norm takes the mean and variance of the batch at hand, and the gradient runs through them
(Ioffe and Szegedy 2015; so in Santurkar et al. 2018), everything else in evaluation mode. Running statistics
would not do: at initialisation they are 0 and 1 whatever the weights, and along a step they belong to other
weights. The gradient of the logits by an image is defined for each image alone, so there batch norm is in
evaluation mode; before training its statistics are to be recomputed from images (`flatness.statistics`). All
is computed in the parameters' own type, whatever the caller's autocast; sums are float64.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite, nan, sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from flatness.data import ImageSet
from flatness.directions import (
    Direction,
    displaced,
    evaluation_mode,
    same_modes,
    trainable_parameters,
    unchanged,
)
from flatness.execution import without_autocast
from flatness.unmeasurable import Unmeasurable

BATCH_SIZE = (
    128  # images that share batch-norm statistics: a batch of training (He et al. 2016; Li et al. 2018)
)
SMALL = 1e-25  # below it float32 gradients lose digits, and from 1e-45 on are 0
LIFT = 2.0**100  # factor on what is differentiated, so that gradients down to some 1e-68 are seen


@contextmanager
def batch_statistics(network: nn.Module) -> Iterator[nn.Module]:
    """Within the block batch norm uses each batch's statistics and keeps none; all other modules are in
    evaluation mode. Afterwards, also after an exception, modes are what they were; running statistics never change."""
    tracking = {m: m.track_running_stats for m in network.modules() if isinstance(m, _BatchNorm)}
    with same_modes(network):
        try:
            network.eval()
            for norm in tracking:
                norm.training, norm.track_running_stats = True, False
            yield network
        finally:
            for norm, tracked in tracking.items():
                norm.track_running_stats = tracked


@dataclass(frozen=True)
class Slope:
    """The mean loss in nats and its gradient by parameter."""

    loss: float
    gradient: Direction

    @property
    def norm(self) -> float:
        """L2 norm of the whole gradient; not finite where an entry is not."""
        return _norm(self.gradient)

    @property
    def is_finite(self) -> bool:
        return isfinite(self.loss) and isfinite(self.norm)


def _norm(direction: Direction) -> float:
    return sqrt(sum(_length(slope) ** 2 for slope in direction.values()))


def _length(slope: Tensor) -> float:
    return float(torch.linalg.vector_norm(slope, dtype=torch.float64))


@without_autocast()
def loss_slope(network: nn.Module, data: ImageSet, batch_size: int = BATCH_SIZE, lift: float = 1.0) -> Slope:
    """Loss and gradient over all images of `data`, in even batches of at most `batch_size`.

    Sums over batches are divided by N once; with batch norm the value depends on the batches, as in training.
    The gradient is that of `lift` times the loss. Raises ValueError for a network without trainable
    parameters.
    """
    parameters = trainable_parameters(network)
    total, gradient = 0.0, {name: torch.zeros_like(weight) for name, weight in parameters.items()}
    placed = data.for_network(network)
    with batch_statistics(network), unchanged(network):
        for index in torch.arange(len(data)).tensor_split(-(-len(data) // batch_size)):
            images, labels = placed.batch(index.to(placed.labels.device))
            loss = functional.cross_entropy(network(images), labels, reduction="sum")
            slopes = torch.autograd.grad(
                loss * (lift / len(data)), list(parameters.values()), materialize_grads=True
            )
            for share, slope in zip(gradient.values(), slopes, strict=True):
                share += slope
            total += float(loss.detach())
    return Slope(total / len(data), gradient)


def layer_norms(
    network: nn.Module, data: ImageSet, slope: Slope, batch_size: int = BATCH_SIZE
) -> dict[str, float]:
    """L2 norm of `slope`'s gradient in every weight of more than one dimension, by name, first layer first.

    Norms below SMALL are measured again with the loss lifted, so that a vanishing gradient is not a rounded one.
    Raises Unmeasurable where the slope is not finite.
    """
    if not slope.is_finite:
        raise Unmeasurable("the loss or its gradient is not finite")
    norms = {name: _length(part) for name, part in slope.gradient.items() if part.ndim > 1}
    small = [name for name, norm in norms.items() if norm < SMALL]
    if small:
        lifted = loss_slope(network, data, batch_size, LIFT)
        norms |= {name: _length(lifted.gradient[name]) / LIFT for name in small}
    return norms


@dataclass(frozen=True)
class StepMeasures:
    """Along w - eta g: the loss's change in nats and ||g(w - eta g) - g|| / ||g||, for every eta of `steps`."""

    steps: list[float]
    loss_change: list[float]
    gradient_change: list[float]

    @property
    def smoothness(self) -> float:
        """max over eta of ||g(w - eta g) - g|| / (eta ||g||), nats per squared unit of weight.

        The effective beta-smoothness of Santurkar et al. 2018, section 3.1: at most the gradient's Lipschitz
        constant on the step. Not a number where a change is not: a maximum over the others would flatter.
        """
        ratios = [change / step for step, change in zip(self.steps, self.gradient_change, strict=True)]
        return max(ratios) if all(map(isfinite, ratios)) else nan


def along_step(
    network: nn.Module, data: ImageSet, slope: Slope, steps: list[float], batch_size: int = BATCH_SIZE
) -> StepMeasures:
    """Gradient predictiveness (Santurkar et al. 2018): `slope`, of the same data, against those along its step.

    A step whose loss or gradient is not finite has NaN. The network is restored bit for bit, modes too.
    Raises Unmeasurable where the slope is not finite or zero, since then there is no step.
    """
    if not slope.is_finite or slope.norm == 0:
        raise Unmeasurable(
            f"expected a finite gradient that is not zero to step along, found norm {slope.norm:g}"
        )
    losses, changes = [], []
    for step in steps:
        with displaced(network, [slope.gradient], [-step]):
            there = loss_slope(network, data, batch_size)
        difference = {name: there.gradient[name] - slope.gradient[name] for name in slope.gradient}
        losses.append(there.loss - slope.loss if there.is_finite else nan)
        changes.append(_norm(difference) / slope.norm if there.is_finite else nan)
    return StepMeasures(list(steps), losses, changes)


def line_between(first: Tensor, second: Tensor, points: int) -> Tensor:
    """`points` images in equal steps on the straight line from `first` [C, H, W] to `second`: [points, C, H, W]."""
    shares = torch.linspace(0, 1, points, dtype=first.dtype, device=first.device)
    return torch.lerp(first, second, shares[:, None, None, None])


@without_autocast()
def input_gradients(
    network: nn.Module, inputs: Tensor, readout: Tensor, batch_size: int = BATCH_SIZE, lift: float = 1.0
) -> Tensor:
    """Gradient of lift * readout . f(x) by x for every x of inputs [M, C, H, W], in evaluation mode: [M, C H W]."""
    gradients = []
    with evaluation_mode(network):
        for batch in inputs.split(batch_size):
            images = batch.detach().clone().requires_grad_()
            answer = (network(images) @ readout).sum() * lift
            gradients.append(torch.autograd.grad(answer, images)[0].flatten(1))
    return torch.cat(gradients)


def autocorrelation(gradients: Tensor) -> list[float]:
    """Correlation of the rows of gradients [M, D] by lag k = 0 ... M / 2.

    r_k = sum_t <g_t, g_t+k> / sqrt(sum_t |g_t|^2 sum_t |g_t+k|^2), sums over the M - k pairs of that lag: within
    [-1, 1], 1 at lag 0 and for equal rows, 0 on average for independent ones of mean zero. No mean is subtracted, since
    over the draw of weights it is zero by symmetry (Balduzzi et al. 2017, section 3, whose inputs are
    one-dimensional). Raises Unmeasurable where a row is not finite or all are zero.
    """
    products = gradients.double() @ gradients.double().T  # [M, M]
    squares = products.diagonal()
    if not bool(products.isfinite().all()) or float(squares.sum()) == 0:
        raise Unmeasurable("the gradients by the input are not finite, or all zero")
    correlations = []
    for lag in range(len(gradients) // 2 + 1):
        size = (squares[: len(squares) - lag].sum() * squares[lag:].sum()).sqrt()
        correlations.append(float(products.diagonal(lag).sum() / size))
    return correlations


def shattering(
    network: nn.Module, inputs: Tensor, readout: Tensor, batch_size: int = BATCH_SIZE
) -> list[float]:
    """`autocorrelation` of the gradients of readout . f(x) along inputs [M, C, H, W]; lifted where they are tiny."""
    gradients = input_gradients(network, inputs, readout, batch_size)
    if float(gradients.abs().max()) < SMALL:
        gradients = input_gradients(network, inputs, readout, batch_size, LIFT)
    return autocorrelation(gradients)
