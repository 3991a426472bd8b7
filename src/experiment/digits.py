"""Scikit-learn's handwritten digits as images of CIFAR's shape."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor
from torch.nn import functional

from experiment.labelled_images import LabelledImages

SPLIT_SEED = 0  # of the split into training and test set
TEST_SHARE = 0.2


def read_digits() -> LabelledImages:
    """Scikit-learn's 1,797 handwritten digits, which come inside the package, as images of CIFAR's shape.

    8 x 8 values v in 0..16 become round(255 v / 16), each pixel a square of 3 x 3, in a black border of 4:
    32 x 32, three equal channels. Enlarged, because the networks halve the image twice, and 8 x 8 pixels in
    a wide border would shrink to 2 x 2; the border lets random crops of 4 pixels lose nothing. The split
    into 1,437 training and 360 test images is stratified by class, from the seed SPLIT_SEED.
    """
    digits = load_digits()
    values = torch.from_numpy(digits.images).long()  # [N, 8, 8]
    pixels = ((values * 255 + 8) // 16).to(torch.uint8)
    enlarged = pixels.repeat_interleave(3, 1).repeat_interleave(3, 2)  # [N, 24, 24]
    images = functional.pad(enlarged, (4, 4, 4, 4))[:, None].repeat(1, 3, 1, 1)  # [N, 3, 32, 32]
    labels = torch.from_numpy(digits.target).long()
    train, test = _split(labels)
    return LabelledImages(
        [str(name) for name in digits.target_names],
        *(images[train], labels[train], images[test], labels[test]),
        source="sklearn.datasets.load_digits",
        verified=False,
    )


def _split(labels: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Indices of training and test images."""
    return train_test_split(
        np.arange(len(labels)), test_size=TEST_SHARE, random_state=SPLIT_SEED, stratify=labels.numpy()
    )
