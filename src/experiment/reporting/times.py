"""What training took, by the clock: the one number that a second run does not repeat."""

import csv

from experiment.reporting.latex import enumeration, escape, fixed, typewriter
from experiment.reporting.results import Results, diverged
from experiment.storage import epochs_path, run_name

REPEATED = ("smoke",)  # scales whose documents two runs repeat to the byte, and which therefore tell no time
MINUTE = 60  # seconds


def training_times(results: Results) -> str:
    """Minutes of training by network, means over the seeds that did not diverge, with the machines."""
    if results.scale in REPEATED:
        return "Times are not stated at this scale, so that two runs give the same document."
    minutes = {network: _minutes(results, network) for network in results.study.networks}
    known = [f"{fixed(sum(m) / len(m), 1)} ({typewriter(network)})" for network, m in minutes.items() if m]
    if not known:
        return "No training ran to its end, so no time is stated."
    origins = [results.training[run_name(*run)]["provenance"] for run in results.study.runs]
    machines = sorted({f"{escape(origin['device'])} with {_threads(origin)}" for origin in origins})
    return (
        f"By the clock, and with whatever else the machine did, training took {enumeration(known)} minutes a run "
        f"({enumeration(machines, 'or')}). {_repeated(results)}"
    ).strip()


def _repeated(results: Results) -> str:
    """That a second run repeats the rest, where it was all computed on a CPU; of other devices nothing is promised."""
    kinds = {
        results.training[run_name(*run)]["provenance"].get("device_type", "cpu") for run in results.study.runs
    }
    return "On the same CPU a second run repeats the other numbers." if kinds == {"cpu"} else ""


def repeats(results: Results) -> str:
    """What a second run has in common with the first."""
    stated = "are not stated at this scale" if results.scale in REPEATED else r"\cref{sec:machines} states"
    return (
        "Computed on a CPU, on the same one with the same software the pipeline repeats all results, the figures and this document to the byte, "
        f"except the times of training, which {stated}."
    )


def _minutes(results: Results, network: str) -> list[float]:
    """By seed, without runs that diverged."""
    return [
        seconds_of(network, seed) / MINUTE
        for seed in results.study.seeds
        if not diverged(results.training[run_name(network, seed)])
    ]


def seconds_of(network: str, seed: int) -> float:
    """Of all epochs of a run."""
    with open(epochs_path(network, seed), newline="") as file:
        return sum(float(row["seconds"]) for row in csv.DictReader(file))


def _threads(origin: dict) -> str:
    return f"{origin['threads']} thread{'' if origin['threads'] == 1 else 's'}"


TIMES_SENTENCES = {"training_times": training_times, "repeats": repeats}
