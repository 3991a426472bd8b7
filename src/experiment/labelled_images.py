"""A data set as tensors: its classes, its counts, and the numbers that identify and normalise it."""

import hashlib
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor


@dataclass(frozen=True)
class LabelledImages:
    """Training and test images of the same classes; label k is `classes[k]`."""

    classes: list[str]
    train_images: Tensor  # uint8 [N, 3, H, W]
    train_labels: Tensor  # int64 [N]
    test_images: Tensor  # uint8 [M, 3, H, W]
    test_labels: Tensor  # int64 [M]
    source: str  # who publishes them, whichever way they came
    verified: bool  # whether they were checked against published checksums

    def __post_init__(self) -> None:
        """ValueError unless every class has images in both sets and every label a class."""
        for name, labels in (("training", self.train_labels), ("test", self.test_labels)):
            found = set(labels.unique().tolist())
            missing = [name for label, name in enumerate(self.classes) if label not in found]
            unknown = sorted(found - set(range(len(self.classes))))
            if missing or unknown:
                raise ValueError(
                    f"{name} set: expected images of each of {len(self.classes)} classes and of no other, "
                    f"found none of {missing} and unknown labels {unknown}; complete it or drop the class"
                )

    def tensors(self) -> dict[str, Tensor]:
        """The tensors by name, with `mean` and `std` [3] of the training set."""
        mean, std = channel_statistics(self.train_images)
        return {
            "train_images": self.train_images,
            "train_labels": self.train_labels,
            "test_images": self.test_images,
            "test_labels": self.test_labels,
            "mean": mean,
            "std": std,
        }

    def fingerprint(self) -> str:
        """SHA-256 over the bytes of training images, their labels, test images, their labels; hexadecimal."""
        digest = hashlib.sha256()
        for tensor in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            digest.update(tensor.contiguous().numpy().data)
        return digest.hexdigest()


def channel_statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and population standard deviation per channel of pixels in [0, 1].

    uint8 [N, C, H, W] -> float32 [C] and [C]. From counts n_v of each value v, in whole numbers: with
    n = sum n_v, s = sum v n_v and q = sum v^2 n_v, mean = s / (255 n) and variance = (n q - s^2) / (255 n)^2,
    so that no order of summation shows.
    """
    counts = [torch.bincount(channel.flatten(), minlength=256).tolist() for channel in images.unbind(1)]
    moments = [_moments(channel) for channel in counts]
    return torch.tensor([mean for mean, _ in moments]), torch.tensor([std for _, std in moments])


def _moments(counts: list[int]) -> tuple[float, float]:
    n, s, q = (sum(value**power * count for value, count in enumerate(counts)) for power in (0, 1, 2))
    return float(Fraction(s, 255 * n)), float(Fraction(n * q - s * s, (255 * n) ** 2)) ** 0.5
