"""Loss and accuracy of a network on images, as sums that can be added up and judged for their error."""

from collections.abc import Callable
from dataclasses import dataclass
from math import nan, sqrt

import torch
from torch import Tensor
from torch.nn import functional

from flatness.data import ImageSet

Forward = Callable[[Tensor], Tensor]  # images [B, C, H, W] -> logits [B, classes]


@dataclass(frozen=True)
class Tally:
    """Sums over n samples l_1 ... l_n drawn without replacement from a population of `population` samples."""

    population: int
    samples: int = 0
    loss_sum: float = 0.0
    squared_sum: float = 0.0
    correct: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.population,
            self.samples + other.samples,
            self.loss_sum + other.loss_sum,
            self.squared_sum + other.squared_sum,
            self.correct + other.correct,
        )

    @property
    def loss(self) -> float:
        """Mean cross-entropy in nats, without weight decay; NaN where nothing was sampled."""
        return self.loss_sum / self.samples if self.samples else nan

    @property
    def accuracy(self) -> float:
        """Share of correctly classified samples."""
        return self.correct / self.samples if self.samples else nan

    @property
    def standard_error(self) -> float:
        """Standard error of `loss` as an estimate of the population's mean.

        sqrt(s^2 / n * (1 - n / N)): s^2 the samples' variance (divisor n - 1), N the population
        (finite-population correction; Cochran 1977, section 2.6), so 0 once every sample is used.
        """
        n = self.samples
        if n < 2:
            return nan
        variance = (self.squared_sum - self.loss_sum**2 / n) / (n - 1)
        return sqrt(max(variance, 0.0) / n * (1 - n / self.population))


@torch.no_grad()  # not inference mode: a tensor that the forward keeps must serve a gradient afterwards
def tally_batch(forward: Forward, images: Tensor, labels: Tensor, population: int) -> Tally:
    """Tally of one batch: images [B, C, H, W], labels [B]. Losses are summed in float64."""
    logits = _logits(forward, images)
    losses = functional.cross_entropy(logits, labels, reduction="none").double()
    correct = (logits.argmax(1) == labels).sum()
    total, squared, hits = torch.stack([losses.sum(), losses.square().sum(), correct.double()]).tolist()
    return Tally(population, len(labels), total, squared, int(hits))


def _logits(forward: Forward, images: Tensor) -> Tensor:
    """Logits [B, classes], in at least float32, of the weights as they are now.

    Rounded copies that a caller's autocast keeps of them are neither used nor left.
    """
    torch.clear_autocast_cache()
    logits = forward(images)
    torch.clear_autocast_cache()
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def evaluate(forward: Forward, data: ImageSet, batch_size: int = 1000) -> Tally:
    """Tally over all images of `data`, in their order."""
    total = Tally(len(data))
    for start in range(0, len(data), batch_size):
        images, labels = data.batch(slice(start, start + batch_size))
        total += tally_batch(forward, images, labels, len(data))
    return total
