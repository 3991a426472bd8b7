"""What the measuring stages share: points measured under a progress bar, each kept as soon as it is known."""

from collections.abc import Sequence

import numpy as np
import torch
from tqdm import tqdm

from experiment.progress import PointLog
from flatness.data import ImageSet
from flatness.directions import Direction
from flatness.surface import LossSampler, Rows, loss_at_points


def measure_points(
    sampler: LossSampler, directions: Sequence[Direction], points: np.ndarray, log: PointLog, title: str
) -> np.ndarray:
    """`loss_at_points` that goes on from the log and adds to it: points [P, k] -> values [P, S, 4]."""
    with tqdm(total=len(points), initial=len(log.done), desc=title, unit="point") as bar:

        def keep(index: int, rows: Rows) -> None:
            log.append(index, rows)
            bar.update()

        return loss_at_points(sampler, directions, points, log.done, keep)


def first(data: ImageSet, count: int) -> ImageSet:
    """The leading images of a set, all of them where it has fewer."""
    return data.take(torch.arange(min(count, len(data))))
