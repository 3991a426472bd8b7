"""Networks that keep something of a forward, in training mode, or without anything to train."""

import pytest
import torch
from torch import nn
from toys import TwoLogits, random_images

from flatness.neighbourhood import Neighbourhood, loss_and_gradient, mean_loss

DATA = random_images(12, classes=1)


class Keeping(TwoLogits):
    """Keeps the first forward's factor as a plain attribute, which every later one multiplies by."""

    factor = None

    def forward(self, images):
        if self.factor is None:
            self.factor = 2 * torch.ones(len(images), 1)
        return super().forward(images) * self.factor


def test_a_tensor_that_the_forward_keeps_serves_the_gradient_afterwards():
    network = Keeping(0.5, -0.25)
    loss = mean_loss(network, DATA)
    assert loss_and_gradient(network, DATA)[0] == pytest.approx(loss)


class Dropping(TwoLogits):
    """Answers otherwise in training mode."""

    def forward(self, images):
        return super().forward(images) * (3 if self.training else 1)


@pytest.mark.parametrize("measure", [mean_loss, lambda *given: loss_and_gradient(*given)[0]])
def test_losses_are_those_of_evaluation_mode_and_leave_the_mode(measure):
    network = Dropping(0.5, -0.25).train()
    assert measure(network, DATA) == pytest.approx(mean_loss(TwoLogits(0.5, -0.25), DATA))
    assert network.training
    assert Neighbourhood(network, DATA).network.training


@pytest.mark.parametrize("measure", [Neighbourhood, loss_and_gradient])
def test_a_network_without_trainable_parameters_is_refused(measure):
    for network in (TwoLogits(0.5, -0.25).requires_grad_(False), nn.Flatten()):
        with pytest.raises(ValueError, match="expected trainable parameters, found none"):
            measure(network, DATA)
