"""The quantities that claims speak of: one run's values, a number per draw (per direction) or one in all.

Each is a function of (results, network, seed) that raises NotMeasured with the reason where there is no value.
"""

import csv
from collections.abc import Callable
from math import log10
from statistics import fmean, median

from experiment.evidence import INITIALISATION
from experiment.pairs import Pair
from experiment.reporting.convexity import resolved_ratios
from experiment.reporting.latex import measured
from experiment.reporting.results import Results, diverged
from experiment.reporting.robustness_values import KINDS, compared_strengths
from experiment.reporting.sharpness_states import by_direction
from experiment.storage import epochs_path, read_json, run_name

Quantity = Callable[[Results, str, int], list[float]]


class NotMeasured(Exception):
    """A run has no value of a quantity; the message is the reason."""


def known(value: float | None, name: str) -> float:
    if not measured(value):
        raise NotMeasured(f"{name} has no value")
    return float(value)


def finished(results: Results, network: str, seed: int) -> dict:
    """The summary of a run's training, unless it diverged."""
    run = results.training[run_name(network, seed)]
    if diverged(run):
        raise NotMeasured("the run diverged")
    return run


def training_value(results: Results, network: str, seed: int, key: str) -> float:
    return known(finished(results, network, seed)[key], key)


def train_error(results: Results, network: str, seed: int) -> list[float]:
    """Share of misclassified augmented training images in the last epoch."""
    return [1 - training_value(results, network, seed, "train_accuracy")]


def mean_train_loss(results: Results, network: str, seed: int) -> list[float]:
    """Training loss averaged over all epochs, in nats: low where it falls fast."""
    training_value(results, network, seed, "train_loss")
    with open(epochs_path(network, seed), newline="") as file:
        return [fmean(float(row["train_loss"]) for row in csv.DictReader(file))]


def generalisation_gap(results: Results, network: str, seed: int) -> list[float]:
    """Test loss minus loss on un-augmented training images at the final weights, in nats; running statistics.

    The training loss is that of the trajectory's last checkpoint: of all samples that it is measured on, the largest.
    """
    path = results.trajectory(network, seed)
    train_loss = known(float(path["loss"][-1]), "the training loss at the last checkpoint")
    return [training_value(results, network, seed, "test_loss") - train_loss]


def state_of(results: Results, instrument: str, network: str, seed: int, state: str) -> dict:
    """An instrument's entry at `state`, final or matched."""
    entry = results.evidence(instrument, network, seed)["states"][state]
    if entry["reason"] is not None:
        raise NotMeasured(entry["reason"])
    return entry


def at_state(instrument: str, key: str, state: str) -> Quantity:
    """One number of an instrument at `state`."""
    return lambda results, network, seed: [
        known(state_of(results, instrument, network, seed, state)[key], key)
    ]


def average_sharpness(state: str) -> Quantity:
    """Rise of the loss along each filter-normalised direction, in nats."""
    return lambda results, network, seed: [
        known(rise, "a rise") for rise in state_of(results, "sharpness", network, seed, state)["average"]
    ]


def flat_radius(state: str) -> Quantity:
    """By direction; where the loss stays below the level, the largest distance looked at: a lower bound."""

    def radii(results: Results, network: str, seed: int) -> list[float]:
        return by_direction(state_of(results, "sharpness", network, seed, state), "flat_radius")

    return radii


def convexity(results: Results, network: str, seed: int) -> list[float]:
    """Median of |smallest / largest eigenvalue| over the points of the map where it is resolved."""
    found = results.evidence("curvature", network, seed)["map"]
    if found["reason"] is not None:
        raise NotMeasured(found["reason"])
    resolved = [ratio for row in resolved_ratios(found) for ratio in row if measured(ratio)]
    if not resolved:
        raise NotMeasured("no point of the convexity map is resolved")
    return [median(resolved)]


def of_slice(view: str, key: str) -> Quantity:
    """A measure of roughness, by direction where the slice has several."""

    def values(results: Results, network: str, seed: int) -> list[float]:
        if view == "matched_cuts" and results.matched(network, seed) is None:
            raise NotMeasured("no other network of its depth to be compared with at equal training loss")
        measures = results.roughness[run_name(network, seed)][view]
        found = measures.get("by_direction", {}).get(key, [measures.get(key)])
        return [known(value, key) for value in found]

    return values


def input_noise_loss(pair: Pair) -> Quantity:
    """Accuracy lost to disturbed images, a mean over all disturbances and strengths at which no network of a pair guesses."""

    def loss(results: Results, network: str, seed: int) -> list[float]:
        found = robustness_of(results, network, seed)
        disturbed = [
            known(found["images"][kind.key][str(strength)], "accuracy")
            for kind in KINDS
            for strength in compared_strengths(results, pair, kind)
        ]
        if not disturbed:
            raise NotMeasured("a network of its pair guesses at every strength")
        return [known(found["accuracy"], "accuracy") - fmean(disturbed)]

    return loss


def relative_input_noise_loss(pair: Pair) -> Quantity:
    """`input_noise_loss` over the accuracy on clean images above that of guessing: who starts lower has less to lose."""

    def relative(results: Results, network: str, seed: int) -> list[float]:
        clean = known(robustness_of(results, network, seed)["accuracy"], "accuracy")
        above = clean - 1 / len(results.dataset["classes"])
        if above <= 0:
            raise NotMeasured("its accuracy is not above that of guessing")
        return [loss / above for loss in input_noise_loss(pair)(results, network, seed)]

    return relative


def weight_noise_loss(results: Results, network: str, seed: int) -> list[float]:
    """Accuracy lost to weight noise by direction, a mean over strengths."""
    found = robustness_of(results, network, seed)
    by_direction = zip(*found["weights"].values(), strict=True)
    clean = known(found["accuracy"], "accuracy")
    return [clean - fmean(known(value, "accuracy") for value in values) for values in by_direction]


def robustness_of(results: Results, network: str, seed: int) -> dict:
    found = results.evidence("robustness", network, seed)
    if found["reason"] is not None:
        raise NotMeasured(found["reason"])
    return found


def gradient_change(results: Results, network: str, seed: int) -> list[float]:
    """||g(w - eta g) - g|| / ||g||, a mean over the steps eta and all checkpoints after the start of training."""
    finished(results, network, seed)
    checkpoints = results.evidence("gradients", network, seed)["checkpoints"]
    changes = [
        fmean(known(change, "a gradient") for change in checkpoint["gradient_change"])
        for checkpoint in checkpoints
        if checkpoint["epoch"] > 0
    ]
    return [fmean(changes)]


def first_to_last_layer(network: str, seed: int) -> list[float]:
    """log10 of the first layer's gradient norm over the last one's, of an untrained network."""
    runs = read_json(INITIALISATION)["networks"][network]["runs"]
    run = next(run for run in runs if run["seed"] == seed)
    if not run["layers"]:  # with a reason and layers, it is a correlation that was not measured
        raise NotMeasured(run["reason"])
    norms = list(run["layers"].values())
    first, last = known(norms[0], "a gradient"), known(norms[-1], "a gradient")
    if first <= 0 or last <= 0:
        raise NotMeasured("a layer's gradient is exactly zero")
    return [log10(first / last)]


def layer_imbalance(network: str, seed: int) -> list[float]:
    """|log10| of the first layer's gradient norm over the last one's: 0 where they are equal."""
    return [abs(value) for value in first_to_last_layer(network, seed)]
