import numpy as np
import pytest
import torch
from torch.nn import functional
from toys import TwoLogits, random_images

from flatness.evaluation import Tally, evaluate, tally_batch
from flatness.networks import build_network


def tally_of(losses, population):
    return Tally(population, len(losses), float(np.sum(losses)), float(np.sum(np.square(losses))))


def test_evaluate_is_the_mean_cross_entropy_whatever_the_batch_size():
    network, data = build_network("resnet8", 0).eval(), random_images(50)
    with torch.no_grad():
        logits = network(data.batch(slice(None))[0])
    for batch_size in (7, 50, 1000):
        tally = evaluate(network, data, batch_size)
        assert tally.samples == tally.population == 50
        assert tally.loss == pytest.approx(functional.cross_entropy(logits, data.labels).item(), rel=1e-5)
        assert tally.correct == (logits.argmax(1) == data.labels).sum().item()


def test_loss_of_known_logits():
    data = random_images(10, classes=1)
    assert tally_batch(TwoLogits(0.5, 1.5), *data.batch(slice(None)), 10).loss == pytest.approx(
        np.log1p(np.exp(-2))
    )


def test_standard_error_covers_the_population_mean_as_often_as_it_should():
    random = np.random.default_rng(0)
    population = random.exponential(size=400)
    hits = 0
    for _ in range(1000):
        tally = tally_of(random.choice(population, 100, replace=False), 400)
        hits += abs(tally.loss - population.mean()) < 1.96 * tally.standard_error
    assert 0.91 < hits / 1000 < 0.98


def test_standard_error_is_zero_once_all_are_seen_and_unknown_for_one_sample():
    assert tally_of([1.0, 2.0, 4.0], 3).standard_error == 0
    assert np.isnan(tally_of([1.0], 3).standard_error)
    assert np.isnan(Tally(3).loss) and np.isnan(Tally(3).accuracy)


def test_in_a_callers_autocast_weights_are_those_of_the_moment():
    layer, data = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 10)), random_images(10)
    with torch.autocast("cpu", torch.bfloat16):
        first = evaluate(layer, data).loss
        with torch.no_grad():
            layer[1].weight.mul_(20)
        second = evaluate(layer, data).loss
        assert layer(data.batch(slice(None))[0]).requires_grad
    assert second != first
    with torch.autocast("cpu", torch.bfloat16):
        assert evaluate(layer, data).loss == second
