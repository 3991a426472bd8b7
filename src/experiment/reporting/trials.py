"""The table and the sentences of the trials: the deep networks at the study's learning rate and at others."""

from itertools import accumulate, pairwise
from typing import Any

from experiment.reporting.comparison import Difference
from experiment.reporting.judgement import FLATNESS, HALFWAY, SMOOTHNESS, Judged, outcome
from experiment.reporting.latex import (
    ABSENT,
    PLUS_MINUS,
    enumeration,
    escape,
    fixed,
    measured,
    named,
    tabular,
    typewriter,
)
from experiment.reporting.results import Results, diverged, printed, spread
from experiment.reporting.slice_sentences import ROUGH_MATCH, cuts_note, largest_gap
from experiment.reporting.tables import spread_cell
from experiment.reporting.trial_settings import Setting, counterpart, difference, settings
from experiment.reporting.wording import (
    LARGE,
    article,
    basis_note,
    capital,
    interval,
    number,
    paragraph,
    places,
    ratio,
)


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
    ("cuts", "raw_nonconvex_share", r"Raw (\%)"),
    ("final", "edge_rise", "Rim rise"),
    ("final", "excess_variation", "Excess var."),
)
VARIATION = SMOOTHNESS.measures[0].measure


def trials_table(results: Results) -> str:
    """A row for each network and learning rate, after the residual network of the same depth and the study's own rate."""
    head = ["Network", "Rate", "Loss", r"Error (\%)", *(title for _, _, title in MEASURES)]
    cuts = sum(view == "cuts" for view, _, _ in MEASURES)
    spans = ((2, ""), (2, "Training"), (cuts, "Cuts"), (len(MEASURES) - cuts, "Plane"))
    top = " & ".join(rf"\multicolumn{{{columns}}}{{c}}{{{title}}}" for columns, title in spans) + r" \\"
    ends = list(accumulate(columns for columns, _ in spans))
    rules = "".join(rf"\cmidrule(lr){{{start + 1}-{end}}}" for start, end in pairwise(ends))
    groups = [
        [
            _row(setting)
            for setting in [*filter(None, [counterpart(results, network)]), *settings(results, network)]
        ]
        for network in results.parameters["trials"]["networks"]
    ]
    return tabular("lr" + "r" * (len(head) - 2), head, groups, f"{top}\n{rules}")


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
    """Mean and deviation over seeds, with one seed over directions, of what the text compares."""
    factor, digits = printed(name)
    values = setting.measure(view, name)
    mean, deviation = _spread(setting, view, name)
    if not measured(mean) or (len(values) > 1 and abs(mean) < LARGE):
        return spread_cell(values, digits, factor)
    shown = places(mean, deviation, digits)
    error = PLUS_MINUS + number(factor * deviation, shown) if measured(deviation) else ""
    return number(factor * mean, shown) + error


def _spread(setting: Setting, view: str, name: str) -> tuple[float | None, float | None]:
    found = spread(setting.measure(view, name))
    if found.total > 1 or view != "cuts" or name not in {judged.measure for judged in FLATNESS.measures}:
        return found.mean, found.deviation
    return found.mean, setting.measure(view, f"{name}_sd")[0]


def _mean(setting: Setting, judged: Judged) -> str:
    """Of the cuts, without the deviation."""
    factor, digits = printed(judged.measure)
    mean, deviation = _spread(setting, "cuts", judged.measure)
    return number(factor * mean, places(mean, deviation, digits)) if measured(mean) else ABSENT


def _apart(judged: Judged, found: Difference) -> str:
    """`4.67 +- 5.63`, residual minus plain, and the ratio where that tells them apart."""
    factor, digits = printed(judged.measure)
    return interval(found, places(found.value, found.half_width, digits), factor) + ratio(found)


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
            *(_training_clause(setting, found, residual) for setting in others if setting.label not in lost),
            _against(results, residual, found) if residual else "",
            _roughness(found),
            _planes(found),
            f"Diverged: {enumeration(lost)}." if lost else "",
        ]
    )


def _training_clause(setting: Setting, found: list[Setting], residual: Setting | None) -> str:
    """How the network trains at another rate, against the study's own and the residual network."""
    beside = [entry for entry in found if entry.own] + ([residual] if residual else [])
    shown = [f"{_loss(entry)} nats and {_error(entry)}\\,\\% of {entry.label}" for entry in beside]
    against = f", against {enumeration(shown)}" if shown else ""
    return (
        f"Trained at {setting.rate:g}, {typewriter(setting.network)} ends at a training loss of {_loss(setting)} nats and a "
        f"test error of {_error(setting)}\\,\\%{against}."
    )


def _against(results: Results, residual: Setting, found: list[Setting]) -> str:
    """Flatness of the residual network's cuts and of the network's at each rate, with what the directions resolve.

    What the intervals cover is said where it is not that of the study's own cuts.
    """
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
            f"{_mean(setting, judged)}{judged.unit} for {setting.label} "
            f"(difference {_apart(judged, d)}: {outcome(judged, d, FLATNESS)})"
            for other, setting, d in known
            if other is judged
        ]
        if clauses:
            texts.append(
                f"the {judged.name} is {_mean(residual, judged)}{judged.unit}, against {enumeration(clauses)}"
            )
    note = basis_note([d for _, _, d in known])
    return paragraph(
        [
            f"For the cuts of {residual.label} {'; '.join(texts)}.",
            _climbs(results, [residual, *found]),
            note if note != cuts_note(results, "cuts") else "",
            _training_caution(residual, found),
        ]
    )


