"""Short trainings with and without clipped gradients for the paper."""

from typing import Any

from experiment.claims.samples import is_touched
from experiment.evidence import CLIPPING
from experiment.reporting.latex import ABSENT, enumeration, fixed, measured, significant, tabular, typewriter
from experiment.reporting.results import Results, spread
from experiment.reporting.wording import LARGE, count, count_noun, number, paragraph, places
from experiment.storage import read_json, run_name

MODES = {False: "no", True: "yes"}
LEARNT = 0.01  # nats below the loss of guessing at which a run has begun to learn
Run = dict[str, Any]


def short_trainings(results: Results, network: str, clipped: bool) -> list[Run]:
    """The runs of one network in one mode, by seed."""
    runs = read_json(CLIPPING)["runs"]
    return [run for run in runs if run["network"] == network and run["clipped"] == clipped]


def clipping(results: Results) -> str:
    """Network by network: how many short trainings break, and where the others end; in all, how many learn."""
    networks = results.parameters["clipping"]["networks"]
    return paragraph(
        [
            *(_network_sentence(results, network) for network in networks),
            _learning(results, networks),
            _mended(results, networks),
            _harmed(results, networks),
            _touched(results, networks),
        ]
    )


def _network_sentence(results: Results, network: str) -> str:
    free, clipped = (short_trainings(results, network, mode) for mode in MODES)
    return f"Of {typewriter(network)}, without clipping, {_outcome(free)}; with it, {_outcome(clipped)}."


def _outcome(runs: list[Run]) -> str:
    """`one of two runs breaks (at step 4) and the other ends at a loss of 2.30 nats`."""
    steps = [run["diverged_step"] for run in runs if run["diverged_step"] is not None]
    text = f"{count(len(steps))} of {count(len(runs))} runs {'break' if len(steps) > 1 else 'breaks'}"
    if len(runs) == 1:
        text = "the one run breaks" if steps else "the one run does not break"
    if steps:
        each = sorted(set(steps))
        text += f" (at step{'s' if len(each) > 1 else ''} {enumeration(list(map(str, each)))})"
    losses = [run["final_loss"] for run in runs if measured(run["final_loss"])]
    if not losses:
        return text
    low, high = significant(min(losses)), significant(max(losses))
    span = f"{low if low == high else f'{low} to {high}'} nats"
    if not steps:
        return f"{text} (loss {span} at the end)"
    return f"{text} and {'the other ends' if len(losses) == 1 else 'the others end'} at a loss of {span}"


def _learning(results: Results, networks: list[str]) -> str:
    """How many of the runs that stay finite learn, with and without clipping."""
    texts = []
    for clipped, words in {False: "without clipping", True: "with it"}.items():
        whole = [
            run
            for n in networks
            for run in short_trainings(results, n, clipped)
            if measured(run["final_loss"])
        ]
        if whole:
            learnt = sum(has_learnt(results, run) for run in whole)
            texts.append(f"{count(learnt)} of {count(len(whole))} {words}")
    if not texts:
        return ""
    return (
        f"To stay finite is not to learn: of the runs that do not break, {enumeration(texts)} "
        f"end more than {LEARNT:g} nats below the loss of guessing, {fixed(results.chance_loss, 2)}."
    )


def has_learnt(results: Results, run: Run) -> bool:
    return measured(run["final_loss"]) and run["final_loss"] < results.chance_loss - LEARNT


def _mended(results: Results, networks: list[str]) -> str:
    """How many of the runs that break without clipping learn with it."""
    rescued = [clipped for free, clipped in _twins(results, networks) if free["diverged_step"] is not None]
    if not rescued:
        return "No run breaks without clipping, so that there is nothing for it to mend."
    learnt = sum(has_learnt(results, run) for run in rescued)
    rest = "the others" if learnt else "them"
    caution = (
        ""
        if learnt == len(rescued)
        else f"; in {rest} it prevents overflow at most, and learning is not shown"
    )
    return (
        f"Of the runs that break without clipping {count(learnt)} of {count(len(rescued))} "
        f"{'learns' if learnt < 2 else 'learn'} with it{caution}."
    )


def _touched(results: Results, networks: list[str]) -> str:
    """How many runs of each network clipping touches, and which networks have too few for a verdict."""
    bound = results.parameters["clipping"]["largest_norm"]
    unclipped = {network: short_trainings(results, network, False) for network in networks}
    counts = {network: sum(is_touched(run, bound) for run in runs) for network, runs in unclipped.items()}
    least = results.parameters["claims"]["least_seeds"]
    few = [typewriter(network) for network, number in counts.items() if 0 < number < least]
    shares = [
        f"{count(number)} of {count(len(unclipped[network]))} ({typewriter(network)})"
        for network, number in counts.items()
    ]
    verdict = (
        f"; {enumeration(few)} {'has' if len(few) == 1 else 'have'} fewer of them than the {count_noun(least, 'seed')} that a "
        "verdict asks for, so that none is given, whatever $p$ is"
        if few
        else ""
    )
    return f"Clipping touches the runs with a gradient that is long enough: {enumeration(shares)}{verdict}."


def _harmed(results: Results, networks: list[str]) -> str:
    """Which touched runs that stay finite in both modes end higher with clipping, and how the judgement takes that."""
    bound = results.parameters["clipping"]["largest_norm"]
    finite = [
        (free, clipped)
        for free, clipped in _twins(results, networks)
        if is_touched(free, bound) and measured(free["final_loss"]) and measured(clipped["final_loss"])
    ]
    worse = [(free, clipped) for free, clipped in finite if clipped["final_loss"] > free["final_loss"]]
    if not worse:
        return ""
    ends = [
        f"{typewriter(run_name(free['network'], free['seed']))} ({significant(clipped['final_loss'])} against {significant(free['final_loss'])} nats)"
        for free, clipped in worse
    ]
    return (
        f"Of the {count_noun(len(finite), 'touched pair')} of runs that stay finite in both modes, {count(len(worse))} "
        f"{'ends' if len(worse) == 1 else 'end'} higher with clipping: {enumeration(ends)}. The judgement by the last loss asks "
        "what was learnt: every loss above that of guessing is nothing learnt to it, and harm done there is none."
    )


def _twins(results: Results, networks: list[str]) -> list[tuple[Run, Run]]:
    """The runs without and with clipping of each network and seed."""
    return [
        twins
        for network in networks
        for twins in zip(*(short_trainings(results, network, mode) for mode in MODES), strict=True)
    ]


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
        _norm_cell(spread([run["gradient_norms"][0] for run in runs]).mean),
        f"{len(steps)}/{len(runs)}",
        str(min(steps)) if steps else ABSENT,
        fixed(spread([run["final_loss"] for run in runs]).mean, 2),
    ]


def _norm_cell(norm: float | None) -> str:
    """Three figures; above a thousand without decimals, its digits in groups."""
    return number(norm, places(norm, None, 2)) if measured(norm) and norm >= LARGE else significant(norm)


CLIPPING_SENTENCES = {"clipping": clipping}
CLIPPING_TABLES = {"clipping": clipping_table}
