"""All small results as the pipeline leaves them, made up from formulas: for tests of what reads them.

`write_synthetic_results(folder, networks, seeds)` leaves params.yaml, results/ and nothing else;
`write_blank_figures` adds one-page figures. Same arguments, same bytes. The numbers mean nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import synthetic_ablation
import synthetic_claims
import synthetic_clipping
import synthetic_curvature
import synthetic_gradients
import synthetic_initialisation
import synthetic_robustness
import synthetic_sharpness
import xarray
import yaml

from experiment.parameters.trials import Trials
from experiment.slices import write_slice
from experiment.storage import run_name, write_json, write_rows
from experiment.trials import trial_name
from flatness.grids import axis
from flatness.names import Architecture, parse_name
from flatness.networks import build_network
from flatness.plane_roughness import plane_measures
from flatness.resolution import unfiltered_measures
from flatness.roughness import line_measures, profile_measures

MACHINE = {
    "device": "Imaginary CPU @ 2.90GHz",
    "device_type": "cpu",
    "precision": "bfloat16",
    "threads": 2,
    "python": "3.11.2",
    "torch": "2.15.0",
    "numpy": "2.3.0",
    "parameters": "0" * 64,
}
CLASSES = {"cifar10": 10, "cifar100": 100, "digits": 10, "images": 3}
RECIPE = {
    "epochs": 10,
    "batch_size": 128,
    "learning_rate": 0.1,
    "schedule": "one_cycle",
    "warmup_steps": 0,
    "momentum": 0.9,
    "nesterov": True,
    "weight_decay": 0.0005,
    "crop_padding": 4,
    "flip": True,
}
SURFACE = {
    "normalisation": "filter",
    "direction_seeds": [1, 2],
    "extent": 1.0,
    "points": 9,
    "relative_error": 0.03,
    "batch_size": 500,
    "recomputed": {"points": 5, "calibration_samples": 1000},
    "cuts": {"points": 9, "direction_seeds": [11, 12, 13, 14, 15]},
    "line": {"points": 21, "start": -0.5, "stop": 1.5},
}
CHECKPOINTS = [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0]
DIVERGED_EPOCH = 7  # the last of runs that diverge: after some checkpoints, and not one itself
QUANTITIES = ("loss", "accuracy", "standard_error", "samples")
SLICE_COLUMNS = ("loss", "standard_error", "alpha")
SMOKE = yaml.safe_load((Path(__file__).parents[1] / "scales/smoke/params.yaml").read_text())
EVIDENCE = {
    "curvature": synthetic_curvature,
    "sharpness": synthetic_sharpness,
    "initialisation": synthetic_initialisation,
    "gradients": synthetic_gradients,
    "clipping": synthetic_clipping,
    "robustness": synthetic_robustness,
    "ablation": synthetic_ablation,
    "claims": synthetic_claims,
}


NO_TRIALS = {"trials": {"networks": [], "learning_rates": [], "seeds": []}}


def synthetic_parameters(
    networks: Sequence[str], seeds: Sequence[int], dataset: str = "cifar10"
) -> dict[str, Any]:
    """A whole params.yaml."""
    return {
        "networks": list(networks),
        "seeds": list(seeds),
        "dataset": {"name": dataset, "source": "official"},
        "train": {"recipe": RECIPE, "overrides": {}, "checkpoint_epochs": CHECKPOINTS},
        "trajectory": {
            "samples": 5000,
            "plane_samples": 5000,
            "batch_size": 1000,
            "calibration_samples": 1000,
            "points": 9,
            "margin": 0.25,
        },
        "surface": SURFACE,
    } | {section: SMOKE[section] for section in (*EVIDENCE, "trials")}


def write_synthetic_results(
    folder: Path,
    networks: Sequence[str],
    seeds: Sequence[int],
    dataset: str = "cifar10",
    diverged: Sequence[str] = (),
    parameters: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write params.yaml and results/ into `folder`; runs named in `diverged` end in DIVERGED_EPOCH, without a plane.

    `parameters` replaces whole sections of params.yaml. Returns the parameters.
    """
    content = synthetic_parameters(networks, seeds, dataset) | dict(parameters or {})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False, default_flow_style=None))
    results = folder / "results"
    classes = CLASSES[dataset]
    write_json(results / "dataset.json", _dataset(dataset, classes))
    write_json(results / "networks.json", [_network(parse_name(name)) for name in networks])
    runs = [
        _Run(name, seed, content, classes, run_name(name, seed) in diverged)
        for name in networks
        for seed in seeds
    ]
    write_json(
        results / "matching.json",
        {str(seed): _matching([r for r in runs if r.seed == seed]) for seed in seeds},
    )
    for run in runs:
        run.write(results)
    trials = write_trials(results, content, classes)
    write_json(results / "roughness.json", {run.name: run.roughness() for run in runs} | trials)
    for instrument in EVIDENCE.values():
        instrument.write(results, content, diverged)
    return content


