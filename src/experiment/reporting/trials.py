"""The table and the sentences of the trials: the deep networks at the study's learning rate and at others."""

from typing import Any

from scipy.stats import norm

from experiment.reporting.judgement import FLATNESS, outcome
from experiment.reporting.latex import (
    enumeration,
    escape,
    measured,
    significant,
    tabular,
    typewriter,
)
from experiment.reporting.results import Results, diverged, printed, spread
from experiment.reporting.tables import spread_cell
from experiment.reporting.trial_settings import Setting, counterpart, difference, settings
from experiment.reporting.wording import basis_note, capital, paragraph
from flatness.roughness import CURVATURE_ERRORS


def train_loss(run: dict[str, Any]) -> float:
    return run["train_loss"]


def test_error(run: dict[str, Any]) -> float:
    return 1 - run["test_accuracy"]


MEASURES = (  # view, name, head
    ("cuts", "centre_loss", "Centre"),
    ("cuts", "edge_rise", "Rim rise"),
    ("cuts", "halfway_distance", "Half-way"),
    ("cuts", "excess_variation", "Excess var."),
    ("cuts", "nonconvex_share", r"Non-convex (\%)"),
    ("cuts", "raw_nonconvex_share", "raw"),
    ("final", "edge_rise", "Rim rise"),
    ("final", "excess_variation", "Excess var."),
)
VIEWS = {"cuts": "in the cuts", "final": "on the plane"}
HIGH = 1000.0  # nats
NOISE_SHARE = float(
    norm.sf(CURVATURE_ERRORS)
)  # of second differences that noise alone would count as negative


def trials_table(results: Results) -> str:
    """A row for each network and learning rate, after the residual network of the same depth and the study's own rate."""
    head = ["Network", "Rate", "Loss", r"Error (\%)", *(title for _, _, title in MEASURES)]
    cuts = sum(view == "cuts" for view, _, _ in MEASURES)
    spans = ((4, "Training"), (cuts, "Cuts"), (len(MEASURES) - cuts, "Plane"))
    top = " & ".join(rf"\multicolumn{{{columns}}}{{c}}{{{title}}}" for columns, title in spans) + r" \\"
    groups = [
        [
            _row(setting)
            for setting in [*filter(None, [counterpart(results, network)]), *settings(results, network)]
        ]
        for network in results.parameters["trials"]["networks"]
    ]
    return tabular("lr" + "r" * (len(head) - 2), head, groups, top)


def _row(setting: Setting) -> list[str]:
    return [
        typewriter(setting.network),
        f"{setting.rate:g}",
        _loss(setting),
        _error(setting),
        *(_cell(setting, view, name) for view, name, _ in MEASURES),
    ]


def _loss(setting: Setting) -> str:
    return spread_cell(setting.outcome(train_loss), 3)


def _error(setting: Setting) -> str:
    return spread_cell(setting.outcome(test_error), 2, 100)


def _cell(setting: Setting, view: str, name: str) -> str:
    """Mean and deviation over seeds; three significant figures where a slice ends as high as no decimal matters."""
    factor, digits = printed(name)
    values = setting.measure(view, name)
    mean = spread(values).mean
    if measured(mean) and abs(mean) >= HIGH:
        return significant(float(f"{mean:.2e}"))
    return spread_cell(values, digits, factor)


def trials(results: Results) -> str:
    """What the other rates change, network by network, against the residual network, and whether any slice is rough."""
    parts = [_of_network(results, network) for network in results.parameters["trials"]["networks"]]
    return paragraph([*parts, _other_formats(results)])


def _of_network(results: Results, network: str) -> str:
    found, residual = settings(results, network), counterpart(results, network)
    others = [setting for setting in found if not setting.own]
    lost = [setting.label for setting in found if all(map(diverged, setting.training))]
    return paragraph(
        [
            *(_training_clause(setting, found, residual) for setting in others),
            _against(residual, found) if residual else "",
            _roughness(found),
            f"Diverged: {enumeration(lost)}." if lost else "",
        ]
    )


