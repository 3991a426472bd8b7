from dataclasses import replace
from math import isfinite

import numpy as np
import pytest
import torch
from torch.nn import functional
from toys import random_images

from flatness import fusion
from flatness.execution import Execution, choose_execution
from flatness.networks import build_network
from flatness.training import SCHEDULES, Recipe, Trainer, learning_rate_at, weights_of

FLOAT32 = Execution(torch.device("cpu"), torch.float32)
RECIPE = Recipe(
    epochs=3,
    batch_size=16,
    learning_rate=0.05,
    schedule="one_cycle",
    warmup_steps=0,
    momentum=0.9,
    nesterov=True,
    weight_decay=1e-3,
    crop_padding=2,
    flip=True,
)


def make_trainer(recipe=RECIPE, seed=0, execution=FLOAT32, checkpoints=()):
    return Trainer(
        build_network("resnet8", seed),
        random_images(64),
        random_images(32, 1),
        recipe,
        seed,
        execution,
        checkpoints,
    )


def assert_same_weights(first, second):
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


@pytest.mark.parametrize("execution", [FLOAT32, choose_execution("cpu", "bfloat16")])
def test_a_resumed_run_ends_with_the_same_weights_bit_for_bit(execution, tmp_path):
    checkpoints = (0.0, 0.5, 1.5, 3.0)
    whole = make_trainer(execution=execution, checkpoints=checkpoints)
    records = [whole.run_epoch() for _ in range(3)]
    broken = make_trainer(execution=execution, checkpoints=checkpoints)
    broken.run_epoch()
    torch.save(broken.state(), tmp_path / "state")
    resumed = make_trainer(execution=execution, checkpoints=checkpoints)
    resumed.load_state(torch.load(tmp_path / "state", weights_only=True))
    again = [resumed.run_epoch() for _ in range(2)]
    assert_same_weights(weights_of(whole.network), weights_of(resumed.network))
    assert [replace(r, seconds=0) for r in again] == [replace(r, seconds=0) for r in records[1:]]
    assert sorted(resumed.checkpoints) == list(checkpoints)
    for epoch in checkpoints:
        assert_same_weights(whole.checkpoints[epoch], resumed.checkpoints[epoch])


def test_seeds_differ_and_repeat():
    runs = [make_trainer(seed=seed) for seed in (0, 0, 1)]
    for run in runs:
        run.run_epoch()
    first, again, other = (weights_of(run.network) for run in runs)
    assert_same_weights(first, again)
    assert not torch.equal(first["head.bias"], other["head.bias"])


def test_a_step_is_sgd_with_nesterov_momentum_and_weight_decay():
    """v <- m v + g, w <- w - lr (g + m v), with g the gradient plus weight decay (Sutskever et al. 2013, as in PyTorch)."""
    trainer = make_trainer(replace(RECIPE, crop_padding=0, flip=False, schedule="he2016"))
    weight = trainer.network.head.weight
    velocity, images, labels = torch.zeros_like(weight), *trainer.train_set.batch(slice(0, 16))
    trainer.network.train()
    for _ in range(3):
        loss = functional.cross_entropy(trainer.network(images), labels)
        (gradient,) = torch.autograd.grad(loss, weight)
        gradient = gradient + RECIPE.weight_decay * weight.detach()
        velocity = RECIPE.momentum * velocity + gradient
        expected = weight.detach() - RECIPE.learning_rate * (gradient + RECIPE.momentum * velocity)
        measured = trainer.step(images, labels, RECIPE.learning_rate)
        assert measured[0].item() == pytest.approx(loss.item(), rel=1e-5)
        torch.testing.assert_close(weight.detach(), expected, rtol=1e-4, atol=1e-6)


def test_training_learns_and_records_what_it_did():
    trainer = make_trainer(replace(RECIPE, epochs=12, crop_padding=0, flip=False), checkpoints=(0.0, 12.0))
    records = [trainer.run_epoch() for _ in range(12)]
    assert records[-1].train_loss < 0.6 * records[0].train_loss
    assert [record.epoch for record in records] == list(range(1, 13))
    assert all(isfinite(value) for record in records for value in vars(record).values())
    assert all(0 < record.gradient_norm and 0 <= record.test_accuracy <= 1 for record in records)
    assert_same_weights(trainer.checkpoints[12.0], weights_of(trainer.network))
    assert_same_weights(trainer.checkpoints[0.0], weights_of(build_network("resnet8", 0)))


def test_a_diverged_run_says_so_in_its_loss():
    trainer = make_trainer(replace(RECIPE, learning_rate=1e12, schedule="he2016", epochs=4))
    losses = [trainer.run_epoch().train_loss for _ in range(4)]
    assert not isfinite(losses[-1])


def test_timing_leaves_the_run_unchanged():
    trainer, untouched = make_trainer(), make_trainer()
    assert trainer.images_per_second(steps=1) > 0
    trainer.run_epoch(), untouched.run_epoch()
    assert_same_weights(weights_of(trainer.network), weights_of(untouched.network))


@pytest.mark.parametrize(
    "schedule, expected",
    [
        ("he2016", {0: 1, 31_999: 1, 32_000: 0.1, 48_000: 0.01, 63_999: 0.01}),
        ("li2018", {0: 1, 32_000: 0.1, 48_000: 0.01, 58_666: 0.01, 58_667: 0.001}),
        ("one_cycle", {0: 0.04, 19_200: 1, 41_600: 0.5, 63_999: 0.0}),
    ],
)
def test_schedules(schedule, expected):
    recipe = replace(RECIPE, schedule=schedule, learning_rate=1.0)
    for step, rate in expected.items():
        assert learning_rate_at(step, 64_000, recipe) == pytest.approx(rate, abs=1e-6)
    rates = [SCHEDULES[schedule](progress) for progress in np.linspace(0, 0.999, 500)]
    assert max(rates) == pytest.approx(1, abs=0.01) and min(rates) >= 0


def test_warm_up_comes_before_the_schedule():
    recipe = replace(RECIPE, schedule="he2016", learning_rate=0.1, warmup_steps=400)
    assert learning_rate_at(399, 64_000, recipe) == pytest.approx(0.01)
    assert learning_rate_at(400, 64_000, recipe) == pytest.approx(0.1)


def test_checkpoints_closer_than_a_step_are_refused():
    with pytest.raises(
        ValueError, match="0, 0.1, 1: expected each after a step of its own, found 2 .* 4 steps per epoch"
    ):
        make_trainer(checkpoints=(0.0, 0.1, 1.0))


@pytest.mark.parametrize("compiled", [True, False])
def test_kernels_are_those_of_the_execution(compiled, monkeypatch):
    fused = []
    monkeypatch.setattr(fusion, "_fits", lambda *_: fused.append(True) or False)
    trainer = make_trainer(execution=replace(FLOAT32, compiled=compiled))
    trainer.network.train()
    trainer.step(*trainer.train_set.batch(slice(0, 16)), 0.1)
    assert len(fused) == (7 if compiled else 0)


@pytest.mark.skipif(fusion.kernel(torch.float32) is None, reason="no compiler here that makes the kernel")
def test_compiled_kernels_train_as_torchs_do():
    """To rounding, which training magnifies: after a few steps."""
    records = [
        make_trainer(replace(RECIPE, epochs=1), execution=replace(FLOAT32, compiled=compiled)).run_epoch()
        for compiled in (True, False)
    ]
    for field in ("train_loss", "test_loss", "gradient_norm"):
        one, other = (getattr(record, field) for record in records)
        assert one == pytest.approx(other, rel=1e-3)
