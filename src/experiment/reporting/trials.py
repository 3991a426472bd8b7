"""The table and the sentences of the trials: the deep networks at the study's learning rate and at others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from experiment.reporting.latex import enumeration, escape, measured, significant, tabular, typewriter
from experiment.reporting.results import Results, diverged, printed, spread
from experiment.reporting.tables import spread_cell
from experiment.reporting.wording import capital, paragraph
from experiment.storage import read_json, run_name
from experiment.trials import trial_name, trial_training_path

Values = list[float | None]  # by seed


@dataclass(frozen=True)
class Setting:
    """A network at one learning rate: training summaries and roughness of its runs, by seed."""

    network: str
    rate: float
    training: list[dict[str, Any]]
    roughness: list[dict[str, Any]]
    own: bool  # the study's rate

    def outcome(self, make: Callable[[dict[str, Any]], float]) -> Values:
        return [None if diverged(run) else make(run) for run in self.training]

    def measure(self, view: str, name: str) -> Values:
        return [found[view].get(name) for found in self.roughness]

    @property
    def label(self) -> str:
        return f"{typewriter(self.network)} at {self.rate:g}"


def settings(results: Results, network: str) -> list[Setting]:
    """The network as the study trains it, where it does, then at the rates of the trials."""
    declared = results.parameters["trials"]
    trials = [_trial(results, network, rate, declared["seeds"]) for rate in declared["learning_rates"]]
    return [*([_own(results, network)] if network in results.study.networks else []), *trials]


def _own(results: Results, network: str) -> Setting:
    section = results.parameters["train"]
    rate = (section["recipe"] | section["overrides"].get(network, {}))["learning_rate"]
    names = [run_name(network, seed) for seed in results.study.seeds]
    return Setting(
        network, rate, [results.training[n] for n in names], [results.roughness[n] for n in names], own=True
    )


def _trial(results: Results, network: str, rate: float, seeds: list[int]) -> Setting:
    training = [_training(network, rate, seed) for seed in seeds]
    roughness = [results.roughness[trial_name(network, rate, seed)] for seed in seeds]
    return Setting(network, rate, training, roughness, own=False)


def _training(network: str, rate: float, seed: int) -> dict[str, Any]:
    path = trial_training_path(network, rate, seed)
    try:
        return read_json(path)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path} not found: it is made by an earlier stage; run `dvc repro`"
        ) from None


def train_loss(run: dict[str, Any]) -> float:
    return run["train_loss"]


def test_error(run: dict[str, Any]) -> float:
    return 1 - run["test_accuracy"]


MEASURES = (  # view, name, head
    ("cuts", "centre_loss", "Centre"),
    ("cuts", "edge_rise", "Rim rise"),
    ("cuts", "halfway_distance", "Half-way"),
    ("cuts", "excess_variation", "Excess var."),
    ("cuts", "raw_excess_variation", "raw"),
    ("cuts", "nonconvex_share", r"Non-convex (\%)"),
    ("cuts", "raw_nonconvex_share", "raw"),
    ("cuts", "resolvable_bump", "Resolvable"),
    ("final", "minima", "Minima"),
)
HIGH = 1000.0  # nats
FORMATS = {"raw_nonconvex_share": printed("nonconvex_share"), "minima": (1, 0)}


def trials_table(results: Results) -> str:
    """A row for each network and learning rate, the study's own first."""
    head = ["Network", "Rate", "Loss", r"Error (\%)", *(title for _, _, title in MEASURES)]
    groups = [
        [_row(setting) for setting in settings(results, network)]
        for network in results.parameters["trials"]["networks"]
    ]
    return tabular("lr" + "r" * (len(head) - 2), head, groups)


def _row(setting: Setting) -> list[str]:
    training = [
        spread_cell(setting.outcome(train_loss), 3),
        spread_cell(setting.outcome(test_error), 2, 100),
    ]
    return [
        typewriter(setting.network),
        f"{setting.rate:g}",
        *training,
        *(_cell(setting, view, name) for view, name, _ in MEASURES),
    ]


def _cell(setting: Setting, view: str, name: str) -> str:
    """Mean and deviation over seeds; three significant figures where a slice ends as high as no decimal matters."""
    factor, digits = FORMATS.get(name, printed(name))
    values = setting.measure(view, name)
    mean = spread(values).mean
    if measured(mean) and abs(mean) >= HIGH:
        return significant(float(f"{mean:.2e}"))
    return spread_cell(values, digits, factor)


def trials(results: Results) -> str:
    """What the other rates change, network by network, and whether any slice is then rough."""
    parts = [_comparison(settings(results, network)) for network in results.parameters["trials"]["networks"]]
    return paragraph([*parts, _other_machines(results)])


def _comparison(found: list[Setting]) -> str:
    clauses = [_clause(setting) for setting in found]
    rough = [setting.label for setting in found if _is_rough(setting)]
    lost = [setting.label for setting in found if all(map(diverged, setting.training))]
    verdict = (
        f"On a cut or the plane, roughness beyond the errors is met with {enumeration(rough)}."
        if rough
        else "In none of these slices is roughness resolved."
    )
    return paragraph(
        [
            *(f"{capital(clause)}." for clause in clauses),
            verdict,
            f"Diverged: {enumeration(lost)}." if lost else "",
        ]
    )


def _clause(setting: Setting) -> str:
    loss, error = (
        spread_cell(setting.outcome(make), digits, factor)
        for make, digits, factor in ((train_loss, 3, 1), (test_error, 2, 100))
    )
    rise, halfway, raw, share = (
        _cell(setting, "cuts", name)
        for name in ("edge_rise", "halfway_distance", "raw_excess_variation", "raw_nonconvex_share")
    )
    origin = ", the study's own," if setting.own else ""
    return (
        f"trained at {setting.rate:g}{origin} {typewriter(setting.network)} ends at a training loss of {loss} nats and a test "
        f"error of {error}\\,\\%; its cuts rise by {rise} nats to the rim, half-way to chance at a distance of {halfway}; their "
        f"excess variation with every bump counted is {raw}, the share of negative second differences {share}\\,\\%"
    )


def _is_rough(setting: Setting) -> bool:
    """Whether a cut or the plane of any seed shows a bump or a negative curvature beyond its error."""
    bounds = (("excess_variation", 1.0), ("nonconvex_share", 0.0))
    values = [
        (value, bound)
        for name, bound in bounds
        for view in ("cuts", "final")
        for value in setting.measure(view, name)
    ]
    return any(measured(value) and value > bound for value, bound in values)


def _other_machines(results: Results) -> str:
    """Says where trials and the study's runs of a network were trained in different number formats."""
    notes = []
    for network in results.parameters["trials"]["networks"]:
        own, *others = settings(results, network)
        if own.own:
            formats = [_formats(own), *map(_formats, others)]
            if len(set(formats)) > 1:
                notes.append(
                    f"{typewriter(network)} was trained in {formats[0]} by the study and in {enumeration(formats[1:])} here"
                )
    return f"{capital('; '.join(notes))}, which alone makes it another run." if notes else ""


def _formats(setting: Setting) -> str:
    return enumeration(sorted({escape(run["provenance"]["precision"]) for run in setting.training}))


TRIALS_SENTENCES = {"trials": trials}
TRIALS_TABLES = {"trials": trials_table}
