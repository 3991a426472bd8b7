"""Labelled images held in memory on one device, batched and augmented there by indexing alone."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class ImageSet:
    """N labelled images. Batches come out normalised, as [B, C, H, W] in channels-last memory."""

    images: Tensor  # uint8 [N, H, W, C]
    labels: Tensor  # int64 [N]
    mean: Tensor  # [C], of pixels in [0, 1], in the type that batches have
    std: Tensor  # [C]

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device, dtype: torch.dtype | None = None) -> "ImageSet":
        """The set on a device, whose batches have the type `dtype`, or the one they had."""
        numbers = (statistic.to(device, dtype) for statistic in (self.mean, self.std))
        return ImageSet(self.images.to(device), self.labels.to(device), *numbers)

    def for_network(self, network: nn.Module) -> "ImageSet":
        """The set on the device and in the type of a network's parameters."""
        parameter = next(network.parameters())
        return self.to(parameter.device, parameter.dtype)

    def take(self, index: Tensor) -> "ImageSet":
        """The images at `index` [k], in that order."""
        return replace(self, images=self.images[index], labels=self.labels[index])

    def batch(self, index: Tensor | slice) -> tuple[Tensor, Tensor]:
        """Normalised images [B, C, H, W] and their labels [B]."""
        return self.normalise(self.images[index]), self.labels[index]

    def normalise(self, pixels: Tensor) -> Tensor:
        """(pixel / 255 - mean) / std; [B, H, W, C] -> [B, C, H, W], channels last."""
        scale = 1 / (255 * self.std)
        return torch.addcmul(-self.mean / self.std, pixels.to(scale), scale).permute(0, 3, 1, 2)


def image_set(images: Tensor, labels: Tensor, mean: Tensor, std: Tensor) -> ImageSet:
    """An ImageSet from images uint8 [N, C, H, W], labels [N], and the normalisation's mean and std [C].

    A constant channel, whose std is 0, is centred alone. ValueError where the shapes do not fit, and for a
    std that is negative or not finite.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or len(images) != len(labels):
        raise ValueError(
            f"expected images uint8 [N, C, H, W] with N labels, found {images.dtype} {list(images.shape)} "
            f"and {len(labels)} labels"
        )
    if any(list(statistic.shape) != [images.shape[1]] for statistic in (mean, std)):
        raise ValueError(
            f"expected mean and std of {images.shape[1]} channels, those of images [N, C, H, W] of shape {list(images.shape)}; "
            f"found {list(mean.shape)} and {list(std.shape)}"
        )
    if not bool(((std >= 0) & std.isfinite()).all()):
        raise ValueError(
            f"expected a std of 0 or more in every channel, found {std.tolist()}; take it of pixels in [0, 1]"
        )
    return ImageSet(
        images.permute(0, 2, 3, 1).contiguous(), labels.long(), mean.float(), std.float().where(std > 0, 1)
    )


class Augmentation:
    """Random crops of zero-padded images and random left-right flips, drawn for each image on its own.

    One gather per batch does both: row and column indices into the padded images (He et al. 2016,
    section 4.2: 4 pixels on each side of 32 x 32).
    """

    def __init__(self, data: ImageSet, padding: int, flip: bool):
        self.data, self.flip = data, flip
        self.padded = functional.pad(data.images, (0, 0, padding, padding, padding, padding))
        self.offsets = 2 * padding + 1
        height, width = data.images.shape[1:3]
        self.rows = torch.arange(height, device=data.images.device)
        self.columns = torch.arange(width, device=data.images.device)

    def batch(self, index: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Augmented, normalised images [B, C, H, W] of `index` [B], and their labels; `generator` on the device."""
        count, device = len(index), index.device
        shift = torch.randint(self.offsets, (2, count, 1), generator=generator, device=device)
        rows, columns = self.rows + shift[0], self.columns + shift[1]  # [B, H], [B, W]
        if self.flip:
            flipped = torch.rand((count, 1), generator=generator, device=device) < 0.5
            columns = torch.where(flipped, columns.flip(1), columns)
        pixels = self.padded[index[:, None, None], rows[:, :, None], columns[:, None, :]]  # [B, H, W, C]
        return self.data.normalise(pixels), self.data.labels[index]
