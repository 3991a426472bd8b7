"""Directions in weight space, and networks moved along them and back.

A direction holds a tensor for each parameter it moves, by the parameter's name; a parameter it does not
name stays where it is.

The filters of a parameter of more than one dimension are its slices along the first: a convolution's output
channels, a linear layer's rows, but a ConvTranspose2d's input channels, which its weight has first. A
parameter of one dimension (a bias, batch norm) has no filters. A normalisation layer with more dimensions,
such as a LayerNorm over [C, H, W], has them and is moved like any weight.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from flatness.seeds import generator

Direction = dict[str, Tensor]


def random_direction(parameters: Mapping[str, Tensor], seed: int, normalisation: str = "filter") -> Direction:
    """A Gaussian direction from `seed`, scaled to the weights; parameters without filters (1-D) stay put.

    `filter`: each filter d_i of a parameter becomes d_i ||w_i|| / ||d_i|| (Li et al. 2018, section 4).
    `layer`: the same with the whole parameter as one filter. So alpha = 1 moves every filter by its own norm.
    Drawn on the CPU in the parameters' order: the same seed gives the same direction on every device. The
    stream is `generator("cpu", seed)`: not that of a network's initial weights, which are drawn from the seed
    itself, but that of every other draw with the keys (seed,) and zeros after it. Raises ValueError for
    another normalisation.
    """
    if normalisation not in NORMALISATIONS:
        raise ValueError(f"normalisation {normalisation!r}: expected one of {', '.join(NORMALISATIONS)}")
    random = generator("cpu", seed)
    direction = {}
    for name, weight in parameters.items():
        if weight.ndim > 1:
            drawn = torch.randn(weight.shape, generator=random, dtype=weight.dtype).to(weight.device)
            direction[name] = NORMALISATIONS[normalisation](drawn, weight.detach())
    return direction


def filter_normalised(direction: Tensor, weight: Tensor) -> Tensor:
    """Each slice along dimension 0 scaled to the norm of the weight's slice; both [F, ...]."""
    dimensions = tuple(range(1, weight.ndim))
    wanted, drawn = (torch.linalg.vector_norm(t, dim=dimensions, keepdim=True) for t in (weight, direction))
    return direction * (wanted / drawn)


def layer_normalised(direction: Tensor, weight: Tensor) -> Tensor:
    """The whole tensor scaled to the norm of the weight."""
    return direction * (torch.linalg.vector_norm(weight) / torch.linalg.vector_norm(direction))


NORMALISATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "filter": filter_normalised,
    "layer": layer_normalised,
}


def trainable_parameters(network: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that are trained (`requires_grad`), by name: those by which the loss is differentiated.

    Raises ValueError where there are none.
    """
    trained = {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}
    if not trained:
        raise ValueError(
            f"expected trainable parameters, found none among {len(list(network.parameters()))}; "
            "set requires_grad of those that are to be moved"
        )
    return trained


def direction_between(start: Mapping[str, Tensor], end: Mapping[str, Tensor]) -> Direction:
    """end - start for every parameter, so that start + alpha d is the straight line with alpha = 1 at `end`."""
    if start.keys() != end.keys():
        different = sorted(start.keys() ^ end.keys())
        raise ValueError(f"the two networks differ in their parameters: {', '.join(different[:5])}")
    return {name: end[name] - start[name] for name in start}


@contextmanager
def displaced(
    network: nn.Module, directions: Sequence[Direction], coefficients: Sequence[float]
) -> Iterator[nn.Module]:
    """Within the block the network's weights are w + sum_k c_k d_k, computed from a saved copy.

    Afterwards, also after an exception, the network is what it was, as `unchanged` says. Raises KeyError for
    a direction with a parameter the network has not, ValueError for unequal lengths.
    """
    parameters = dict(network.named_parameters())
    with unchanged(network):
        with torch.no_grad():
            for direction, coefficient in zip(directions, coefficients, strict=True):
                for name, step in direction.items():
                    if coefficient != 0:
                        parameters[name].add_(step.to(parameters[name].device), alpha=coefficient)
        torch.clear_autocast_cache()  # of a caller's autocast: rounded copies of the weights before
        yield network


@contextmanager
def unchanged(network: nn.Module) -> Iterator[nn.Module]:
    """After the block, also after an exception, parameters and buffers are what they were, bit for bit.

    So is every module's mode.
    """
    buffers = registered_buffers(network)
    tensors = [*network.parameters(), *(buffer for _, _, buffer in buffers)]
    saved = [tensor.detach().clone() for tensor in tensors]
    try:
        with same_modes(network):
            yield network
    finally:
        with torch.no_grad():
            for tensor, value in zip(tensors, saved, strict=True):
                tensor.copy_(value)
        put_back(buffers)
        torch.clear_autocast_cache()


@contextmanager
def same_modes(network: nn.Module) -> Iterator[nn.Module]:
    """After the block, also after an exception, every module is in training or evaluation mode as it was."""
    modes = {module: module.training for module in network.modules()}
    try:
        yield network
    finally:
        for module, mode in modes.items():
            module.training = mode


@contextmanager
def evaluation_mode(network: nn.Module) -> Iterator[nn.Module]:
    """Within the block the network is in evaluation mode; afterwards modes are what they were."""
    with same_modes(network):
        yield network.eval()


Buffers = list[tuple[nn.Module, str, Tensor]]  # modules, names in them, tensors


def registered_buffers(network: nn.Module) -> Buffers:
    """The network's buffers as they stand."""
    return [(module, *named) for module in network.modules() for named in module.named_buffers(recurse=False)]


def put_back(buffers: Buffers) -> None:
    """Make these tensors the buffers again, which a forward may have replaced by others."""
    for module, name, buffer in buffers:
        setattr(module, name, buffer)
