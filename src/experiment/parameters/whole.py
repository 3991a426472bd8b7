"""All of params.yaml at once: every fault of every section in one message, before anything runs."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from fractions import Fraction
from itertools import pairwise
from math import isfinite, lcm
from pathlib import Path
from typing import Any, get_args

import numpy as np
from pydantic import ValidationError

from experiment.parameters.ablation import Ablation
from experiment.parameters.claims import Claims
from experiment.parameters.curvature import Curvature
from experiment.parameters.dataset import Dataset
from experiment.parameters.gradients import Clipping, Gradients, Initialisation
from experiment.parameters.loading import (
    ELSEWHERE,
    PARAMETERS_FILE,
    ParameterError,
    S,
    Section,
    read_parameters,
)
from experiment.parameters.robustness import Robustness
from experiment.parameters.sharpness import Sharpness
from experiment.parameters.study import Study
from experiment.parameters.surface import Line, Surface
from experiment.parameters.train import Recipe, Train
from experiment.parameters.trajectory import Trajectory
from experiment.parameters.trials import Trials
from flatness.roughness import line_measures

NAMING = (  # lists whose numbers name files, or results within a file; those that may hold a whole number
    "robustness.noise",
    "robustness.blur",
    "robustness.weight_noise",
    "ablation.weight_decays",
    "ablation.further.weight_decays",
    "trials.learning_rates",
)
STRENGTHS = {  # lists of strengths, 1 where the strongest is the largest, -1 where it is the smallest
    "gradients.steps": 1,
    "robustness.noise": 1,
    "robustness.blur": 1,
    "robustness.contrast": -1,
    "robustness.brightness": 1,
    "robustness.weight_noise": 1,
}


class Parameters(Study):
    """params.yaml: the runs (`networks`, `seeds`) and a section per kind of work."""

    dataset: Dataset
    train: Train
    trajectory: Trajectory
    surface: Surface
    curvature: Curvature
    sharpness: Sharpness
    initialisation: Initialisation
    gradients: Gradients
    clipping: Clipping
    robustness: Robustness
    ablation: Ablation
    trials: Trials
    claims: Claims


def load_parameters(path: Path = PARAMETERS_FILE) -> Parameters:
    """All of params.yaml; ParameterError with a line per fault: key, expected, found."""
    content = read_parameters(path)
    faults = [*faults_of(content, Parameters), *joint_faults(content)]
    if faults:
        raise ParameterError("\n  ".join([f"{path}: {len(faults)} fault(s), nothing was run", *faults]))
    return Parameters.model_validate(content)


def faults_of(content: Any, kind: type[Section], where: str = "") -> Iterator[str]:
    """One line for each key of `content` that is not as `kind` declares it."""
    try:
        kind.model_validate(content)
    except ValidationError as invalid:
        for error in invalid.errors():
            yield _describe(error, kind, where)


def joint_faults(content: dict[str, Any]) -> Iterator[str]:
    """What is wrong between keys that are right by themselves, as far as they are."""
    study = _if_valid({key: content.get(key) for key in Study.model_fields}, Study)
    train = _if_valid(content.get("train"), Train)
    if study and train:
        yield from override_faults(study, train)
        yield from recipe_faults(study, train)
    if train:
        yield from checkpoint_faults(train)
        trials = _if_valid(content.get("trials"), Trials)
        yield from trial_faults(train, trials) if trials else ()
    yield from direction_faults(content)
    yield from naming_faults(content)
    yield from order_faults(content)
    line = _if_valid(_found_at(content, "surface.line"), Line)
    if line:
        yield from line_faults(line)


def override_faults(study: Study, train: Train) -> Iterator[str]:
    for network in train.overrides:
        if network not in study.networks:
            yield f"train.overrides.{network}: not a declared network{_alternatives(network, study.networks)}"


def recipe_faults(study: Study, train: Train) -> Iterator[str]:
    """Of every declared network's recipe, overrides included."""
    for network in study.networks:
        overrides = train.overrides.get(network, {})
        where = f"train.overrides.{network}" if overrides else "train.recipe"
        fields = train.recipe.model_dump() | overrides
        yield from faults_of(fields, Recipe, where)
        recipe = _if_valid(fields, Recipe)
        if recipe and recipe.nesterov and recipe.momentum == 0:
            yield f"{where}: nesterov true needs a momentum above 0 (network {network})"
        if recipe and len(train.checkpoints_for(network)) < 3:
            yield (
                f"train.checkpoint_epochs: expected 2 or more below the last epoch of {network}, "
                f"{recipe.epochs}: a plane takes 3 points; found {train.checkpoint_epochs}"
            )


def checkpoint_faults(train: Train) -> Iterator[str]:
    first, last = train.checkpoint_epochs[0], train.checkpoint_epochs[-1]
    if first != 0:
        yield f"train.checkpoint_epochs: expected to begin with 0, the initial weights; found {first}"
    recipes = [train.recipe.model_dump() | fields for fields in train.overrides.values()]
    budgets = [recipe.epochs for recipe in (train.recipe, *(_if_valid(r, Recipe) for r in recipes)) if recipe]
    if last >= max(budgets):
        yield (
            f"train.checkpoint_epochs: expected epochs below {max(budgets)}, the longest training's last, "
            f"which is always kept; found {last}"
        )


