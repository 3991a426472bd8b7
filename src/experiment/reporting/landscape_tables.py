"""Tables of the slices: roughness, the matched checkpoints, trajectories, and what made the results."""

from collections.abc import Iterator
from itertools import product
from typing import Any

from experiment.dial import ablation_runs
from experiment.evidence import CLIPPING, INITIALISATION, ablation_path
from experiment.pairs import Pair, pairs
from experiment.reporting.comparison import roughness_difference
from experiment.reporting.curvature_values import values as curvature_of
from experiment.reporting.judgement import FLATNESS
from experiment.reporting.latex import (
    ABSENT,
    enumeration,
    escape,
    fixed,
    measured,
    named,
    tabular,
    typewriter,
)
from experiment.reporting.results import MEASURES, Results, printed
from experiment.reporting.tables import spread_cell
from experiment.reporting.trial_settings import trial_runs
from experiment.reporting.wording import interval
from experiment.slices import read_slice
from experiment.storage import read_json, run_name
from experiment.trials import trial_name, trial_slice_path, trial_training_path

VIEWS = {
    "final": "final weights",
    "matched": "equal training loss",
    "recomputed": "final, statistics recomputed",
}
CUT_VIEWS = {"cuts": "final weights", "matched_cuts": "equal training loss"}
MEASURE_HEADS = (
    "Centre",
    "Rim rise",
    "Half-way",
    "Excess var.",
    "Raw",
    r"Non-convex (\%)",
    r"Raw (\%)",
)
PROVENANCE_COLUMNS = ("device", "precision", "threads", "python", "torch", "numpy")


def roughness_table(results: Results) -> str:
    """Measures of the surfaces, pair by pair: final weights, equal loss, recomputed statistics."""
    return _measures_table(results, VIEWS)


def cuts_table(results: Results) -> str:
    """Measures of the one-dimensional cuts, means over directions."""
    return _measures_table(results, CUT_VIEWS, differences=True)


def _measures_table(results: Results, views: dict[str, str], differences: bool = False) -> str:
    found = pairs(results.study.networks) if differences else []
    groups = [
        [
            *(
                _measures_row(results, network, state, title if number == 0 else "")
                for number, network in enumerate(members)
            ),
            *(_difference_row(results, pair, state) for pair in found if pair.residual in members),
        ]
        for members in network_groups(results)
        for state, title in views.items()
    ]
    return tabular("ll" + "r" * len(MEASURES), ["Slice about", "Network", *MEASURE_HEADS], groups)


def network_groups(results: Results) -> list[list[str]]:
    """Pairs first, each network once, then those without a counterpart."""
    groups: list[list[str]] = []
    seen: set[str] = set()
    for pair in pairs(results.study.networks):
        members = [network for network in (pair.residual, pair.plain) if network not in seen]
        groups.append(members)
        seen.update(members)
    return groups + [[network] for network in results.study.networks if network not in seen]


def _measures_row(results: Results, network: str, state: str, title: str) -> list[str]:
    return [title, typewriter(network), *(_measure_cell(results, network, state, name) for name in MEASURES)]


def _difference_row(results: Results, pair: Pair, state: str) -> list[str]:
    """Residual minus plain with its interval, of the measures of flatness."""
    judged = {entry.measure for entry in FLATNESS.measures}
    cells = [
        interval(roughness_difference(results, pair, state, name), printed(name)[1]) if name in judged else ""
        for name in MEASURES
    ]
    return ["", "difference", *cells]


def _measure_cell(results: Results, network: str, state: str, name: str) -> str:
    """Over seeds mean and deviation; with one seed the deviation over directions where there is one."""
    values = results.measure(network, state, name)
    factor, digits = printed(name)
    if len(values) > 1:
        return spread_cell(values, digits, factor)
    deviation = results.measure(network, state, f"{name}_sd")[0]
    has_spread = (
        measured(values[0]) and measured(deviation) and name != "centre_loss"
    )  # all directions share it
    spread = rf"\,\textpm\,{fixed(factor * deviation, digits)}" if has_spread else ""
    return fixed(factor * values[0] if measured(values[0]) else None, digits) + spread


def matched_table(results: Results) -> str:
    """The checkpoints that are compared at equal training loss, and run by run how flat their surroundings are."""
    head = ["Depth", "Seed", "Target loss", "Network", "Epoch", "Loss", "Difference", "Recomputed"]
    head += ["Rise", "Half-way", "Trace"]
    return tabular(
        "rrrlrrrrrrr", head, [_matched_rows(results, pair) for pair in pairs(results.study.networks)]
    )


def _matched_rows(results: Results, pair: Pair) -> list[list[str]]:
    flatness = {network: _matched_flatness(results, network) for network in (pair.residual, pair.plain)}
    rows = []
    for index, seed in enumerate(results.study.seeds):
        for network in (pair.residual, pair.plain):
            found = results.matched(network, seed)
            start = [str(pair.depth), str(seed)] if network == pair.residual else ["", ""]
            if found is None or not measured(found["loss"]):
                rows.append([*start, ABSENT, typewriter(network), *7 * [ABSENT]])
                continue
            target, loss = found["target_loss"], found["loss"]
            marker = " (final)" if found["hardest"] == network else ""
            rows.append(
                [
                    *start,
                    fixed(target, 3),
                    typewriter(network) + marker,
                    f"{found['epoch']:g}",
                    fixed(loss, 3),
                    fixed(loss - target, 3),
                    fixed(results.matched_recomputed_loss(network, seed), 3),
                    *flatness[network][index],
                ]
            )
    return rows


