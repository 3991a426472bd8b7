"""The study's images, as `fetch_data` left them."""

from pathlib import Path

import torch

from experiment.storage import IMAGES
from experiment.tensors import read_tensors
from flatness.data import ImageSet, image_set


def load_images(path: Path = IMAGES) -> tuple[ImageSet, ImageSet]:
    """Training and test set, normalised by the training set's mean and standard deviation per channel."""
    tensors = read_tensors(path)
    mean, std = tensors["mean"], tensors["std"]
    train = image_set(tensors["train_images"], tensors["train_labels"], mean, std)
    return train, image_set(tensors["test_images"], tensors["test_labels"], mean, std)


def number_of_classes(train: ImageSet) -> int:
    return int(torch.max(train.labels)) + 1
