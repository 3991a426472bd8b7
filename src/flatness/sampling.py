"""The loss at weights w + sum_k c_k d_k, exactly or to a declared error.

Every point is computed from a saved copy of the weights; nothing steps in place (Li et al. 2018 for the
method). The fast path folds batch norm into the convolutions at each point and computes in the execution's
precision; `precision_difference` compares it with plain float32.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan, nan

import numpy as np
import torch
from torch import nn

from flatness.data import ImageSet
from flatness.directions import Direction, displaced, evaluation_mode
from flatness.evaluation import Forward, Tally, tally_batch
from flatness.execution import Execution
from flatness.folding import FoldedTwin
from flatness.statistics import recompute_batch_norm

QUANTITIES = ("loss", "accuracy", "standard_error", "samples")
Rows = list[list[float]]  # of one point: for each image set the four QUANTITIES


@dataclass(frozen=True)
class Sampling:
    """How many samples a point takes: batches until standard error / loss <= `relative_error`, or all of them.

    `relative_error` None is the exact mode, on all images or on the leading `most_samples`. Batches come in
    one order drawn from `order_seed` and shared by all points, so that neighbouring points see the same
    samples and their differences are better known than either value. Raises ValueError for `most_samples`
    below 1.
    """

    batch_size: int = 500
    relative_error: float | None = None
    most_samples: int | None = None
    order_seed: int = 0

    def __post_init__(self):
        if self.most_samples is not None and self.most_samples < 1:
            raise ValueError(
                f"expected most_samples of at least 1, found {self.most_samples}; None takes all images"
            )


class LossSampler:
    """Measures a network's loss on image sets at displaced weights.

    `calibration` images, if given, have the batch-norm statistics recomputed from them at every point;
    without, the network keeps the running statistics of its training. `fold` False evaluates the network as
    it is. Either way it is evaluated in evaluation mode, whatever its own.
    """

    def __init__(
        self,
        network: nn.Module,
        sets: Mapping[str, ImageSet],
        execution: Execution,
        sampling: Sampling | None = None,
        calibration: ImageSet | None = None,
        fold: bool = True,
    ):
        self.network = execution.place(network)
        self.execution = execution
        self.sampling = sampling or Sampling()
        self.sets = {
            name: shuffled(data, self.sampling.order_seed).for_network(network) for name, data in sets.items()
        }
        self.calibration = calibration.for_network(network) if calibration is not None else None
        self.twin = FoldedTwin(self.network) if fold else None

    def at(self, directions: Sequence[Direction], coefficients: Sequence[float]) -> dict[str, Tally]:
        """Tallies by image set at w + sum_k c_k d_k; the network is left as it was, as `unchanged` says."""
        with displaced(self.network, directions, coefficients), evaluation_mode(self.network):
            if self.calibration is not None:
                recompute_batch_norm(
                    self.network, self.calibration, self.sampling.batch_size, self.execution.autocast()
                )
            forward: Forward = self.network
            if self.twin is not None:
                self.twin.load(self.network)
                forward = self.twin
            with self.execution.autocast():
                return {name: sample_loss(forward, data, self.sampling) for name, data in self.sets.items()}


def shuffled(data: ImageSet, seed: int) -> ImageSet:
    """The images in the random order of `seed`."""
    return data.take(
        torch.randperm(len(data), generator=torch.Generator().manual_seed(seed)).to(data.labels.device)
    )


def sample_loss(forward: Forward, data: ImageSet, sampling: Sampling) -> Tally:
    """Tally of the leading batches of `data`, as many as `sampling` asks for; one where the loss is not finite."""
    total = Tally(len(data))
    end = min(len(data), sampling.most_samples or len(data))
    for start in range(0, end, sampling.batch_size):
        images, labels = data.batch(slice(start, min(start + sampling.batch_size, end)))
        total += tally_batch(forward, images, labels, len(data))
        if not isfinite(total.loss) or _known_well_enough(total, sampling.relative_error):
            break
    return total


def loss_at_points(
    sampler: LossSampler,
    directions: Sequence[Direction],
    points: np.ndarray,
    done: Mapping[int, Rows] | None = None,
    on_point: Callable[[int, Rows], None] | None = None,
) -> np.ndarray:
    """Measure the loss at `points` [P, k], coefficients along k directions: [P, S, 4] for S sets, QUANTITIES last.

    Where the loss is NaN the accuracy is as well: nothing was classified. `done` holds points measured
    before, by index, which are not measured again; `on_point` is told of each new one. So a grid that was
    stopped goes on where it stopped.
    """
    rows = dict(done or {})
    device = sampler.execution.device
    directions = [{name: step.to(device) for name, step in direction.items()} for direction in directions]
    for index, coefficients in enumerate(points):
        if index not in rows:
            tallies = sampler.at(directions, coefficients.tolist())
            rows[index] = [_quantities(tally) for tally in tallies.values()]
            if on_point is not None:
                on_point(index, rows[index])
    return np.array([rows[index] for index in range(len(points))])


def _quantities(tally: Tally) -> list[float]:
    """The QUANTITIES of one point and image set."""
    accuracy = nan if isnan(tally.loss) else tally.accuracy
    return [tally.loss, accuracy, tally.standard_error, float(tally.samples)]


def unmeasured(points: int, sets: int) -> np.ndarray:
    """The values [P, S, 4] of points that could not be measured: NaN from no samples."""
    values = np.full((points, sets, len(QUANTITIES)), np.nan)
    values[..., QUANTITIES.index("samples")] = 0
    return values


def precision_difference(
    network: nn.Module,
    data: ImageSet,
    directions: Sequence[Direction],
    points: np.ndarray,
    execution: Execution,
    samples: int = 1000,
    calibration: ImageSet | None = None,
) -> float:
    """Largest |fast - plain| / plain of the loss over `points` [P, k], both on the same random `samples` images.

    fast: folded, in the execution's precision; plain: unfolded float32. Both recompute batch-norm statistics from
    `calibration`, if given. NaN where a plain loss is not finite.
    """
    sets = {"check": shuffled(data, 0).take(torch.arange(min(samples, len(data)), device=data.labels.device))}
    float32 = Execution(execution.device, torch.float32)
    plain = LossSampler(network, sets, float32, calibration=calibration, fold=False)
    fast = LossSampler(network, sets, execution, calibration=calibration)
    pairs = [
        [sampler.at(directions, coefficients.tolist())["check"].loss for sampler in (plain, fast)]
        for coefficients in points
    ]
    expected, found = np.array(pairs).T
    return float(np.max(np.abs(found - expected) / expected))


def _known_well_enough(total: Tally, relative_error: float | None) -> bool:
    return relative_error is not None and total.standard_error <= relative_error * total.loss
