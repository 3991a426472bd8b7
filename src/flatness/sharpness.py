"""How far the loss rises near a network's weights: in the worst case, on average, and how far off it does.

The loss is the mean cross-entropy in nats over all images of a set, in evaluation mode and float32. Perturbations
are added to a saved copy of the weights, which is restored bit for bit. Every measure is that of a fixed set of
images: take a declared subset where the whole is too much.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf, nan, sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

from flatness.data import ImageSet
from flatness.directions import Direction, displaced, random_direction
from flatness.folding import foldable_pairs
from flatness.seeds import generator

Scales = dict[str, Tensor]  # by parameter, what one unit of a perturbation means there; 0 keeps it in place


def unit_scales(parameters: dict[str, Tensor]) -> Scales:
    """1 everywhere: the plain L2 ball."""
    return {name: torch.ones_like(weight) for name, weight in parameters.items()}


def elementwise_scales(parameters: dict[str, Tensor]) -> Scales:
    """|w_i|: a unit is each weight's own size (Kwon et al. 2021, without their constant)."""
    return {name: weight.detach().abs() for name, weight in parameters.items()}


def filter_scales(parameters: dict[str, Tensor]) -> Scales:
    """The norm of each weight's filter (slice along dimension 0); 0 for biases and batch norm (Li et al. 2018)."""
    return {name: _filter_norms(weight.detach()) for name, weight in parameters.items()}


def _filter_norms(weight: Tensor) -> Tensor:
    if weight.ndim < 2:
        return torch.zeros_like(weight)
    norms = torch.linalg.vector_norm(weight, dim=tuple(range(1, weight.ndim)), keepdim=True)
    return norms.expand_as(weight)


GEOMETRIES: dict[str, Callable[[dict[str, Tensor]], Scales]] = {
    "l2": unit_scales,
    "elementwise": elementwise_scales,
    "filter": filter_scales,
}


@dataclass(frozen=True)
class Ascent:
    """How a worst case is searched: `steps` of projected gradient ascent from each of `restarts` starts.

    The first start is the weights themselves, the others are random in the ball. The largest loss met is taken, so
    that the result is a lower bound of the true worst case, and more of either only raises it.
    """

    steps: int = 10
    restarts: int = 3
    seed: int = 0


def worst_case_rise(
    network: nn.Module, data: ImageSet, radius: float, geometry: str = "l2", ascent: Ascent | None = None
) -> float:
    """max L(w + T v) - L(w) over ||v||_2 <= radius, T the scales of `geometry`, a key of GEOMETRIES; in nats.

    `l2` is the ball of Foret et al. 2021; `elementwise` and `filter` are adaptive: multiplying a batch-normed filter
    by a constant, which leaves the function as it is, leaves them as they are. Raises ValueError for another
    geometry.
    """
    if geometry not in GEOMETRIES:
        raise ValueError(f"geometry {geometry!r}: expected one of {', '.join(GEOMETRIES)}")
    scales = GEOMETRIES[geometry](dict(network.named_parameters()))

    def climb(place: Direction, gradient: Direction, ascent: Ascent) -> Direction:
        scaled = {name: scales[name] * slope for name, slope in gradient.items()}  # the gradient in v
        stride = 2 * radius / ascent.steps / max(_norm(scaled), 1e-30)
        moved = {name: place[name] + stride * scaled[name] for name in place}
        shrink = min(1.0, radius / max(_norm(moved), 1e-30))
        return {name: shrink * step for name, step in moved.items()}

    def start(draw: Direction) -> Direction:
        return {name: radius / _norm(draw) * step for name, step in draw.items()}

    return _climb(network, data, scales, start, climb, ascent or Ascent())


def box_rise(network: nn.Module, data: ImageSet, epsilon: float, ascent: Ascent | None = None) -> float:
    """Keskar et al. 2017, metric 2.1, in per cent: 100 (max L(w + d) - L(w)) / (1 + L(w)) over |d_i| <= e (|w_i| + 1).

    Searched by projected ascent along the gradient's signs, where they use ten steps of L-BFGS-B.
    """
    scales = {
        name: epsilon * (weight.detach().abs() + 1) for name, weight in network.named_parameters()
    }  # v in the unit box

    def climb(place: Direction, gradient: Direction, ascent: Ascent) -> Direction:
        stride = 2 / ascent.steps
        return {name: (place[name] + stride * gradient[name].sign()).clamp(-1, 1) for name in place}

    def start(draw: Direction) -> Direction:
        return {name: step.clamp(-1, 1) for name, step in draw.items()}

    rise = _climb(network, data, scales, start, climb, ascent or Ascent())
    return 100 * rise / (1 + mean_loss(network, data))


def _climb(
    network: nn.Module,
    data: ImageSet,
    scales: Scales,
    start: Callable[[Direction], Direction],
    climb: Callable[[Direction, Direction, Ascent], Direction],
    ascent: Ascent,
) -> float:
    """The largest rise met by ascents of v, the weights at w + scales v; NaN where a loss is not a number."""
    parameters = dict(network.named_parameters())
    base = mean_loss(network, data)
    highest = base
    for restart in range(ascent.restarts):
        place = {name: torch.zeros_like(weight) for name, weight in parameters.items()}
        if restart > 0:
            place = start(_gaussian(parameters, ascent.seed, restart))
        for _ in range(ascent.steps):
            with displaced(network, [_scaled(scales, place)], [1.0]):
                loss, gradient = loss_and_gradient(network, data)
            if loss != loss:
                return nan
            highest = max(highest, loss)
            place = climb(place, gradient, ascent)
        with displaced(network, [_scaled(scales, place)], [1.0]):
            highest = max(highest, mean_loss(network, data))
    return highest - base


