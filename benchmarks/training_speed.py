"""Training speed in steady state, beside a plain DataLoader + float32 loop on the same machine in the same run.

    PYTHONPATH=src python benchmarks/training_speed.py [NETWORK ...]      (default: resnet20 resnet56)

Both train the same network with the same SGD, batch of 128, crops and flips on random images of CIFAR-10's
shape. The plain loop is what most CIFAR scripts do: PIL transforms in DataLoader workers, contiguous float32.
Rounds alternate between the two, and the median round is printed, so that a busy machine treats both alike. A round begins
when the plain loop's workers have stopped, with as many steps that are not timed as their queue holds.

The last columns say how much of the machine is used: the multiplications and additions of a step (convolutions and
products alone, as torch counts direct ones) a second, as a share of what one large matrix product reaches here in the same
number format, and the images a second at which that share would be the whole. Winograd's convolutions need up to 2.25 times
fewer products, so that a loop that has them may pass it.
"""

import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice, product
from statistics import median

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode
from torchvision import transforms

from experiment.machine import execution
from flatness.data import ImageSet, image_set
from flatness.execution import choose_execution
from flatness.networks import build_network
from flatness.training import Recipe, Trainer

BATCH = 128
WORKERS, QUEUED = 2, 2  # of the plain loop, and batches that each makes ahead
ROUNDS, SECONDS_PER_ROUND = 5, 6.0
QUIET = 1.0  # seconds before a round, in which the plain loop's workers fill their queue, and stop
RECIPE = Recipe(
    epochs=1,
    batch_size=BATCH,
    learning_rate=0.01,
    schedule="he2016",
    warmup_steps=0,
    momentum=0.9,
    nesterov=True,
    weight_decay=5e-4,
    crop_padding=4,
    flip=True,
)


class PlainImages(Dataset):
    """The images one by one, through torchvision's transforms."""

    def __init__(self, data: ImageSet):
        self.images, self.labels = data.images.numpy(), data.labels.tolist()
        self.transform = transforms.Compose(
            [
                transforms.ToPILImage(),
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(data.mean.tolist(), data.std.tolist()),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int):
        return self.transform(self.images[index]), self.labels[index]


def random_images(count: int = 10_000) -> ImageSet:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8, generator=generator)
    return image_set(
        images, torch.randint(0, 10, (count,), generator=generator), torch.full((3,), 0.5), torch.ones(3)
    )


def our_steps(network: str, data: ImageSet) -> Iterator[None]:
    """One training step per item."""
    trainer = Trainer(build_network(network, 0), data, data, RECIPE, 0, execution())
    generator = torch.Generator(trainer.execution.device).manual_seed(0)
    trainer.network.train()
    while True:
        for index in torch.randperm(len(data)).to(trainer.execution.device).split(BATCH)[:-1]:
            float(trainer.step(*trainer.augmentation.batch(index, generator), RECIPE.learning_rate)[0])
            yield


def plain_steps(network: str, data: ImageSet) -> Iterator[None]:
    """One training step of the usual loop per item."""
    device = execution().device
    model = build_network(network, 0).to(device).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
    loader = DataLoader(
        PlainImages(data), BATCH, shuffle=True, num_workers=WORKERS, prefetch_factor=QUEUED, drop_last=True
    )
    while True:
        for images, labels in loader:
            loss = nn.functional.cross_entropy(model(images.to(device)), labels.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()
            yield


def images_per_second(steps: Iterator[None], seconds: float = SECONDS_PER_ROUND) -> float:
    """Speed over one round of at least that long, of one step at least."""
    start, count = time.perf_counter(), 0
    while count == 0 or time.perf_counter() - start < seconds:
        next(steps)
        count += 1
    return count * BATCH / (time.perf_counter() - start)


def compare(network: str, loops: dict[str, Callable[[str, ImageSet], Iterator[None]]]) -> dict[str, float]:
    """Median speed of each loop, rounds alternating."""
    data = random_images()
    running = {name: loop(network, data) for name, loop in loops.items()}
    speeds: dict[str, list[float]] = {name: [] for name in running}
    for _, (name, steps) in product(range(ROUNDS), running.items()):
        time.sleep(QUIET)
        list(islice(steps, WORKERS * QUEUED))
        speeds[name].append(images_per_second(steps))
    return {name: median(found) for name, found in speeds.items()}


def operations_per_image(network: str, data: ImageSet) -> float:
    """Floating-point operations of one training step for one image, in float32, where torch counts every layer."""
    machine = choose_execution(precision="float32", kernels="torch")
    trainer = Trainer(build_network(network, 0), data, data, RECIPE, 0, machine)
    trainer.network.train()
    generator = torch.Generator(machine.device).manual_seed(0)
    images, labels = trainer.augmentation.batch(torch.arange(BATCH, device=machine.device), generator)
    with FlopCounterMode(display=False) as counter:
        trainer.step(images, labels, RECIPE.learning_rate)
    return counter.get_total_flops() / BATCH


def matrix_product_speed(size: int = 2048, repetitions: int = 10) -> float:
    """Floating-point operations a second of a product of two square matrices in the machine's number format."""
    machine = execution()
    a = torch.randn(size, size, device=machine.device, dtype=machine.precision)
    for repetition in range(repetitions + 3):
        if repetition == 3:
            float(a[0, 0])
            start = time.perf_counter()
        square = a @ a
    float(square[0, 0])  # waits for an accelerator
    return repetitions * 2 * size**3 / (time.perf_counter() - start)


def main() -> None:
    machine = execution()  # as the stages train: freed memory is kept, for both loops
    precision = str(machine.precision).removeprefix("torch.")
    print(
        f"{machine.device_name}, {torch.get_num_threads()} threads, {precision}, {machine.kernels} kernels, "
        f"{machine.convolutions} convolutions, "
        f"torch {torch.__version__}"
    )
    peak = matrix_product_speed()
    print(f"one matrix product: {peak / 1e9:.0f} GFLOP/s")
    print(
        f"{'network':12}{'flatness':>10}{'plain loop':>12}{'ratio':>7}{'at 100 %':>10}{'used':>7}"
        f"   images/s, median of {ROUNDS} rounds"
    )
    for network in sys.argv[1:] or ["resnet20", "resnet56"]:
        speeds = compare(network, {"ours": our_steps, "plain": plain_steps})
        whole = peak / operations_per_image(network, random_images(BATCH))
        print(
            f"{network:12}{speeds['ours']:10.0f}{speeds['plain']:12.0f}{speeds['ours'] / speeds['plain']:7.2f}"
            f"{whole:10.0f}{100 * speeds['ours'] / whole:6.0f}%"
        )


if __name__ == "__main__":
    main()
