"""Plain SGD against torch's clipping, the bound that clipping puts on a step, and trainings that break."""

from math import inf, log, log1p

import pytest
import torch
from torch.nn import functional
from toys import TwoLogits, random_images

from flatness.clipping import train_shortly
from flatness.networks import build_network

DATA = random_images(40)
LARGEST = 0.1


def weights(network):
    return torch.cat([parameter.detach().reshape(-1) for parameter in network.parameters()])


def reference(network, batches, rate, largest):
    """Losses and norms of w <- w - rate g after clip_grad_norm_."""
    losses, norms = [], []
    for images, labels in batches:
        network.train().zero_grad()
        loss = functional.cross_entropy(network(images), labels)
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(network.parameters(), largest)))
        losses.append(float(loss.detach()))
        with torch.no_grad():
            for parameter in network.parameters():
                parameter -= rate * parameter.grad
    return losses, norms


class Recording:
    """A set of images that keeps the batches it gave."""

    def __init__(self, data):
        self.data, self.given = data, []

    def __len__(self):
        return len(self.data)

    def for_network(self, network):
        return self

    @property
    def labels(self):
        return self.data.labels

    def batch(self, index):
        self.given.append(self.data.batch(index))
        return self.given[-1]


@pytest.mark.parametrize("largest", [inf, LARGEST])
@pytest.mark.parametrize("name", ["resnet8", "plain8-nonorm"])
def test_a_short_training_is_sgd_with_clipping(name, largest):
    data, network = Recording(DATA), build_network(name, 0)
    found = train_shortly(network, data, 0.05, 16, 6, 0, largest)
    other = build_network(name, 0)
    losses, norms = reference(other, data.given, 0.05, largest)
    assert found.diverged_step is None
    assert found.losses == pytest.approx(losses, rel=1e-3) and found.gradient_norms == pytest.approx(
        norms, rel=1e-3
    )
    torch.testing.assert_close(weights(network), weights(other), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("largest", [inf, LARGEST])
def test_clipping_bounds_the_step_and_keeps_its_direction(largest):
    network = build_network("plain8-nonorm", 0)
    before, places = weights(network), []
    found = train_shortly(network, DATA, 0.1, 16, 5, 0, largest, lambda: places.append(weights(network)))
    steps = [float((after - start).norm()) for start, after in zip([before, *places], places, strict=False)]
    assert steps == pytest.approx([0.1 * min(norm, largest) for norm in found.gradient_norms], rel=1e-3)
    assert max(found.gradient_norms) > LARGEST


def test_the_first_step_of_a_closed_form():
    """Loss log(1 + exp(-w_1 - w_2)) at 0: ln 2, gradient (-1/2, -1/2)."""
    network = TwoLogits(0.0, 0.0)
    found = train_shortly(network, random_images(4, classes=1), 1.0, 4, 2, 0)
    assert found.losses == pytest.approx([log(2), log1p(2.718281828**-1)])
    assert found.gradient_norms[0] == pytest.approx(0.5**0.5)


def test_a_training_stops_at_the_first_step_that_is_not_finite():
    network = build_network("plain8-nonorm", 0)
    found = train_shortly(network, DATA, 1e20, 16, 10, 0)
    assert 1 <= found.diverged_step < 10
    assert len(found.losses) == len(found.gradient_norms) == found.diverged_step + 1
    assert found.final_loss != found.final_loss
    clipped = train_shortly(build_network("plain8-nonorm", 0), DATA, 0.1, 16, 10, 0, LARGEST)
    assert clipped.diverged_step is None and clipped.final_loss == clipped.losses[-1]


def test_weights_that_break_in_the_last_step_are_noticed():
    found = train_shortly(build_network("plain8-nonorm", 0), DATA, inf, 16, 1, 0)
    assert found.diverged_step == 1 and len(found.losses) == 1


def test_a_gradient_whose_square_overflows_float32_is_still_clipped():
    network = TwoLogits(0.0, 0.0)
    scale = 1e25

    class Steep(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network

        def forward(self, images):
            return self.inner(images) * scale

    found = train_shortly(Steep(), random_images(4, classes=1), 1.0, 4, 1, 0, 1.0)
    assert found.gradient_norms[0] > 1e24 and found.diverged_step is None
    assert float(network.weight.detach().norm()) == pytest.approx(1.0, rel=1e-3)


def test_batches_are_drawn_from_the_seed_without_replacement():
    runs = [Recording(DATA) for _ in range(3)]
    for data, seed in zip(runs, (0, 0, 1), strict=True):
        train_shortly(build_network("plain8-nonorm", 0), data, 0.0, 20, 2, seed)
    first, again, other = ([images for images, _ in data.given] for data in runs)
    assert torch.equal(torch.cat(first), torch.cat(again)) and not torch.equal(
        torch.cat(first), torch.cat(other)
    )
    assert len(torch.unique(torch.cat(first).flatten(1), dim=0)) == 40