def trial_faults(train: Train, trials: Trials) -> Iterator[str]:
    for network in trials.networks:
        rate = (train.recipe.model_dump() | train.overrides.get(network, {}))["learning_rate"]
        if rate in trials.learning_rates:
            yield f"trials.learning_rates: expected others than that of {network} in train, {rate}; found {trials.learning_rates}"


def order_faults(content: dict[str, Any]) -> Iterator[str]:
    """Of strengths that are drawn along an axis, the last of which is spoken of as the strongest."""
    for key, sign in STRENGTHS.items():
        values = _found_at(content, key)
        if not isinstance(values, list) or not all(isinstance(value, int | float) for value in values):
            continue
        if any(sign * (b - a) <= 0 for a, b in pairwise(values)):
            order = "ascending" if sign > 0 else "descending"
            yield f"{key}: expected different numbers, {order}, the strongest last; found {values}"


def direction_faults(content: dict[str, Any]) -> Iterator[str]:
    for place in ("surface", "surface.cuts", "curvature", "robustness"):
        seeds = _found_at(content, f"{place}.direction_seeds")
        if isinstance(seeds, list) and len(set(map(str, seeds))) < len(seeds):
            yield (
                f"{place}.direction_seeds: expected different seeds, as equal seeds draw equal directions; "
                f"found {seeds}"
            )
    yield from plane_faults(content)


def plane_faults(content: dict[str, Any]) -> Iterator[str]:
    """The convexity map is laid over the surface, so both need the same plane."""
    surface, curvature = (
        _if_valid(content.get("surface"), Surface),
        _if_valid(content.get("curvature"), Curvature),
    )
    distinct = surface and len(set(surface.direction_seeds)) > 1
    if distinct and curvature and surface.direction_seeds != curvature.direction_seeds:
        yield (
            f"curvature.direction_seeds: expected those of surface.direction_seeds, {surface.direction_seeds}, so that the "
            f"convexity map lies on the surface's plane; found {curvature.direction_seeds}"
        )


def naming_faults(content: dict[str, Any]) -> Iterator[str]:
    """DVC and the results' readers take a name from the number as written, the stages from it as a float."""
    for place in NAMING:
        numbers = _found_at(content, place)
        for number in numbers if isinstance(numbers, list) else ():
            if type(number) is int:
                yield (
                    f"{place}: expected numbers with a decimal point, since results are named by them; "
                    f"found {number}: write {number} as {float(number)!r}"
                )


def line_faults(line: Line) -> Iterator[str]:
    """Barrier and minima are those between the initial (0) and the final (1) weights, both included."""
    if not _has_measures(line):
        yield (
            "surface.line: expected start, stop and points such that 0 and 1 are among them, with another between, or "
            f"neither barrier nor minima are measured; found {_written(line)}; "
            f"write for example {_written(_nearest_line(line))}"
        )


def _has_measures(line: Line) -> bool:
    """Whether a loss along these points has the measures of a line."""
    level = np.zeros(line.points)
    return isfinite(line_measures(level, level, np.linspace(line.start, line.stop, line.points))["barrier"])


def _nearest_line(line: Line) -> Line:
    """A line that has them: the ends as declared, to a twentieth, the points as many as can be near those declared."""
    start, stop = min(0.0, round(20 * line.start) / 20), max(1.0, round(20 * line.stop) / 20)
    unit = lcm(2, *(Fraction(end).limit_denominator(20).denominator for end in (start, stop)))
    steps = round((stop - start) * unit)  # of 1 / unit: the ends, 0 and 1 are whole numbers of them
    return Line(points=steps * max(1, round((line.points - 1) / steps)) + 1, start=start, stop=stop)


def _written(line: Line) -> str:
    return f"start: {line.start}, stop: {line.stop}, points: {line.points}"


def _found_at(content: Any, place: str) -> Any:
    """The value at a dotted key, None where there is none."""
    for name in place.split("."):
        content = content.get(name) if isinstance(content, dict) else None
    return content


def _if_valid(content: Any, kind: type[S]) -> S | None:
    try:
        return kind.model_validate(content)
    except ValidationError:
        return None


def _describe(error: Any, kind: type[Section], where: str) -> str:
    *parents, key = error["loc"] or ("",)
    place = ".".join(str(part) for part in (where, *parents, key) if part != "")
    if error["type"] == "extra_forbidden":
        return f"{place}: unknown key{_alternatives(str(key), list(_nested(kind, parents).model_fields))}"
    if error["type"] == "missing":
        return f"{place}: missing key; {ELSEWHERE}"
    message = error["msg"].removeprefix("Value error, ")
    return f"{place}: {message}; found {error['input']!r}{_number_hint(error['input'])}"


def _nested(kind: type[Section], location: Sequence[str]) -> type[Section]:
    """The section at `location` within `kind`."""
    for key in location:
        annotation = kind.model_fields[key].annotation
        kind = next(
            c for c in (annotation, *get_args(annotation)) if isinstance(c, type) and issubclass(c, Section)
        )
    return kind


def _alternatives(word: str, allowed: Sequence[str]) -> str:
    close = get_close_matches(word, allowed, 1)
    return (f", did you mean {close[0]!r}?" if close else ";") + f" expected one of {', '.join(allowed)}"


def _number_hint(found: Any) -> str:
    """A number in quotes is text: say how to write the number."""
    try:
        return f" (text; write the number as {float(found)!r})" if isinstance(found, str) else ""
    except ValueError:
        return ""