def checkpoints(parameters: Mapping[str, Any], diverged: bool) -> list[float]:
    """Epochs of a run's checkpoints: those declared and the last; up to DIVERGED_EPOCH of one that diverged."""
    last = parameters["train"]["recipe"]["epochs"]
    declared = [epoch for epoch in parameters["train"]["checkpoint_epochs"] if epoch < last]
    return [epoch for epoch in declared if epoch < DIVERGED_EPOCH] if diverged else [*declared, float(last)]


def write_trials(results: Path, parameters: Mapping[str, Any], classes: int) -> dict[str, Any]:
    """Write results/trials, each like a run of the study with a higher loss; their roughness by name."""
    declared, roughness = Trials(**parameters["trials"]), {}
    for network, rate, seed in declared.runs:
        run, name = _Run(network, seed, parameters, classes, diverged=False), trial_name(network, rate, seed)
        run.final += 0.1
        run.write_trial(results / "trials" / name, rate)
        roughness[name] = {view: run.roughness()[view] for view in ("final", "cuts")}
    return roughness


def write_blank_figures(folder: Path, names: Sequence[str]) -> None:
    """figures/NAME.pdf: a page with axes, without dates."""
    from matplotlib.figure import Figure

    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for name in names:
        figure = Figure(figsize=(6.5, 2.6))
        figure.add_subplot().set_title(f"placeholder: {name}")
        figure.savefig(folder / "figures" / f"{name}.pdf", metadata={"CreationDate": None})


def _dataset(name: str, classes: int) -> dict[str, Any]:
    names = [f"class {number}" for number in range(classes)]
    return {
        "name": name,
        "source": "official",
        "classes": names,
        "train": {"images": 5000 * classes, "per_class": dict.fromkeys(names, 5000)},
        "test": {"images": 1000 * classes, "per_class": dict.fromkeys(names, 1000)},
        "mean": [0.49, 0.48, 0.45],
        "std": [0.25, 0.24, 0.26],
        "fingerprint": hashlib.sha256(name.encode()).hexdigest(),
    }


def _network(architecture: Architecture) -> dict[str, Any]:
    network = build_network(architecture.name, 0)
    return {
        "name": architecture.name,
        "family": architecture.family,
        "depth": architecture.depth,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "shortcut": architecture.shortcut,
        "activation": architecture.activation,
    }