def _training_clause(setting: Setting, found: list[Setting], residual: Setting | None) -> str:
    """How the network trains at another rate, the others in parentheses."""
    beside = [entry for entry in found if entry.own] + ([residual] if residual else [])
    shown = [f"{_loss(entry)} nats and {_error(entry)}\\,\\% of {entry.label}" for entry in beside]
    against = f", against {enumeration(shown)}" if shown else ""
    return (
        f"Trained at {setting.rate:g}, {typewriter(setting.network)} ends at a training loss of {_loss(setting)} nats and a "
        f"test error of {_error(setting)}\\,\\%{against}."
    )


def _against(residual: Setting, found: list[Setting]) -> str:
    """Flatness of the residual network's cuts and of the network's at each rate, with what the directions resolve."""
    compared = [
        (judged, setting, difference(residual, setting, judged.measure))
        for judged in FLATNESS.measures
        for setting in found
    ]
    known = [entry for entry in compared if entry[2].value is not None]
    if not known:
        return f"The cuts cannot be compared with those of {typewriter(residual.network)}."
    texts = []
    for judged in FLATNESS.measures:
        clauses = [
            f"{_cell(setting, 'cuts', judged.measure)}{judged.unit} for {setting.label} ({outcome(judged, d, FLATNESS)})"
            for other, setting, d in known
            if other is judged
        ]
        if clauses:
            texts.append(
                f"the {judged.name} is {_cell(residual, 'cuts', judged.measure)}{judged.unit}, against {enumeration(clauses)}"
            )
    return f"For the cuts of {residual.label} {'; '.join(texts)}. {basis_note([d for _, _, d in known])}"


def _roughness(found: list[Setting]) -> str:
    """Which measures of which slices are beyond what errors and noise would give."""
    rough = [f"for {setting.label} {text}" for setting in found if (text := _rough_measures(setting))]
    return (
        f"Beyond the errors: {'; '.join(rough)}."
        if rough
        else "In none of these slices is roughness resolved."
    )


def _rough_measures(setting: Setting) -> str:
    """`an excess variation of 1.05 on the plane`; a share of negative second differences only above that of noise."""
    texts = []
    for name, bound, words, unit in (
        ("excess_variation", 1.0, "an excess variation", ""),
        ("nonconvex_share", NOISE_SHARE, "a share of negative second differences", r"\,\%"),
    ):
        places = [
            f"of {_cell(setting, view, name)}{unit} {place}"
            for view, place in VIEWS.items()
            if any(measured(value) and value > bound for value in setting.measure(view, name))
        ]
        texts += [f"{words} {enumeration(places)}"] if places else []
    return enumeration(texts) if texts else ""


def _other_formats(results: Results) -> str:
    """Says where the trials and the study's runs of a network were trained or measured in different number formats."""
    notes = []
    for network in results.parameters["trials"]["networks"]:
        own, *others = settings(results, network)
        if own.own:
            formats = [_formats(own), *map(_formats, others)]
            if len(set(formats)) > 1:
                notes.append(
                    f"{typewriter(network)} was {formats[0]} by the study and {enumeration(formats[1:])} here"
                )
    return f"{capital('; '.join(notes))}, so that more than the rate differs." if notes else ""


def _formats(setting: Setting) -> str:
    """`trained in bfloat16 and its slices measured in float32`."""
    training, slices = (
        enumeration(sorted(set(map(escape, names))))
        for names in ([run["provenance"]["precision"] for run in setting.training], setting.formats)
    )
    if training == slices:
        return f"trained and measured in {training}"
    return f"trained in {training} and measured in {slices}"


def trial_in_short(results: Results, network: str) -> str:
    """`The cuts of plain56 rise by 3.02 nats at a learning rate of 0.1 and by 36600 at 0.01, those of resnet56 by 7.69.`

    Nothing without a residual network beside it.
    """
    residual = counterpart(results, network)
    if residual is None:
        return ""
    first, *others = settings(results, network)
    rises = [f"by {_rise(first)} nats at a learning rate of {first.rate:g}"]
    rises += [f"by {_rise(setting)} at {setting.rate:g}" for setting in others]
    return (
        f"The cuts of {typewriter(network)} rise {enumeration(rises)}, those of {typewriter(residual.network)} by "
        f"{_rise(residual)} at {residual.rate:g}."
    )


def _rise(setting: Setting) -> str:
    return _cell(setting, "cuts", "edge_rise")


TRIALS_SENTENCES = {"trials": trials}
TRIALS_TABLES = {"trials": trials_table}