def _climbs(results: Results, found: list[Setting]) -> str:
    """How far half-way to chance lies above each setting's centres: from a high centre it is near at any curvature."""
    climbs = {setting.label: climb for setting in found if (climb := _climb(results, setting))}
    return (
        f"Half-way is a climb of {enumeration([f'{climb} for {label}' for label, climb in climbs.items()])}; the shorter the climb, "
        "the nearer half-way lies."
    )


def _training_caution(residual: Setting, found: list[Setting]) -> str:
    """Names the rates at which the training loss is not that of the residual network."""
    own = spread(residual.outcome(train_loss)).mean
    losses = {setting.label: spread(setting.outcome(train_loss)).mean for setting in found}
    apart = [
        label
        for label, loss in losses.items()
        if measured(loss) and measured(own) and largest_gap([[own, loss]]) > ROUGH_MATCH
    ]
    if not apart:
        return ""
    return (
        f"In training loss {enumeration(apart)} differ{'s' if len(apart) == 1 else ''} from {residual.label}, so that architecture "
        "is confounded with the success of training."
    )


def _roughness(found: list[Setting]) -> str:
    """Which measures of which cuts are beyond what errors and noise would give; nothing where no cut was measured."""
    values = [setting.measure("cuts", judged.measure) for setting in found for judged in SMOOTHNESS.measures]
    if not any(measured(value) for of_seeds in values for value in of_seeds):
        return ""
    rough = [f"for {setting.label} ({text})" for setting in found if (text := _rough_measures(setting))]
    return (
        f"In the cuts roughness is resolved {enumeration(rough)}."
        if rough
        else "In none of these cuts is roughness resolved."
    )


def _rough_measures(setting: Setting) -> str:
    """`an excess variation of 1.05`; a share of negative second differences only above that of noise."""
    texts = [
        f"{article(judged.name)} of {_cell(setting, 'cuts', judged.measure)}{judged.unit}"
        for judged in SMOOTHNESS.measures
        if any(map(judged.exceeds, setting.measure("cuts", judged.measure)))
    ]
    return enumeration(texts) if texts else ""


def _planes(found: list[Setting]) -> str:
    """The excess variation of the planes, which illustrate; a single plane has no error."""
    measured_on = [setting for setting in found if any(map(measured, setting.measure("final", VARIATION)))]
    if not measured_on:
        return ""
    values = [f"{_cell(setting, 'final', VARIATION)} for {setting.label}" for setting in measured_on]
    alone = all(len(setting.seeds) == 1 for setting in measured_on)
    return (
        f"On the planes the excess variation is {enumeration(values)}{', of unknown error' if alone else ''}."
    )


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
    """`The half-way distance of the cuts ... is 0.51 for resnet56 and, for plain56, 0.38 (...) and 0.24 at a learning rate ...`

    That measure, since it is bounded, where a rise far from the weights is not; with the climb, the shorter of which is
    the nearer. Nothing without a residual network beside it; a setting whose cuts have no half-way distance is left out.
    """
    residual = counterpart(results, network)
    found = [s for s in settings(results, network) if _mean(s, HALFWAY) != ABSENT]
    if residual is None or _mean(residual, HALFWAY) == ABSENT or not found:
        return ""
    distances = [_distance(results, residual, setting) for setting in found]
    return (
        f"The {HALFWAY.name} of the cuts about the final weights is {_mean(residual, HALFWAY)} for {typewriter(residual.network)} "
        f"(a climb of {_climb(results, residual)}) and, for {typewriter(network)}, {enumeration(distances)}."
    )


def _climb(results: Results, setting: Setting) -> str:
    """`1.04 nats`: from the centres of the cuts half-way to chance; nothing where these were not measured."""
    centre = spread(setting.measure("cuts", "centre_loss")).mean
    return f"{fixed((results.chance_loss - centre) / 2, 2)} nats" if measured(centre) else ""


def _distance(results: Results, residual: Setting, setting: Setting) -> str:
    """`0.24 at a learning rate of 0.01 (a climb of 0.45 nats; difference 0.27 +- 0.04; training loss 1.437 against 0.287 nats)`."""
    found, notes = difference(residual, setting, HALFWAY.measure), [f"a climb of {_climb(results, setting)}"]
    if found.value is not None:
        notes.append(f"difference {_apart(HALFWAY, found)}" + ("" if found.resolved else ", not resolved"))
    if not setting.own:
        notes.append(f"training loss {_loss(setting)} against {_loss(residual)} nats")
    rate = "" if setting.own else f" at a learning rate of {setting.rate:g}"
    return _mean(setting, HALFWAY) + rate + (f" ({'; '.join(notes)})" if notes else "")


def trial_networks(results: Results) -> str:
    """Nothing where no trial is declared: by that the paper tells whether there are any."""
    networks = results.parameters["trials"]["networks"]
    return named(networks) if networks else ""


TRIALS_SENTENCES = {"trials": trials, "trial_networks": trial_networks}
TRIALS_TABLES = {"trials": trials_table}
