"""Train one network from one seed: weights, checkpoints, a CSV row per epoch, a summary."""

import sys
from dataclasses import asdict
from math import isfinite
from pathlib import Path

from tqdm import tqdm

from experiment.images import load_images, number_of_classes
from experiment.machine import execution
from experiment.parameters.loading import load_section
from experiment.parameters.train import Train
from experiment.provenance import training_provenance
from experiment.storage import (
    IMAGES,
    NETWORKS,
    checkpoints_path,
    epochs_path,
    file_hash,
    progress_path,
    read_json,
    run_name,
    training_path,
    weights_path,
    write_json,
    write_rows,
)
from experiment.tensors import load_progress, save_progress, write_checkpoints, write_tensors
from flatness.names import Architecture, parse_name
from flatness.networks import build_network
from flatness.training import EpochRecord, Recipe, Trainer, weights_of


def main(network_name: str, seed: int) -> None:
    parameters = load_section("train", Train)
    recipe = parameters.recipe_for(network_name)
    checkpoints = parameters.checkpoints_for(network_name)
    machine = execution()
    train_set, test_set = load_images()
    network = build_network(network_name, seed, train_set.images.shape[3], number_of_classes(train_set))
    trainer = Trainer(network, train_set, test_set, Recipe(**recipe.model_dump()), seed, machine, checkpoints)
    declared = recipe.model_dump() | {"checkpoints": checkpoints}
    origin = training_provenance(machine, declared)
    progress = progress_path(f"train-{run_name(network_name, seed)}", file_hash(IMAGES), origin)
    records = resume(trainer, progress)
    announce(trainer, network_name)
    finish(trainer, records, progress, run_name(network_name, seed))
    write_tensors(weights_path(network_name, seed), weights_of(trainer.network))
    write_checkpoints(checkpoints_path(network_name, seed), trainer.checkpoints)
    write_rows(epochs_path(network_name, seed), [asdict(record) for record in records])
    write_json(
        training_path(network_name, seed),
        summary(network_name, seed, trainer, records) | {"provenance": origin},
    )
    progress.unlink(missing_ok=True)


def resume(trainer: Trainer, progress: Path) -> list[EpochRecord]:
    """Go on from an interrupted run of the same work, if there is one; the epochs it had done."""
    state = load_progress(progress)
    if state is None:
        return []
    trainer.load_state(state["trainer"])
    print(f"resuming after epoch {trainer.epoch}", file=sys.stderr)
    return [EpochRecord(**record) for record in state["records"]]


def finish(trainer: Trainer, records: list[EpochRecord], progress: Path, title: str) -> None:
    """Train to the last epoch or a divergence, each epoch kept in `progress` and added to `records`."""
    with tqdm(total=trainer.recipe.epochs, initial=trainer.epoch, desc=title, unit="epoch") as bar:
        while trainer.epoch < trainer.recipe.epochs and not diverged(trainer, records):
            records.append(trainer.run_epoch())
            save_progress(progress, {"trainer": trainer.state(), "records": [asdict(r) for r in records]})
            bar.set_postfix(loss=f"{records[-1].train_loss:.3f}", test=f"{records[-1].test_accuracy:.3f}")
            bar.update()


def announce(trainer: Trainer, network_name: str) -> None:
    """Without an accelerator, say before anything is computed how long the training will take here."""
    epochs = trainer.recipe.epochs
    if trainer.execution.device.type != "cpu" or trainer.epoch == epochs:
        return
    all_epochs = epochs * len(trainer.train_set) / trainer.images_per_second() / 3600
    hours = (1 - trainer.epoch / epochs) * all_epochs
    if hours > 1:
        whole = all_epochs * declared_work() / relative_cost(parse_name(network_name))
        print(
            f"No CUDA device here: training this network will take about {duration(hours)}, and all that this scale "
            f"declares about {duration(max(hours, whole))}. Scales that fit a CPU: scales/laptop (`make laptop`, "
            "hours) and scales/smoke (`make smoke`, minutes). Going on; stop with Ctrl-C, finished epochs are kept.",
            file=sys.stderr,
        )


def declared_work() -> float:
    """Training cost of all declared runs, for the message alone: so `results/networks.json` is no dependency."""
    networks = read_json(NETWORKS) if NETWORKS.exists() else []
    return sum(len(entry["seeds"]) * relative_cost(parse_name(entry["name"])) for entry in networks)


def relative_cost(architecture: Architecture) -> float:
    """Multiplications grow with the blocks and with the square of the width."""
    return architecture.blocks_per_stage * architecture.width**2


def duration(hours: float) -> str:
    return f"{hours / 24:.1f} days" if hours > 48 else f"{hours:.1f} hours"


def diverged(trainer: Trainer, records: list[EpochRecord]) -> bool:
    """Whether the last epoch's losses or the weights and statistics that it left are not finite."""
    if not records:
        return False
    losses = (records[-1].train_loss, records[-1].test_loss)
    return not (all(map(isfinite, losses)) and trainer.is_finite)


def summary(network_name: str, seed: int, trainer: Trainer, records: list[EpochRecord]) -> dict:
    """The run in a few numbers; `diverged_epoch` is null where the loss stayed finite."""
    last = records[-1]
    return {
        "network": network_name,
        "seed": seed,
        "parameters": sum(parameter.numel() for parameter in trainer.parameters),
        "epochs": trainer.epoch,
        "diverged_epoch": trainer.epoch if diverged(trainer, records) else None,
        "train_loss": last.train_loss,
        "train_accuracy": last.train_accuracy,
        "test_loss": last.test_loss,
        "test_accuracy": last.test_accuracy,
        "best_test_accuracy": max(record.test_accuracy for record in records),
        "checkpoint_epochs": sorted(trainer.checkpoints),
    }


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