class _Run:
    """Made-up training and slices of one network; deep plain networks are given high losses and bumps."""

    def __init__(self, network: str, seed: int, parameters: Mapping[str, Any], classes: int, diverged: bool):
        self.network, self.seed, self.diverged = network, seed, diverged
        self.name = run_name(network, seed)
        self.architecture = parse_name(network)
        self.parameters, self.surface = parameters, parameters["surface"]
        self.chance = log(classes)
        self.images = 5000 * classes
        self.epochs = parameters["train"]["recipe"]["epochs"]
        self.checkpoints = checkpoints(parameters, diverged)
        plain = self.architecture.family == "plain"
        self.final = (
            0.4
            + 0.02 * seed
            + (0.015 * self.architecture.depth if plain else 0.001 * self.architecture.depth)
        )
        self.bump = 0.4 if plain and self.architecture.depth > 30 else 0.0
        self.last_epoch = DIVERGED_EPOCH if diverged else self.epochs
        self.matched_epoch = float("nan")  # set by _match

    def loss_after(self, epoch: float) -> float:
        if self.diverged and epoch >= DIVERGED_EPOCH:
            return float("nan")
        return self.final + (self.chance - 0.4) * float(np.exp(-0.8 * epoch))

    def write(self, results: Path) -> None:
        directory = results / "surfaces" / self.name
        last = float(self.epochs)
        write_rows(results / "training" / f"{self.name}.csv", self._epochs())
        write_json(results / "training" / f"{self.name}.json", self._summary())
        write_slice(directory / "final.nc", self._grid(self.surface["points"], last, ("train", "test")))
        coarse = self._grid(
            self.surface["recomputed"]["points"], last, ("train", "test"), statistics="recomputed"
        )
        write_slice(directory / "recomputed.nc", coarse)
        write_slice(
            directory / "matched.nc", self._grid(self.surface["points"], self.matched_epoch, ("train",))
        )
        write_slice(directory / "cuts.nc", self._cuts(last, ("train", "test")))
        write_slice(directory / "matched_cuts.nc", self._cuts(self.matched_epoch, ("train",)))
        write_slice(directory / "line.nc", self._line())
        write_slice(results / "trajectories" / f"{self.name}.nc", self._trajectory())

    def write_trial(self, directory: Path, learning_rate: float) -> None:
        """What try_learning_rate leaves."""
        last = float(self.epochs)
        write_rows(directory / "training.csv", self._epochs())
        write_json(directory / "training.json", self._summary() | {"learning_rate": learning_rate})
        write_slice(directory / "final.nc", self._grid(self.surface["points"], last, ("train", "test")))
        write_slice(directory / "cuts.nc", self._cuts(last, ("train", "test")))

    def roughness(self) -> dict[str, Any]:
        alphas = axis(self.surface["extent"], self.surface["points"])
        states = {"final": self.epochs, "recomputed": self.epochs, "matched": self.matched_epoch}
        measures: dict[str, Any] = {
            state: self._measures(alphas, epoch, 1.0) for state, epoch in states.items()
        }
        for state, epoch in {"cuts": self.epochs, "matched_cuts": self.matched_epoch}.items():
            each = [self._measures(alphas, epoch, 1 + 0.02 * number) for number in range(5)]
            measures[state] = {key: float(np.mean([m[key] for m in each])) for key in each[0]}
            measures[state] |= {f"{key}_sd": float(np.std([m[key] for m in each], ddof=1)) for key in each[0]}
            measures[state]["by_direction"] = {key: [m[key] for m in each] for key in each[0]}
        for state, epoch in states.items():
            measures[state] |= self._plane_measures(state, epoch)
        line = self._line().sel(set="train")
        return measures | {"line": line_measures(*(line[key].values for key in SLICE_COLUMNS))}

    def _plane_measures(self, state: str, epoch: float) -> dict[str, float]:
        points = (self.surface["recomputed"] if state == "recomputed" else self.surface)["points"]
        plane = self._grid(points, epoch, ("train",)).sel(set="train")
        return plane_measures(*(plane[key].values for key in (*SLICE_COLUMNS, "beta")), bound=1.0)

    def _measures(self, alphas: np.ndarray, epoch: float, stretch: float) -> dict[str, float]:
        losses = self._profile(alphas * stretch, epoch)
        errors = 0.01 * losses
        return profile_measures(losses, errors, alphas, self.chance) | unfiltered_measures([losses], [errors])

    def _profile(self, distance: np.ndarray, epoch: float) -> np.ndarray:
        """Rises from the centre's loss with the distance, with a bump for deep plain networks."""
        centre = self.loss_after(epoch)
        rise = 6 * np.exp(-centre) * distance**2
        return centre + rise + self.bump * np.sin(2 * np.pi * distance) ** 2

    def _epochs(self) -> list[dict[str, float]]:
        return [
            {
                "epoch": epoch,
                "train_loss": self.loss_after(epoch),
                "train_accuracy": self._accuracy(self.loss_after(epoch)),
                "test_loss": self.loss_after(epoch) + 0.1,
                "test_accuracy": self._accuracy(self.loss_after(epoch) + 0.1),
                "learning_rate": 0.1,
                "gradient_norm": 1.0,
                "seconds": 1.0,
            }
            for epoch in range(1, self.last_epoch + 1)
        ]

    def _accuracy(self, loss: float | np.ndarray) -> Any:
        return np.exp(-np.asarray(loss)).tolist() if np.ndim(loss) == 0 else np.exp(-loss)

    def _summary(self) -> dict[str, Any]:
        last = self._epochs()[-1]
        keys = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
        return {
            "network": self.network,
            "seed": self.seed,
            "parameters": _network(self.architecture)["parameters"],
            "epochs": self.last_epoch,
            "diverged_epoch": DIVERGED_EPOCH if self.diverged else None,
            **{key: last[key] for key in keys},
            "best_test_accuracy": last["test_accuracy"],
            "checkpoint_epochs": self.checkpoints,
            "provenance": MACHINE,
        }

    def _attributes(self, epoch: float, statistics: str = "running") -> dict[str, Any]:
        return {
            "network": self.network,
            "seed": self.seed,
            "normalisation": "filter",
            "direction_seeds": self.surface["direction_seeds"],
            "fingerprint": "0" * 64,
            "statistics": statistics,
            "epoch": float(epoch),
            "target_loss": 1.0,
            "relative_error": 0.03,
            "precision_check": float("nan") if self.diverged else 0.004,
            **MACHINE,
        }

    def _slice(
        self, profile: np.ndarray, sets: Sequence[str], coordinates: Mapping[str, Any], attributes: Mapping
    ) -> xarray.Dataset:
        losses = np.stack([profile + (0.1 if name == "test" else 0.0) for name in sets])
        values = (losses, self._accuracy(losses), 0.02 * losses, np.full(losses.shape, 2000, np.int32))
        dims = ("set", *coordinates)
        variables = {name: (dims, value) for name, value in zip(QUANTITIES, values, strict=True)}
        return xarray.Dataset(variables, {"set": list(sets), **coordinates}, dict(attributes))

    def _grid(
        self, points: int, epoch: float, sets: Sequence[str], statistics: str = "running"
    ) -> xarray.Dataset:
        alphas = axis(self.surface["extent"], points)
        profile = self._profile(np.hypot(alphas[:, None], alphas[None, :]), epoch)
        return self._slice(
            profile, sets, {"alpha": alphas, "beta": alphas}, self._attributes(epoch, statistics)
        )

    def _cuts(self, epoch: float, sets: Sequence[str]) -> xarray.Dataset:
        seeds = self.surface["cuts"]["direction_seeds"]
        alphas = axis(self.surface["extent"], self.surface["cuts"]["points"])
        profile = np.stack(
            [self._profile(alphas * (1 + 0.02 * number), epoch) for number in range(len(seeds))]
        )
        return self._slice(profile, sets, {"direction": seeds, "alpha": alphas}, self._attributes(epoch))

    def _line(self) -> xarray.Dataset:
        line = self.surface["line"]
        alphas = np.linspace(line["start"], line["stop"], line["points"])
        profile = self._profile(1 - alphas, self.epochs)
        return self._slice(profile, ("train", "test"), {"alpha": alphas}, self._attributes(self.epochs))

    def _trajectory(self) -> xarray.Dataset:
        """A run that diverged has no plane."""
        known = float("nan") if self.diverged else 1.0
        remaining = known * (np.exp(-0.3 * np.array(self.checkpoints)) - np.exp(-0.3 * self.epochs))
        path = np.stack([30 * remaining, 4 * np.sin(3 * remaining)], axis=1)
        losses = np.array([self.loss_after(epoch) for epoch in self.checkpoints])
        points = self.parameters["trajectory"]["points"]
        x, y = known * np.linspace(-8, 38, points), known * np.linspace(-8, 8, points)
        surface = self.final + 0.002 * (x[:, None] ** 2 + y[None, :] ** 2)
        grid, along = ("x", "y"), ("checkpoint",)
        return xarray.Dataset(
            {
                "epoch": (along, self.checkpoints),
                "path": (("checkpoint", "component"), path),
                "residual": (along, 2 * remaining),
                "loss": (along, losses),
                "standard_error": (along, 0.01 * losses),
                "samples": (along, np.full(len(losses), 5000, np.int32)),
                "recomputed_loss": (along, 1.05 * losses),
                "recomputed_standard_error": (along, 0.01 * losses),
                "projected_loss": (along, losses * (1 + 0.1 * remaining)),
                "explained_variance": (("component",), [0.8 * known, 0.1 * known]),
                "surface_loss": (grid, surface),
                "surface_accuracy": (grid, np.exp(-surface)),
                "surface_standard_error": (grid, 0.01 * surface),
                "surface_samples": (grid, np.full(surface.shape, 5000, np.int32)),
            },
            {"x": x, "y": y},
            self._attributes(self.epochs),
        )


def _matching(runs: Sequence[_Run]) -> dict[str, Any]:
    """Per depth, the checkpoints nearest to the highest final loss; runs that diverged have none."""
    finite = [run for run in runs if not run.diverged]
    depths = sorted({run.architecture.depth for run in finite})
    return {
        str(depth): _match([run for run in finite if run.architecture.depth == depth]) for depth in depths
    }


def _match(runs: Sequence[_Run]) -> dict[str, Any]:
    hardest = max(runs, key=lambda run: run.final)
    target = hardest.loss_after(hardest.epochs)
    for run in runs:
        run.matched_epoch = min(run.checkpoints, key=lambda epoch: abs(run.loss_after(epoch) - target))
    hardest.matched_epoch = float(hardest.epochs)
    members = {
        run.network: {"epoch": run.matched_epoch, "loss": run.loss_after(run.matched_epoch)} for run in runs
    }
    return {"target_loss": target, "hardest": hardest.network, "networks": members}
