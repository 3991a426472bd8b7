"""How far the loss rises near a network's weights: in the worst case, on average, and how far off it does.

Every measure is that of a `Neighbourhood`: the mean cross-entropy in nats on a fixed set of images, in
evaluation mode. Take a declared subset where the whole is too much. Measures of one neighbourhood share its
centre. Filters are what `flatness.directions` calls so.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isfinite, isnan, nan, sqrt

import torch
from torch import Tensor, nn

from flatness.directions import Direction, random_direction
from flatness.folding import foldable_pairs
from flatness.neighbourhood import Neighbourhood
from flatness.seeds import generator
from flatness.unmeasurable import Unmeasurable

Scales = dict[str, Tensor]  # by parameter, what one unit of a perturbation means there; 0 keeps it in place
TINY = 1e-30  # a gradient shorter than this points nowhere


def unit_scales(parameters: dict[str, Tensor]) -> Scales:
    """1 everywhere: the plain L2 ball."""
    return {name: torch.ones_like(weight) for name, weight in parameters.items()}


def elementwise_scales(parameters: dict[str, Tensor]) -> Scales:
    """|w_i|: a unit is each weight's own size (Kwon et al. 2021, without their constant)."""
    return {name: weight.detach().abs() for name, weight in parameters.items()}


def filter_scales(parameters: dict[str, Tensor]) -> Scales:
    """The norm of each weight's filter; 0 for parameters without filters (1-D) (Li et al. 2018)."""
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

    The first start is the weights themselves. The others are random: in a ball Gaussian directions scaled to
    its radius, points of its sphere; in the box of `box_rise` Gaussians v clamped to it. The largest loss met
    is taken, so that the result is a lower bound of the true worst case, which more restarts can only raise.
    Raises ValueError for fewer than one of either.
    """

    steps: int = 10
    restarts: int = 3
    seed: int = 0

    def __post_init__(self):
        if self.steps < 1 or self.restarts < 1:
            raise ValueError(
                f"expected steps and restarts of at least 1, found {self.steps} and {self.restarts}; "
                "one of each is the least that searches"
            )


def worst_case_rise(
    near: Neighbourhood, radius: float, geometry: str = "l2", ascent: Ascent | None = None
) -> float:
    """max L(w + T v) - L(w) over ||v||_2 <= radius, T the scales of `geometry`, a key of GEOMETRIES; in nats.

    `l2` is the ball of Foret et al. 2021; `elementwise` and `filter` are adaptive: multiplying a batch-normed
    filter by a constant, which leaves the function as it is, leaves them as they are. At least 0; NaN where a
    loss on the way is not a number. Raises ValueError for another geometry.
    """
    if geometry not in GEOMETRIES:
        raise ValueError(f"geometry {geometry!r}: expected one of {', '.join(GEOMETRIES)}")
    scales = GEOMETRIES[geometry](near.parameters)

    def climb(place: Direction, gradient: Direction, ascent: Ascent) -> Direction:
        scaled = _scaled(scales, gradient)  # the gradient in v
        stride = 2 * radius / ascent.steps / max(_norm(scaled), TINY)
        moved = {name: place[name] + stride * scaled[name] for name in place}
        shrink = min(1.0, radius / max(_norm(moved), TINY))
        return {name: shrink * step for name, step in moved.items()}

    def start(draw: Direction) -> Direction:
        moving = {name: step * (scales[name] != 0) for name, step in draw.items()}
        return {name: radius / max(_norm(moving), TINY) * step for name, step in moving.items()}

    return _climb(near, scales, start, climb, ascent or Ascent())


def box_rise(near: Neighbourhood, epsilon: float, ascent: Ascent | None = None) -> float:
    """Keskar et al. 2017, metric 2.1, in per cent: 100 (max L(w + d) - L(w)) / (1 + L(w)) over |d_i| <= e
    (|w_i| + 1).

    Searched by projected ascent along the gradient's signs, where they use ten steps of L-BFGS-B.
    """
    scales = {
        name: epsilon * (weight.detach().abs() + 1) for name, weight in near.parameters.items()
    }  # v in the unit box

    def climb(place: Direction, gradient: Direction, ascent: Ascent) -> Direction:
        stride = 2 / ascent.steps
        return {name: (place[name] + stride * gradient[name].sign()).clamp(-1, 1) for name in place}

    def start(draw: Direction) -> Direction:
        return {name: step.clamp(-1, 1) for name, step in draw.items()}

    return 100 * _climb(near, scales, start, climb, ascent or Ascent()) / (1 + near.base)


def _climb(
    near: Neighbourhood,
    scales: Scales,
    start: Callable[[Direction], Direction],
    climb: Callable[[Direction, Direction, Ascent], Direction],
    ascent: Ascent,
) -> float:
    """The largest rise met by ascents of v, the weights at w + scales v; NaN where a loss is not a number.

    The first ascent begins at the centre, whose loss and gradient are known; no ascent needs the gradient at
    its end.
    """
    met = [near.base]
    for restart in range(ascent.restarts):
        if restart == 0:
            place = {name: torch.zeros_like(weight) for name, weight in near.parameters.items()}
            gradient = near.base_gradient
        else:
            place = start(_gaussian(near.parameters, ascent.seed, restart))
            loss, gradient = near.loss_and_gradient(_scaled(scales, place))
            met.append(loss)
        for _ in range(ascent.steps - 1):
            place = climb(place, gradient, ascent)
            loss, gradient = near.loss_and_gradient(_scaled(scales, place))
            met.append(loss)
        met.append(near.loss(_scaled(scales, climb(place, gradient, ascent))))
        if isnan(sum(met)):
            return nan
    return max(met) - near.base


def _scaled(scales: Scales, place: Direction) -> Direction:
    return {name: scales[name] * step for name, step in place.items()}


def _norm(direction: Direction) -> float:
    squares = [step.double().square().sum() for step in direction.values()]
    return sqrt(float(torch.stack(squares).sum()))


def _gaussian(parameters: dict[str, Tensor], seed: int, draw: int) -> Direction:
    random = generator("cpu", seed, draw)
    return {
        name: torch.randn(weight.shape, generator=random, dtype=weight.dtype).to(weight.device)
        for name, weight in parameters.items()
    }


def average_rises(
    near: Neighbourhood, sigma: float, seeds: Sequence[int], normalisation: str = "filter"
) -> list[float]:
    """L(w + sigma d) - L(w) in nats for the random direction d of each seed; their mean is the average case."""
    directions = (random_direction(near.parameters, seed, normalisation) for seed in seeds)
    return [near.loss(direction, sigma) - near.base for direction in directions]


def flat_radius(
    near: Neighbourhood, rise: float, seed: int, extent: float = 1.0, points: int = 20, bisections: int = 4
) -> float:
    """Distance along a filter-normalised random direction at which the loss has first risen by `rise` nats.

    In units of the filters' norms. The ray is walked in `points` equal steps to `extent` until the loss is
    above; the last step is halved `bisections` times, and the level met by a straight line between the losses
    at the ends of what remains. A rise and fall within one step is not seen. inf where the loss stays below
    up to `extent`; a loss that is not a number counts as risen, but is NaN at the centre.
    """
    direction = random_direction(near.parameters, seed)
    if isnan(near.base):
        return nan

    def above(distance: float) -> float:
        """By how much the loss lies above the level; inf where it is not a number."""
        excess = near.loss(direction, distance) - near.base - rise
        return inf if isnan(excess) else excess

    low, below = 0.0, -rise
    for step in range(1, points + 1):
        high = step * extent / points
        if (over := above(high)) >= 0:
            return _crossing(above, (low, below), (high, over), bisections)
        low, below = high, over
    return inf


def _crossing(
    above: Callable[[float], float], low: tuple[float, float], high: tuple[float, float], bisections: int
) -> float:
    """Where `above` passes zero between two (place, value), the first below zero and the second not."""
    for _ in range(bisections):
        middle = (low[0] + high[0]) / 2
        value = above(middle)
        low, high = (low, (middle, value)) if value >= 0 else ((middle, value), high)
    share = -low[1] / (high[1] - low[1]) if isfinite(high[1]) else 0.5
    return low[0] + share * (high[0] - low[0])


def rescaled(network: nn.Module, factor: float) -> nn.Module:
    """A copy with every filter before a batch norm multiplied by `factor` and the norm's statistics to match.

    In evaluation mode the same function to rounding (Dinh et al. 2017: measures that move with it say nothing
    of the function): mean' = c mean, var' = c^2 (var + eps) - eps. ValueError for a factor that is not
    positive and finite, where nothing can be rescaled, and where var' would be negative.
    """
    if not 0 < factor < inf:
        raise ValueError(
            f"expected a positive finite factor, found {factor:g}; another one would change the function"
        )
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
                raise Unmeasurable(f"factor {factor:g} is too small for the variances of {norm_name}")
    return copied
