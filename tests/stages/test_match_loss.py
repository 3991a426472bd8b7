from math import inf

import pytest

from stages.match_loss import distance, match

RESIDUAL = {0.0: 2.4, 0.5: 1.9, 1.0: 1.45, 2.0: 1.0, 10.0: 0.4}
PLAIN = {0.0: 2.4, 1.0: 2.3, 5.0: 1.3, 10.0: 1.5}


def test_the_better_network_is_taken_where_its_loss_is_that_of_the_worse():
    matched = match({"resnet56": RESIDUAL, "plain56": PLAIN})
    assert matched == {
        "target_loss": 1.5,
        "hardest": "plain56",
        "networks": {"resnet56": {"epoch": 1.0, "loss": 1.45}, "plain56": {"epoch": 10.0, "loss": 1.5}},
    }


def test_the_worse_network_stays_at_its_end_even_if_an_earlier_checkpoint_is_as_near():
    flat = {0.0: 2.4, 5.0: 1.5, 10.0: 1.5}
    assert match({"a": flat, "b": RESIDUAL})["networks"]["a"]["epoch"] == 10.0


def test_nearness_is_relative():
    matched = match({"a": {0.0: 0.02, 1.0: 0.16, 2.0: 0.01}, "b": {0.0: 3.0, 1.0: 0.08}})
    assert (
        matched["networks"]["a"]["epoch"] == 1.0
    )  # a factor of 2 away, 0.02 a factor of 4, though 0.06 against 0.08


@pytest.mark.parametrize("alone", [RESIDUAL, PLAIN])
def test_a_network_without_a_partner_is_taken_at_its_end(alone):
    assert match({"resnet56": alone})["networks"]["resnet56"]["epoch"] == 10.0


def test_losses_that_are_zero_have_a_distance():
    assert distance(0.0, 0.0) == 0 and 0 < distance(0.0, 1.0) < inf
    assert match({"a": {0.0: 1.0, 1.0: 0.0}, "b": {0.0: 2.0, 1.0: 0.0}})["networks"]["b"]["epoch"] == 1.0
