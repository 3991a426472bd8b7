"""Points per second on a plane of the loss, beside public ways to measure one, on the same machine in the same run.

    PYTHONPATH=src python benchmarks/surface_speed.py [NETWORK ...]      (default: resnet20 resnet56)

- flatness: exact mode, all images at every point; batch norm folded, bfloat16 where the machine has it
- float32 loop: the usual one: weights set, batches of 128 in contiguous float32 (as in tomgoldstein/loss-landscape)
- loss-landscapes: `random_plane` of the package of that name, if it is installed (`pip install loss-landscapes`),
  which takes one batch and so keeps to a number of images that fits in memory

All evaluate the same number of random images of CIFAR-10's shape, without gradients. "left behind" is the largest change
of a weight that a run leaves in the network it measured, and "difference" that of the loss from the float32 loop's.
Rounds alternate and the median is printed, so that a busy machine treats all alike. What adaptive sampling saves
comes on top and depends on the data.
"""

import copy
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from training_speed import random_images

from flatness.data import ImageSet
from flatness.directions import Direction, random_direction
from flatness.execution import choose_execution
from flatness.grids import axis, grid_points
from flatness.networks import build_network
from flatness.sampling import LossSampler, Sampling, loss_at_points

try:
    import loss_landscapes
    from loss_landscapes.metrics import Loss
except ImportError:
    loss_landscapes = None

IMAGES, POINTS, ROUNDS = 2000, 3, 3
LOOP_BATCH = 128
Plane = Callable[[nn.Module, ImageSet, list[Direction]], np.ndarray]  # losses [POINTS * POINTS]


def ours(network: nn.Module, data: ImageSet, directions: list[Direction]) -> np.ndarray:
    sampler = LossSampler(network, {"all": data}, choose_execution(), Sampling(batch_size=500))
    return loss_at_points(sampler, directions, plane())[:, 0, 0]


@torch.no_grad()
def float32_loop(network: nn.Module, data: ImageSet, directions: list[Direction]) -> np.ndarray:
    images, labels = contiguous(data)
    start = {name: weight.clone() for name, weight in network.named_parameters()}
    losses = []
    for coefficients in plane():
        for name, weight in network.named_parameters():
            steps = zip(coefficients.tolist(), directions, strict=True)
            weight.copy_(start[name] + sum(coefficient * direction[name] for coefficient, direction in steps))
        batches = zip(images.split(LOOP_BATCH), labels.split(LOOP_BATCH), strict=True)
        sums = [functional.cross_entropy(network(x), y, reduction="sum").item() for x, y in batches]
        losses.append(sum(sums) / len(labels))
    for name, weight in network.named_parameters():
        weight.copy_(start[name])
    return np.array(losses)


@torch.no_grad()
def loss_landscapes_plane(network: nn.Module, data: ImageSet, directions: list[Direction]) -> np.ndarray:
    """It draws its own directions, so its losses are those of another plane."""
    metric = Loss(functional.cross_entropy, *contiguous(data))
    loss_landscapes.random_plane(network, metric, distance=1, steps=POINTS, normalization="filter")
    return np.full(POINTS**2, np.nan)


def plane() -> np.ndarray:
    return grid_points(axis(1.0, POINTS), axis(1.0, POINTS))


def contiguous(data: ImageSet) -> tuple[torch.Tensor, torch.Tensor]:
    images, labels = data.batch(slice(None))
    return images.contiguous(), labels


def compare(name: str, ways: dict[str, Plane], data: ImageSet) -> None:
    network = build_network(name, 0).eval()
    calibrate(network, data)
    directions = [random_direction(dict(network.named_parameters()), seed) for seed in (1, 2)]
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    losses: dict[str, np.ndarray] = {}
    left_behind: dict[str, float] = {}
    for round_number in range(ROUNDS + 1):  # the first warms up
        for way, measure in ways.items():
            measured = copy.deepcopy(network)
            start = perf_counter()
            losses[way] = measure(measured, data, directions)
            seconds[way].append(perf_counter() - start)
            pairs = zip(measured.parameters(), network.parameters(), strict=True)
            left_behind[way] = max(float((after - before).abs().max()) for after, before in pairs)
    expected = losses["float32 loop"]
    for way in ways:
        speed = POINTS**2 / median(seconds[way][1:])
        difference = np.max(np.abs(losses[way] - expected) / expected)
        print(
            f"{name:10}{way:18}{speed:9.2f}{speed * len(data):11.0f}{difference:12.1e}{left_behind[way]:14.1e}"
        )


@torch.no_grad()
def calibrate(network: nn.Module, data: ImageSet) -> None:
    """Batch-norm statistics of the data, as a trained network has them."""
    network.train()
    for start in range(0, len(data), LOOP_BATCH):
        network(data.batch(slice(start, start + LOOP_BATCH))[0])
    network.eval()


def main() -> None:
    execution = choose_execution()
    precision = str(execution.precision).removeprefix("torch.")
    print(
        f"{execution.device_name}, {torch.get_num_threads()} threads, {precision}, torch {torch.__version__}, {IMAGES} images"
    )
    print(f"{'network':10}{'way':18}{'points/s':>9}{'images/s':>11}{'difference':>12}{'left behind':>14}")
    ways: dict[str, Plane] = {"flatness": ours, "float32 loop": float32_loop}
    if loss_landscapes is None:
        print("loss-landscapes is not installed: left out", file=sys.stderr)
    else:
        ways["loss-landscapes"] = loss_landscapes_plane
    data = random_images(IMAGES)
    for name in sys.argv[1:] or ["resnet20", "resnet56"]:
        compare(name, ways, data)


if __name__ == "__main__":
    main()