def _matched_flatness(results: Results, network: str) -> list[list[str]]:
    """By seed: rise and half-way distance of the cuts, and the filter-normalised trace, at equal training loss."""
    rises, halfway = (
        results.measure(network, "matched_cuts", name) for name in ("edge_rise", "halfway_distance")
    )
    traces = curvature_of(results, network, "matched", "normalised_trace")
    return [
        [fixed(rise, 2), fixed(half, 2), fixed(trace, 0)]
        for rise, half, trace in zip(rises, halfway, traces, strict=True)
    ]


def trajectory_table(results: Results) -> str:
    """The principal plane of each path: shares, residual, and the plane's loss against the true one."""
    head = ["Network", r"First (\%)", r"Second (\%)", "Largest residual", "Largest loss gap"]
    return tabular("lrrrr", head, [[_trajectory_row(results, network) for network in results.study.networks]])


def _trajectory_row(results: Results, network: str) -> list[str]:
    columns = list(
        zip(*(trajectory_numbers(results, network, seed) for seed in results.study.seeds), strict=True)
    )
    formats = ((1, 100), (1, 100), (2, 1), (2, 1))
    cells = [
        spread_cell(list(values), digits, factor)
        for values, (digits, factor) in zip(columns, formats, strict=True)
    ]
    return [typewriter(network), *cells]


def trajectory_numbers(results: Results, network: str, seed: int) -> tuple[float, float, float, float]:
    """Explained shares, largest residual over the path's extent from its end, largest |loss gap| in nats."""
    data = results.trajectory(network, seed)
    distance = (data["path"] ** 2).sum("component") + data["residual"] ** 2
    first, second = data["explained_variance"].values[:2].tolist()
    residual = float(data["residual"].max() / distance.max() ** 0.5)
    return (
        first,
        second,
        residual,
        float(abs(data["projected_loss"] - data["recomputed_loss"]).max(skipna=False)),
    )


INSTRUMENTS = ("curvature", "sharpness", "gradients", "robustness")
TRAINED_BY = ("precision", "kernels", "convolutions")
WHOLE = {"initialisation": INITIALISATION, "clipping": CLIPPING}  # all their networks in one file


def provenance_table(results: Results) -> str:
    """Machines and software: a row for each distinct combination of stage and machine."""
    rows: dict[tuple[str, ...], list[str]] = {}
    found = list(origins(results))
    for stage, run, origin in found:
        cells = {column: str(origin.get(column, ABSENT)) for column in PROVENANCE_COLUMNS}
        if origin.get("kernels") == "compiled":
            cells["precision"] += ", compiled"
        if origin.get("convolutions") == "winograd":
            cells["precision"] += ", Winograd"
        key = (stage, *map(escape, cells.values()))
        rows.setdefault(key, []).append(run)
    of_stage: dict[str, list[str]] = {}
    for stage, run, _ in found:
        of_stage.setdefault(stage, []).append(run)
    body = [[key[0], which_runs(runs, of_stage[key[0]]), *key[1:]] for key, runs in rows.items()]
    head = ["Stage", "Runs", "Device", "Precision", "Threads", "Python", "PyTorch", "NumPy"]
    return tabular(r"@{}lp{0.16\linewidth}p{0.24\linewidth}lrlll@{}", head, [body])


def which_runs(runs: list[str], everything: list[str]) -> str:
    """`all`, the seeds where the runs are all of these, or the runs by name, which ends in the seed."""
    if len(runs) == len(everything):
        return "all"
    seeds = list(dict.fromkeys(run.rpartition("-")[2] for run in runs))
    if len(runs) == sum(run.rpartition("-")[2] in seeds for run in everything):
        return f"{'seeds' if len(seeds) > 1 else 'seed'} {enumeration(seeds)}"
    return named(runs)


def origins(results: Results) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Stage, run and provenance: of the study's runs, of the trials, of what is measured as a whole, of the ablation."""
    for network, seed in results.study.runs:
        run = run_name(network, seed)
        yield "training", run, results.training[run]["provenance"]
        yield "surface", run, results.surface(network, seed, "final").attrs
        yield "trajectory", run, results.trajectory(network, seed).attrs
        for name in INSTRUMENTS:
            yield name, run, results.evidence(name, network, seed)["provenance"]
    for run in trial_runs(results):
        yield "trial, training", trial_name(*run), read_json(trial_training_path(*run))["provenance"]
        yield "trial, surface", trial_name(*run), read_slice(trial_slice_path(*run, "final")).attrs
    for stage, path in WHOLE.items():
        yield stage, stage, read_json(path)["provenance"]
    declared = results.parameters["ablation"]
    for (network, decay), seed in product(ablation_runs(declared), declared["seeds"]):
        path = ablation_path(network, decay, seed)
        origin = read_json(path)["provenance"]
        trained = origin | {key: origin.get(f"training_{key}", ABSENT) for key in TRAINED_BY}
        yield "ablation", path.stem, origin
        yield "ablation, training", path.stem, trained
