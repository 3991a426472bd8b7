"""Closed forms of the disturbances, SciPy's blur beside ours, accuracies of a network whose answers are
known.
"""

from math import isnan, nan

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn
from toys import assert_same_state, disturb_batch_norm, random_images, state_copy

from flatness.data import image_set
from flatness.directions import random_direction
from flatness.evaluation import evaluate
from flatness.execution import Execution
from flatness.networks import build_network
from flatness.robustness import (
    DISTURBANCES,
    AccuracyMeter,
    blur_matrix,
    brightness,
    contrast,
    disturbed,
    gaussian_blur,
    gaussian_noise,
)

FLOAT32 = Execution(torch.device("cpu"), torch.float32)
DATA = random_images(20)
EVERY = slice(None)
NEUTRAL = {
    "noise": 0.0,
    "blur": 0.05,
    "contrast": 1.0,
    "brightness": 0.0,
}  # a kernel that ends within its pixel


def pixels(count=3, height=9, width=7):
    return torch.rand(count, height, width, 3, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", DISTURBANCES)
def test_at_zero_strength_images_are_as_they_were(kind):
    torch.testing.assert_close(disturbed(DATA, EVERY, kind, NEUTRAL[kind]), DATA.batch(EVERY)[0])


@pytest.mark.parametrize("sigma", [0.4, 1.0, 2.5, 8.0])
def test_blur_is_that_of_scipy_with_mirrored_edges(sigma):
    image = pixels().double()
    expected = gaussian_filter(image.numpy(), (0, sigma, sigma, 0), mode="reflect", truncate=4.0)
    rounded = 4 * sigma == round(4 * sigma)  # SciPy rounds the reach where ours rounds it up
    np.testing.assert_allclose(gaussian_blur(image, sigma).numpy(), expected, atol=1e-12 if rounded else 1e-4)


@pytest.mark.parametrize("sigma", [0.5, 1.5, 6.0])
def test_blur_keeps_constants_and_sums_and_lowers_the_variance(sigma):
    image = pixels().double()
    constant = torch.full_like(image, 0.3)
    torch.testing.assert_close(gaussian_blur(constant, sigma), constant)
    torch.testing.assert_close(gaussian_blur(image, sigma).sum((1, 2)), image.sum((1, 2)))
    assert (gaussian_blur(image, sigma).var((1, 2)) < image.var((1, 2))).all()
    matrix = blur_matrix(7, sigma)
    torch.testing.assert_close(matrix, matrix.T)


def test_a_blurred_point_has_the_declared_width():
    sigma, size = 2.0, 41
    line = blur_matrix(size, sigma)[size // 2]
    places = torch.arange(size) - size // 2
    assert float((line * places**2).sum()) == pytest.approx(sigma**2, rel=0.005)  # cut at four sigma


def test_contrast_keeps_means_and_scales_deviations():
    image = pixels()
    for factor in (0.25, 0.5):
        changed = contrast(image, factor)
        torch.testing.assert_close(changed.mean((1, 2, 3)), image.mean((1, 2, 3)))
        torch.testing.assert_close(changed.std((1, 2, 3)), factor * image.std((1, 2, 3)))
    torch.testing.assert_close(contrast(image, 0.0), image.mean((1, 2, 3), keepdim=True).expand_as(image))


def test_brightness_is_added_to_every_channel():
    torch.testing.assert_close(brightness(pixels(), 0.2) - pixels(), torch.full((3, 9, 7, 3), 0.2))


def test_noise_has_the_declared_deviation_before_clamping():
    image = torch.full((40, 16, 16, 3), 0.5)
    added = gaussian_noise(image, 0.2, torch.arange(40)) - image
    assert float(added.std()) == pytest.approx(0.2, rel=0.01)
    assert abs(float(added.mean())) < 4 * 0.2 / added.numel() ** 0.5


def test_noise_belongs_to_the_image_and_scales_with_its_strength():
    image = torch.full((5, 8, 8, 3), 0.5)
    whole = gaussian_noise(image, 0.1, torch.arange(5)) - image
    assert torch.equal(gaussian_noise(image[3:], 0.1, torch.tensor([3, 4])) - image[3:], whole[3:])
    torch.testing.assert_close(gaussian_noise(image, 0.3, torch.arange(5)) - image, 3 * whole)
    correlations = torch.corrcoef(whole.flatten(1)) - torch.eye(5)
    assert correlations.abs().max() < 0.35


@pytest.mark.parametrize("kind, strength", [("noise", 2.0), ("brightness", 0.9), ("brightness", -0.9)])
def test_disturbed_pixels_stay_within_their_range(kind, strength):
    found = disturbed(DATA, EVERY, kind, strength)
    shown = found * DATA.std[:, None, None] + DATA.mean[:, None, None]
    assert shown.min() >= -1e-6 and shown.max() <= 1 + 1e-6
    assert (shown > 1 - 1e-6).any() or (shown < 1e-6).any()


def test_weak_disturbances_are_not_rounded_away():
    assert not torch.equal(disturbed(DATA, EVERY, "brightness", 1e-3), DATA.batch(EVERY)[0])


@pytest.mark.parametrize("kind", DISTURBANCES)
def test_images_are_disturbed_in_float32_in_a_callers_autocast_too(kind):
    expected = disturbed(DATA, EVERY, kind, 0.3)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(disturbed(DATA, EVERY, kind, 0.3), expected)


def test_a_network_of_less_precision_sees_the_same_images():
    data, seen = random_images(20, classes=2), []
    meter = AccuracyMeter(Bright(), data, Execution(torch.device("cpu"), torch.bfloat16), batch_size=12)
    meter.twin.twin.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    meter.on_disturbed("blur", 1.0)
    assert torch.equal(torch.cat(seen), disturbed(data, EVERY, "blur", 1.0))


@pytest.mark.parametrize("sigma", [0.0, -1.0, nan])
def test_a_blur_without_width_is_refused(sigma):
    with pytest.raises(ValueError, match="expected a blur of positive sigma, found"):
        gaussian_blur(pixels(), sigma)


def test_an_unknown_disturbance_is_refused():
    with pytest.raises(ValueError, match="noise, blur, contrast, brightness"):
        disturbed(DATA, EVERY, "fog", 0.1)


class Bright(nn.Module):
    """Class 1 where the image's mean is above a half, by a weight of 1; class 0 otherwise."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, 1))

    def forward(self, images):
        z = images.mean((1, 2, 3)) * self.weight.sum()
        return torch.stack([-z, z], dim=1)


@pytest.fixture
def meter():
    """Four grey images of levels 51, 102, 153, 204; the two above a half are of class 1."""
    levels = torch.tensor([51, 102, 153, 204], dtype=torch.uint8)
    images = levels[:, None, None, None].expand(4, 3, 4, 4)
    data = image_set(images, torch.tensor([0, 0, 1, 1]), torch.full((3,), 0.5), torch.full((3,), 0.25))
    return AccuracyMeter(Bright(), data, FLOAT32, batch_size=3)


def test_accuracies_that_can_be_told_beforehand(meter):
    assert meter.clean() == meter.on_disturbed("blur", 1.0) == meter.on_disturbed("contrast", 0.3) == 1.0
    assert [meter.on_disturbed("brightness", added) for added in (0.05, 0.2, 0.4)] == [1.0, 0.75, 0.5]
    direction = {"weight": torch.ones(1, 1)}
    assert meter.along(direction, 0.5) == 1.0 and meter.along(direction, -2.0) == 0.0
    assert meter.clean() == 1.0


def test_a_network_of_no_numbers_has_no_accuracy(meter):
    assert isnan(meter.along({"weight": torch.full((1, 1), nan)}, 1.0))
    assert meter.clean() == 1.0


def test_a_real_network_is_evaluated_as_elsewhere_and_restored():
    network = disturb_batch_norm(build_network("resnet8", 0)).eval()
    before, meter = state_copy(network), AccuracyMeter(network, DATA, FLOAT32, batch_size=7)
    assert meter.clean() == evaluate(network, DATA).accuracy == meter.on_disturbed("contrast", 1.0)
    assert meter.along(random_direction(dict(network.named_parameters()), 1), 0.5) >= 0
    assert_same_state(network, before)
