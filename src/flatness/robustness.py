"""Accuracy of a network on disturbed images, and with disturbed weights.

A disturbance takes pixels float32 [B, H, W, C] in [0, 1], a strength and the images' numbers in their set
[B], and gives pixels that `disturbed` clamps to [0, 1] and then normalises as the network was trained.
Nothing is rounded afterwards, to 8 bits or to the execution's precision, so that weak disturbances are not
lost.
"""

from collections.abc import Callable
from math import ceil, isnan, nan

import torch
from torch import Tensor, nn

from flatness.data import ImageSet
from flatness.directions import Direction, displaced
from flatness.evaluation import Tally, tally_batch
from flatness.execution import Execution, without_autocast
from flatness.folding import FoldedTwin
from flatness.seeds import generator

Disturbance = Callable[[Tensor, float, Tensor], Tensor]
NOISE_SEED = 3  # of the images' noise; the other key is the image's number
REACH = 4  # standard deviations at which the blur's kernel ends
PIXELS = torch.float32  # what disturbed images are made in, whatever the execution's precision


def gaussian_noise(pixels: Tensor, deviation: float, numbers: Tensor) -> Tensor:
    """pixels + deviation z, z standard normal for each pixel and channel.

    z is drawn on the CPU from a seed of the image's own: every network, device and batch size sees the same
    noise, and strengths differ by the factor alone.
    """
    draws = [
        torch.randn(pixels.shape[1:], generator=generator("cpu", NOISE_SEED, number))
        for number in numbers.tolist()
    ]
    return pixels + deviation * torch.stack(draws).to(pixels)


def gaussian_blur(pixels: Tensor, sigma: float, numbers: Tensor | None = None) -> Tensor:
    """Rows and columns convolved with a Gaussian of standard deviation `sigma` pixels, images mirrored at
    their edges.

    An image's edge pixels are repeated first (d c b a | a b c d | d c b a), which keeps constants and sums.
    """
    height, width = pixels.shape[1:3]
    rows, columns = (blur_matrix(size, sigma).to(pixels) for size in (height, width))
    return torch.einsum("rh,bhwc,sw->brsc", rows, pixels, columns)


def blur_matrix(size: int, sigma: float) -> Tensor:
    """The blur of a line of `size` pixels as a matrix float64 [size, size]; symmetric, so rows and columns
    sum to 1.

    The kernel is exp(-k^2 / (2 sigma^2)) for whole |k| up to REACH sigma, divided by its sum. Raises
    ValueError unless sigma is positive.
    """
    if not sigma > 0:
        raise ValueError(
            f"expected a blur of positive sigma, found {sigma:g}; leave sharp images as they are"
        )
    reach = max(1, ceil(REACH * sigma))
    offsets = torch.arange(-reach, reach + 1)
    kernel = torch.exp(-(offsets.double() ** 2) / (2 * sigma**2))
    sources = (torch.arange(size)[:, None] + offsets) % (2 * size)  # mirrored lines repeat after 2 size
    sources = torch.where(sources < size, sources, 2 * size - 1 - sources)  # [size, 2 reach + 1]
    matrix = torch.zeros(size, size, dtype=torch.float64)
    return matrix.scatter_add_(1, sources, (kernel / kernel.sum()).expand(size, -1))


def contrast(pixels: Tensor, factor: float, numbers: Tensor | None = None) -> Tensor:
    """m + factor (pixels - m), m the mean over the image's pixels and channels; factor 1 leaves it as it is."""
    means = pixels.mean((1, 2, 3), keepdim=True)
    return means + factor * (pixels - means)


def brightness(pixels: Tensor, added: float, numbers: Tensor | None = None) -> Tensor:
    """pixels + added, all channels alike."""
    return pixels + added


DISTURBANCES: dict[str, Disturbance] = {
    "noise": gaussian_noise,
    "blur": gaussian_blur,
    "contrast": contrast,
    "brightness": brightness,
}


@without_autocast()
def disturbed(data: ImageSet, index: slice, kind: str, strength: float) -> Tensor:
    """Images at `index` as a network sees them, [B, C, H, W], disturbed by a key of DISTURBANCES in PIXELS.

    Raises ValueError for another kind.
    """
    if kind not in DISTURBANCES:
        raise ValueError(f"disturbance {kind!r}: expected one of {', '.join(DISTURBANCES)}")
    pixels = data.images[index].to(PIXELS) / 255
    numbers = torch.arange(len(data))[index]
    return data.normalise(255 * DISTURBANCES[kind](pixels, strength, numbers).clamp(0, 1))


class AccuracyMeter:
    """Accuracies of one network on all images of a set; weights, buffers and modes are left as they were.

    Batch norm keeps its running statistics and is folded into the convolutions, in the execution's precision.
    Where a loss is not a number the accuracy is NaN: nothing was classified.
    """

    def __init__(self, network: nn.Module, data: ImageSet, execution: Execution, batch_size: int = 500):
        self.network = execution.place(network)
        self.twin, self.execution = FoldedTwin(self.network), execution
        self.data, self.batch_size = data.for_network(network), batch_size

    def clean(self) -> float:
        """On the images as they are."""
        return self._accuracy(self.network, lambda index: self.data.batch(index)[0])

    def on_disturbed(self, kind: str, strength: float) -> float:
        """On images disturbed as `disturbed` says."""
        return self._accuracy(self.network, lambda index: disturbed(self.data, index, kind, strength))

    def along(self, direction: Direction, distance: float) -> float:
        """At weights w + distance d, on the images as they are."""
        with displaced(self.network, [direction], [distance]):
            return self._accuracy(self.network, lambda index: self.data.batch(index)[0])

    def _accuracy(self, network: nn.Module, images: Callable[[slice], Tensor]) -> float:
        self.twin.load(network)
        total = Tally(len(self.data))
        for start in range(0, len(self.data), self.batch_size):
            index = slice(start, start + self.batch_size)
            batch = images(index)
            with self.execution.autocast():
                total += tally_batch(self.twin, batch, self.data.labels[index], len(self.data))
        return nan if isnan(total.loss) else total.accuracy
