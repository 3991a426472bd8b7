"""The measures of sharpness as the paper names them, their numbers by run, and their differences within
pairs.
"""

from dataclasses import dataclass
from typing import Any

from experiment.pairs import Pair
from experiment.reporting.comparison import Difference, paired
from experiment.reporting.results import Results
from experiment.reporting.sharpness_states import by_direction, is_bound, number
from experiment.reporting.wording import count, count_noun

PLACES = {"final": "at the final weights", "matched": "at equal training loss"}


@dataclass(frozen=True)
class Measure:
    """A measure as the text names it, by itself and as what a network is the sharper in; `sharper` is 1 where higher
    values are the sharper, -1 where lower ones are.
    """

    key: str
    name: str
    case: str
    head: str
    unit: str
    sharper: int = 1
    searched: bool = True  # the largest value that a search met, a lower bound of the measure

    def family(self, difference: Difference) -> str | None:
        """The sharper network, without an interval by the value alone; None where the difference is not resolved."""
        known = difference.half_width is not None
        sign = difference.sign if known else (difference.value > 0) - (difference.value < 0)
        return {1: "residual", -1: "plain", 0: None}[self.sharper * sign]


MEASURES = (
    Measure("box", "worst case in the box", "in the box", r"Box (\%)", r"\,\%"),
    Measure("l2", "worst case in the L2 ball", "in the L2 ball", "L2 ball", " nats"),
    Measure("elementwise", "adaptive by weight", "in the adaptive ball by weight", "By weight", " nats"),
    Measure("filter", "adaptive by filter", "in the adaptive ball by filter", "By filter", " nats"),
    Measure("average", "average", "by the average rise", "Average", " nats", searched=False),
    Measure("flat_radius", "flat radius", "by the flat radius", "Flat radius", "", -1, searched=False),
)
JUDGED = MEASURES[2:]  # those that rescaling filters leaves as they are
RAW = MEASURES[:2]


def runs_of(results: Results, network: str) -> list[dict[str, Any]]:
    """The network's results by seed."""
    return [results.evidence("sharpness", network, seed) for seed in results.study.seeds]


def numbers(results: Results, network: str, state: str, key: str) -> list[float | None]:
    """By seed."""
    return [number(run["states"][state], key) for run in runs_of(results, network)]


def difference(results: Results, pair: Pair, state: str, key: str) -> Difference:
    """Residual minus plain; with one seed the interval covers the draw of directions, paired, where there are any."""
    networks = (pair.residual, pair.plain)
    return paired(*([of_runs(results, n, state, key) for n in networks] for of_runs in (numbers, directions)))


def directions(results: Results, network: str, state: str, key: str) -> list[list[float] | None]:
    return [by_direction(run["states"][state], key) for run in runs_of(results, network)]


def falling(results: Results, network: str, state: str) -> str:
    """`four of five directions`: how many of the average rises, over seeds and directions, are falls; nothing for none."""
    rises = [rise for of_run in directions(results, network, state, "average") for rise in of_run or ()]
    falls = sum(rise < 0 for rise in rises)
    return f"{count(falls)} of {count_noun(len(rises), 'direction')}" if falls else ""


def bounded(results: Results, network: str, state: str, key: str) -> bool:
    """Whether a seed's number is a lower bound."""
    return any(is_bound(run["states"][state], key) for run in runs_of(results, network))
