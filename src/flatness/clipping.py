"""Short trainings by plain SGD, with and without clipped gradients, that tell where they break."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf, isfinite, nan

import torch
from torch import Tensor, nn
from torch.nn import functional

from flatness.data import ImageSet
from flatness.directions import trainable_parameters
from flatness.seeds import generator

TINY = 1e-300  # keeps a gradient of 0 from being divided by


@dataclass(frozen=True)
class ShortTraining:
    """Batch losses (nats) and L2 norms of their gradients before clipping, up to the last step or the first that is
    not finite, whose number from 0 is `diverged_step`; the number of steps where only the last weights are not."""

    losses: list[float]
    gradient_norms: list[float]
    diverged_step: int | None

    @property
    def final_loss(self) -> float:
        """Mean loss of the last tenth of the steps, at least one; NaN where the training diverged."""
        if self.diverged_step is not None:
            return nan
        last = self.losses[-max(1, len(self.losses) // 10) :]
        return sum(last) / len(last)


def train_shortly(
    network: nn.Module,
    data: ImageSet,
    learning_rate: float,
    batch_size: int,
    steps: int,
    seed: int,
    largest_norm: float = inf,
    after_step: Callable[[], object] = lambda: None,
) -> ShortTraining:
    """Plain SGD in place: w <- w - rate g min(1, largest_norm / |g|) (Pascanu et al. 2013), no momentum, no decay.

    Batches of un-augmented images are drawn from `seed` on the CPU, epoch by epoch without replacement; the same for
    every network and device. Norms are summed in float64, as squares of an exploding gradient overflow float32.
    """
    parameters = list(trainable_parameters(network.train()).values())
    placed = data.for_network(network)
    losses, norms = [], []
    for index in _batches(len(data), batch_size, steps, seed):
        images, labels = placed.batch(index.to(placed.labels.device))
        loss = functional.cross_entropy(network(images), labels)
        gradient = torch.autograd.grad(loss, parameters, materialize_grads=True)
        losses.append(float(loss.detach()))
        norms.append(_norm(gradient))
        if not (isfinite(losses[-1]) and isfinite(norms[-1])):
            return ShortTraining(losses, norms, len(losses) - 1)
        stride = learning_rate * min(1.0, largest_norm / max(norms[-1], TINY))
        with torch.no_grad():
            for parameter, slope in zip(parameters, gradient, strict=True):
                parameter.sub_(slope, alpha=stride)
        after_step()
    finite = all(bool(parameter.isfinite().all()) for parameter in parameters)
    return ShortTraining(losses, norms, None if finite else steps)


def _norm(gradient: tuple[Tensor, ...]) -> float:
    norms = [torch.linalg.vector_norm(slope, dtype=torch.float64) for slope in gradient]
    return float(torch.linalg.vector_norm(torch.stack(norms)))


def _batches(count: int, batch_size: int, steps: int, seed: int) -> Iterator[Tensor]:
    """Indices [B] of `steps` batches; an epoch's incomplete last batch is left out, unless it is the only one."""
    per_epoch = max(1, count // batch_size)
    for step in range(steps):
        if step % per_epoch == 0:
            order = torch.randperm(count, generator=generator("cpu", seed, step // per_epoch))
        yield order[step % per_epoch * batch_size :][:batch_size]
