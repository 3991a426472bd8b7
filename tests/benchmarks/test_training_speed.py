"""What the training benchmark counts, against the layers counted by hand."""

import sys

import pytest
from pipeline_files import ROOT

sys.path.append(str(ROOT / "benchmarks"))

import training_speed

from flatness.names import parse_name


def multiplications(depth: int) -> tuple[int, int]:
    """Of one image's forward pass through He's CIFAR network at 32 x 32: of the first convolution, of all layers."""
    blocks = (depth - 2) // 6
    first = 32 * 32 * 16 * 3 * 9
    total, channels = first, 16
    for stage, width in enumerate((16, 32, 64)):
        pixels = (32 >> stage) ** 2
        for _ in range(2 * blocks):
            total += pixels * width * channels * 9
            channels = width
    return first, total + 64 * 10


@pytest.mark.parametrize("network", ["plain8", "resnet14"])
def test_a_step_takes_three_forward_passes_but_for_the_gradient_of_the_images(network):
    first, all_layers = multiplications(parse_name(network).depth)
    counted = training_speed.operations_per_image(network, training_speed.random_images(128))
    assert counted == pytest.approx(2 * (3 * all_layers - first), rel=1e-3)


def test_both_loops_train():
    data = training_speed.random_images(256)
    speeds = [
        training_speed.images_per_second(steps("plain8", data), seconds=0)
        for steps in (training_speed.our_steps, training_speed.plain_steps)
    ]
    assert all(speed > 0 for speed in speeds)