def _scaled(scales: Scales, place: Direction) -> Direction:
    return {name: scales[name] * step for name, step in place.items()}


def _norm(direction: Direction) -> float:
    return sqrt(sum(float(step.double().square().sum()) for step in direction.values()))


def _gaussian(parameters: dict[str, Tensor], seed: int, draw: int) -> Direction:
    random = generator("cpu", seed, draw)
    return {
        name: torch.randn(weight.shape, generator=random, dtype=weight.dtype).to(weight.device)
        for name, weight in parameters.items()
    }


def average_rises(
    network: nn.Module, data: ImageSet, sigma: float, seeds: list[int], normalisation: str = "filter"
) -> list[float]:
    """L(w + sigma d) - L(w) in nats for the random direction d of each seed; their mean is the average case."""
    parameters, base = dict(network.named_parameters()), mean_loss(network, data)
    rises = []
    for seed in seeds:
        with displaced(network, [random_direction(parameters, seed, normalisation)], [sigma]):
            rises.append(mean_loss(network, data) - base)
    return rises


def flat_radius(
    network: nn.Module,
    data: ImageSet,
    rise: float,
    seed: int,
    extent: float = 1.0,
    points: int = 20,
    bisections: int = 6,
) -> float:
    """Distance along a filter-normalised random direction at which the loss has first risen by `rise` nats.

    In units of the filters' norms. The ray is walked in `points` equal steps to `extent` until the loss is above,
    and the last step halved `bisections` times; a rise and fall within one step is not seen. inf where the loss stays
    below up to `extent`, NaN where it is not a number.
    """
    direction = random_direction(dict(network.named_parameters()), seed)

    def loss_at(distance: float) -> float:
        with displaced(network, [direction], [distance]):
            return mean_loss(network, data)

    level = loss_at(0.0) + rise
    if level != level:
        return nan
    crossed = (step for step in range(1, points + 1) if not loss_at(step * extent / points) < level)
    end = next(crossed, None)
    if end is None:
        return inf
    low, high = (end - 1) * extent / points, end * extent / points
    for _ in range(bisections):
        middle = (low + high) / 2
        low, high = (middle, high) if loss_at(middle) < level else (low, middle)
    return (low + high) / 2


def rescaled(network: nn.Module, factor: float) -> nn.Module:
    """A copy with every filter before a batch norm multiplied by `factor` and the norm's statistics to match.

    In evaluation mode the same function to rounding (Dinh et al. 2017: measures that move with it say nothing of the
    function): mean' = c mean, var' = c^2 (var + eps) - eps. ValueError where nothing can be rescaled, or where
    var' would be negative.
    """
    pairs = foldable_pairs(network)
    if not pairs:
        raise ValueError("expected a convolution with a batch norm after it to rescale, found none")
    copied = copy.deepcopy(network)
    with torch.no_grad():
        for convolution_name, norm_name in pairs:
            convolution, norm = copied.get_submodule(convolution_name), copied.get_submodule(norm_name)
            convolution.weight.mul_(factor)
            if convolution.bias is not None:
                convolution.bias.mul_(factor)
            norm.running_mean.mul_(factor)
            norm.running_var.add_(norm.eps).mul_(factor**2).sub_(norm.eps)
            if bool((norm.running_var < 0).any()):
                raise ValueError(f"factor {factor:g} is too small for the variances of {norm_name}")
    return copied


@torch.inference_mode()
def mean_loss(network: nn.Module, data: ImageSet, batch_size: int = 500) -> float:
    """Mean cross-entropy in nats, in evaluation mode, summed in float64."""
    network.eval()
    losses = [
        functional.cross_entropy(network(images), labels, reduction="none").double().sum()
        for images, labels in _batches(network, data, batch_size)
    ]
    return float(torch.stack(losses).sum()) / len(data)


def loss_and_gradient(network: nn.Module, data: ImageSet, batch_size: int = 500) -> tuple[float, Direction]:
    """Mean cross-entropy in nats and its gradient by parameter; sums over batches divided by N once."""
    network.eval()
    parameters = dict(network.named_parameters())
    total = 0.0
    gradient = {name: torch.zeros_like(weight) for name, weight in parameters.items()}
    for images, labels in _batches(network, data, batch_size):
        loss = functional.cross_entropy(network(images), labels, reduction="sum")
        for share, slope in zip(
            gradient.values(), torch.autograd.grad(loss, list(parameters.values())), strict=True
        ):
            share += slope / len(data)
        total += float(loss.detach())
    return total / len(data), gradient


def _batches(network: nn.Module, data: ImageSet, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    parameter = next(network.parameters())
    placed = data.to(parameter.device)
    for start in range(0, len(placed), batch_size):
        images, labels = placed.batch(slice(start, start + batch_size))
        yield images.to(parameter.dtype), labels
