"""Which runs of the ablation make the dial, and what is read of a run."""

from math import isnan

import pytest

from experiment.dial import (
    ablation_runs,
    counterpart,
    dial,
    dials,
    networks_at,
    numbers,
    others,
    shared_decays,
    weight_decays,
)

DECLARED = [
    "resnet8-tanh",
    "resnet8",
    "plain8-tanh",
    "resnet8-shortcut0.5",
    "resnet8-projection",
    "plain8",
    "resnet8-shortcut0",
]


def test_the_dial_is_what_differs_by_the_strength_alone():
    assert dial(DECLARED) == ["plain8", "resnet8-shortcut0", "resnet8-shortcut0.5", "resnet8"]
    assert others(DECLARED) == ["resnet8-tanh", "plain8-tanh", "resnet8-projection"]


@pytest.mark.parametrize(
    ("network", "partner"),
    [("resnet8-projection", "resnet8"), ("plain8-tanh", "plain8"), ("resnet8-shortcut0.25-tanh", None)],
)
def test_a_variant_stands_beside_the_network_of_its_strength(network, partner):
    assert counterpart(network, [*DECLARED, network]) == partner


def test_a_study_without_a_dial_has_none():
    assert dial(["resnet8-projection"]) == [] and others(["resnet8-projection"]) == ["resnet8-projection"]


def test_numbers_are_means_over_directions_or_absent():
    run = {"test_accuracy": 0.75, "trace": 4, "cuts": {"edge_rise": [1, 2], "excess_variation": [1, None]}}
    found = numbers(run)
    assert (found["test_error"], found["trace"], found["edge_rise"]) == (25, 4, 1.5)
    assert isnan(found["excess_variation"]) and isnan(found["train_loss"]) and isnan(found["nonconvex_share"])
    assert all(map(isnan, numbers({"test_accuracy": None, "cuts": None}).values()))


SECTION = {
    "networks": [
        "plain8",
        "resnet8-shortcut0.5",
        "resnet8",
        "plain8-tanh",
        "resnet8-shortcut0.5-tanh",
        "resnet8-tanh",
    ],
    "weight_decays": [0.0005],
    "further": {"networks": ["plain8", "resnet8"], "weight_decays": [0.0]},
}


def test_further_runs_come_after_those_of_every_network():
    assert ablation_runs(SECTION)[-3:] == [("resnet8-tanh", 0.0005), ("plain8", 0.0), ("resnet8", 0.0)]
    assert len(ablation_runs(SECTION)) == 8 and weight_decays(SECTION) == [0.0005, 0.0]
    assert networks_at(SECTION, 0.0) == ["plain8", "resnet8"]
    assert shared_decays(SECTION, ["plain8", "resnet8"]) == [0.0005, 0.0]
    assert shared_decays(SECTION, ["plain8", "plain8-tanh"]) == [0.0005]


def test_there_is_one_dial_at_every_weight_decay_with_enough_strengths():
    assert dials(SECTION) == {0.0005: ["plain8", "resnet8-shortcut0.5", "resnet8"]}
    others = {"networks": SECTION["networks"][3:], "weight_decays": [0.0]}  # of another activation
    assert list(dials(SECTION | {"further": others})) == [0.0005]
