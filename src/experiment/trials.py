"""Where the trials of other learning rates lie: a run's files, under a name that tells the rate."""

from pathlib import Path

from experiment.storage import run_name

TRIALS = Path("results/trials")
VIEWS = ("final", "cuts")  # the plane and the cuts about the final weights, as `measure_surface` leaves them


def trial_name(network: str, learning_rate: float, seed: int) -> str:
    """`plain56-rate0.01-0`."""
    return run_name(f"{network}-rate{learning_rate}", seed)


def trial_weights_path(network: str, learning_rate: float, seed: int) -> Path:
    return Path("models", trial_name(network, learning_rate, seed), "weights.safetensors")


def trial_epochs_path(network: str, learning_rate: float, seed: int) -> Path:
    return TRIALS / trial_name(network, learning_rate, seed) / "training.csv"


def trial_training_path(network: str, learning_rate: float, seed: int) -> Path:
    return TRIALS / trial_name(network, learning_rate, seed) / "training.json"


def trial_slice_path(network: str, learning_rate: float, seed: int, view: str) -> Path:
    """`view` is one of VIEWS."""
    return TRIALS / trial_name(network, learning_rate, seed) / f"{view}.nc"
