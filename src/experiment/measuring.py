"""What the measuring stages share: points measured under a progress bar, each kept as soon as it is known."""

import sys
from collections.abc import Sequence

import numpy as np
import torch
from tqdm import tqdm

from experiment.progress import PointLog
from flatness.data import ImageSet
from flatness.directions import Direction
from flatness.sampling import LossSampler, Rows, loss_at_points, shuffled

# Of draws of images; all differ, and from the order in which points are sampled.
CALIBRATION_SEED = 1  # those that give batch norm its statistics
IMAGES_SEED = 2  # those that are measured


def measure_points(
    sampler: LossSampler, directions: Sequence[Direction], points: np.ndarray, log: PointLog, title: str
) -> np.ndarray:
    """`loss_at_points` that goes on from the log and adds to it: points [P, k] -> values [P, S, 4]."""
    if log.done:
        print(f"{title}: resuming after {len(log.done)} of {len(points)} points", file=sys.stderr)
    with tqdm(total=len(points), initial=len(log.done), desc=title, unit="point") as bar:

        def keep(index: int, rows: Rows) -> None:
            log.append(index, rows)
            bar.update()

        return loss_at_points(sampler, directions, points, log.done, keep)


def calibration_images(train_set: ImageSet, count: int) -> ImageSet:
    """The images that give batch norm its statistics: `count` of them, or all, the same for every network."""
    return _drawn(train_set, count, CALIBRATION_SEED)


def measured_images(images: ImageSet, count: int) -> ImageSet:
    """The images that evidence is measured on: `count` of them, or all, the same for every network."""
    return _drawn(images, count, IMAGES_SEED)


def _drawn(images: ImageSet, count: int, seed: int) -> ImageSet:
    """`count` images drawn at random, all of them where there are fewer."""
    return shuffled(images, seed).take(torch.arange(min(count, len(images))))
