"""Short trainings with and without clipped gradients for the paper."""

from typing import Any

from experiment.evidence import CLIPPING
from experiment.reporting.latex import ABSENT, enumeration, fixed, measured, significant, tabular, typewriter
from experiment.reporting.results import Results, spread
from experiment.reporting.wording import count, paragraph
from experiment.storage import read_json

MODES = {False: "no", True: "yes"}


def short_trainings(results: Results, network: str, clipped: bool) -> list[dict[str, Any]]:
    """The runs of one network in one mode, by seed."""
    runs = read_json(CLIPPING)["runs"]
    return [run for run in runs if run["network"] == network and run["clipped"] == clipped]


def clipping(results: Results) -> str:
    """Network by network: how many short trainings break, and where the others end."""
    return paragraph(
        [_network_sentence(results, network) for network in results.parameters["clipping"]["networks"]]
    )


def _network_sentence(results: Results, network: str) -> str:
    free, clipped = (short_trainings(results, network, mode) for mode in MODES)
    return f"Of {typewriter(network)} {_outcome(free)} without clipping, and {_outcome(clipped)} with it."


def _outcome(runs: list[dict[str, Any]]) -> str:
    """`two of two runs break (steps 3 and 5)` or `none of two runs breaks (loss 1.40 to 1.60 nats at the end)`."""
    broken = sorted({run["diverged_step"] for run in runs if run["diverged_step"] is not None})
    number = sum(run["diverged_step"] is not None for run in runs)
    start = f"{count(number)} of {count(len(runs))} runs {'break' if number > 1 else 'breaks'}"
    notes = []
    if broken:
        notes.append(f"step{'s' if len(broken) > 1 else ''} {enumeration(list(map(str, broken)))}")
    losses = [run["final_loss"] for run in runs if measured(run["final_loss"])]
    if losses:
        low, high = significant(min(losses)), significant(max(losses))
        notes.append(f"loss {low if low == high else f'{low} to {high}'} nats at the end")
    return f"{start} ({'; '.join(notes)})" if notes else start


def clipping_table(results: Results) -> str:
    """By network and mode: norm of the first gradient, runs that break and when, loss at the end."""
    head = ["Network", "Clipped", "First norm", "Break", "Earliest step", "Last loss"]
    groups = [
        [_row(results, network, clipped) for clipped in MODES]
        for network in results.parameters["clipping"]["networks"]
    ]
    return tabular("llrrrr", head, groups)


def _row(results: Results, network: str, clipped: bool) -> list[str]:
    runs = short_trainings(results, network, clipped)
    steps = [run["diverged_step"] for run in runs if run["diverged_step"] is not None]
    return [
        "" if clipped else typewriter(network),
        MODES[clipped],
        significant(spread([run["gradient_norms"][0] for run in runs]).mean),
        f"{len(steps)}/{len(runs)}",
        str(min(steps)) if steps else ABSENT,
        fixed(spread([run["final_loss"] for run in runs]).mean, 2),
    ]


CLIPPING_SENTENCES = {"clipping": clipping}
CLIPPING_TABLES = {"clipping": clipping_table}
