"""Sentences about sampling and precision, and slices that compare no pair: planes, lines, statistics."""

from math import hypot

import numpy as np
from scipy.stats import spearmanr

from experiment.pairs import Pair, pairs
from experiment.reporting.comparison import Difference
from experiment.reporting.judgement import FAMILY, HALFWAY, plane_difference
from experiment.reporting.landscape_tables import trajectory_numbers
from experiment.reporting.latex import (
    enumeration,
    fixed,
    measured,
    percentage,
    significant,
    thousands,
    typewriter,
)
from experiment.reporting.results import Results, spread
from experiment.reporting.sides import by_label
from experiment.reporting.slice_sentences import lower_centre, rise_apart
from experiment.reporting.wording import count, count_noun, paragraph
from experiment.storage import run_name


def sampling_rule(results: Results) -> str:
    """How many images a point takes, from params.yaml."""
    error = results.parameters["surface"]["relative_error"]
    if error is None:
        return "Here every point uses all images of its set, so that its standard error is zero."
    return (
        f"Here a point stops once the standard error is at most {percentage(error)}\\,\\% of the loss, or "
        "all images are used."
    )


def sampling(results: Results) -> str:
    """The images that points of the final surfaces took, and the errors they reached."""
    images, first = results.dataset["train"]["images"], results.parameters["surface"]["batch_size"]
    counts, errors = [], []
    for run in results.study.runs:
        data = results.surface(*run, "final").sel(set="train")
        finite = np.isfinite(data["loss"].values)
        counts += data["samples"].values[finite].tolist()
        errors += (data["standard_error"].values / data["loss"].values)[finite].tolist()
    if not counts:
        return "No surface was measured."
    alone = np.mean([count <= first for count in counts])
    batch = thousands(min(first, images))
    stopped = f"; {percentage(alone, 0)}\\,\\% of the points stop at their first batch, of {batch}"
    return (
        f"Over all points of the final surfaces the median number of training images used is "
        f"{thousands(round(np.median(counts)))} of {thousands(images)}{stopped if alone else ''}. The largest relative "
        f"standard error is {percentage(max(errors))}\\,\\%."
    )


def precision(results: Results) -> str:
    """Largest difference of the fast evaluation from float32."""
    attributes = [results.surface(*run, "final").attrs for run in results.study.runs]
    checks = [
        float(entry["precision_check"]) for entry in attributes if measured(float(entry["precision_check"]))
    ]
    kinds = enumeration(sorted({str(entry["precision"]) for entry in attributes}))
    if not checks:
        return f"Surfaces were computed in {kinds}; no comparison with float32 was possible."
    return (
        f"Surfaces were computed in {kinds}, with batch norm folded into the convolutions; at the centre "
        "and two corners of each final plane the loss differs from an unfolded float32 evaluation of the same images by at "
        f"most {significant(100 * max(checks), 2)}\\,\\%, an error that the standard errors do not include."
    )


def trajectory(results: Results) -> str:
    """How much of the paths their planes hold, and how far the plane's loss is from the truth."""
    rows = np.array([trajectory_numbers(results, *run) for run in results.study.runs], dtype=float)
    rows = rows[np.isfinite(rows[:, :3]).all(axis=1)]
    if not len(rows):
        return "No trajectory could be projected."
    gap = (
        f"differs from its own by up to {significant(rows[:, 3].max())} nats"
        if np.isfinite(rows[:, 3]).all()
        else "is not finite for every checkpoint"
    )
    shares = rows[:, 0] + rows[:, 1]
    return (
        f"The two components hold between {percentage(shares.min())} and {percentage(shares.max())}\\,\\% of "
        "the checkpoints' summed squared distances from the final weights. The plane is not the path: a "
        f"checkpoint lies up to {fixed(rows[:, 2].max(), 2)} of the path's extent away from it, and the loss at "
        f"its projection {gap}."
    )


def test_set(results: Results) -> str:
    """Rank correlation of training and test loss over the points of each final surface."""
    correlations = []
    for run in results.study.runs:
        data = results.surface(*run, "final")
        losses = [data["loss"].sel(set=name).values.ravel() for name in ("train", "test")]
        if np.isfinite(losses).all():
            correlations.append(float(spearmanr(*losses).statistic))
    correlations = [value for value in correlations if measured(value)]
    if not correlations:
        return "Training and test surfaces could not be compared."
    low, high = fixed(min(correlations), 3), fixed(max(correlations), 3)
    between = low if low == high else f"between {low} and {high}"
    return f"Spearman's correlation of training and test loss over a final surface's points is {between}."


def recomputed(results: Results) -> str:
    """What recomputing batch-norm statistics does to the planes' rise, network by network."""
    parts = [
        f"from {fixed(before, 2)} to {fixed(after, 2)} nats for {typewriter(network)}"
        for network, (before, after) in _rises(results).items()
    ]
    return (
        f"With statistics recomputed at each point the rise to the rim goes {enumeration(parts)}."
        if parts
        else ""
    )


def recomputed_flatness(results: Results) -> str:
    """`Residual minus plain it is then 0.31 +- 0.20 nats, a ratio of ..., at depth 20 and ...`, over seeds; which network is flatter by
    that, and which by the half-way distance.
    """
    found = {
        pair.label: plane_difference(results, pair, "recomputed", "edge_rise")
        for pair in pairs(results.study.networks)
    }
    known = {label: rise for label, rise in found.items() if rise.half_width is not None}
    if not known:
        return ""
    flatter = {
        family: [label for label, rise in known.items() if rise.sign == sign]
        for sign, family in FAMILY.items()
    }
    words = [
        f"the {family} network is the flatter at {enumeration(labels)}"
        for family, labels in flatter.items()
        if labels
    ]
    return (
        "With recomputed statistics the planes' rise, residual minus plain, is "
        f"{enumeration([f'{rise_apart(rise)} at {label}' for label, rise in known.items()])}: by this, about the final weights, "
        f"{enumeration(words) if words else 'neither is told to be the flatter'}.{_recomputed_halfway(results)}"
    )


def _recomputed_halfway(results: Results) -> str:
    """` By their half-way distance, at depth 56 the residual network is the flatter (...).`: the other measure of flatness."""
    found = {
        pair: plane_difference(results, pair, "recomputed", HALFWAY.measure)
        for pair in pairs(results.study.networks)
    }
    texts = {
        pair.label: {"neither": "no difference is resolved"}.get(
            winner, f"the {winner} network is the flatter"
        )
        + _halfway_notes(results, pair, apart)
        for pair, apart in found.items()
        if (winner := HALFWAY.winner(apart))
    }
    return f" By their half-way distance, {by_label(texts)}." if texts else ""


def _halfway_notes(results: Results, pair: Pair, apart: Difference) -> str:
    """` (from centres of ...; known of three of six seeds, in the rest resnet56 may not get there within the slice)`"""
    centres = lower_centre(results, pair, "recomputed")
    longer = f"from {centres[1]}" if centres and centres[0] == HALFWAY.winner(apart) else ""
    known, seeds = int(apart.freedom) + 1, len(results.study.seeds)
    networks = [
        n
        for n in (pair.residual, pair.plain)
        if not all(map(measured, results.measure(n, "recomputed", HALFWAY.measure)))
    ]
    some = (
        f"known of {count(known)} of {count_noun(seeds, 'seed')}, in the rest {enumeration(list(map(typewriter, networks)), 'or')} "
        "may not get there within the slice"
        if known < seeds
        else ""
    )
    notes = "; ".join(filter(None, [longer, some]))
    return f" ({notes})" if notes else ""


def _rises(results: Results) -> dict[str, list[float]]:
    """The planes' rise about the final weights with running and with recomputed statistics, where both are measured."""
    rises = {
        network: [
            spread(results.measure(network, state, "edge_rise")).mean for state in ("final", "recomputed")
        ]
        for network in results.study.networks
    }
    return {network: both for network, both in rises.items() if all(map(measured, both))}


def statistics_effect(results: Results) -> str:
    """Factors by which the choice of statistics and the architecture change the planes' rise."""
    rises = {network: both for network, both in _rises(results).items() if min(both) > 0}
    if not rises:
        return ""
    change = [running / recomputed for running, recomputed in rises.values()]
    low, high = significant(min(change), 2), significant(max(change), 2)
    found = [pair for pair in pairs(results.study.networks) if {pair.residual, pair.plain} <= rises.keys()]
    between = [
        max(
            max(
                rises[p.residual][kind] / rises[p.plain][kind], rises[p.plain][kind] / rises[p.residual][kind]
            )
            for p in found
        )
        for kind in (0, 1)
        if found
    ]
    apart = (
        f"; between the networks of a pair it differs by a factor of up to {significant(between[0], 2)} with running "
        f"statistics and of up to {significant(between[1], 2)} with recomputed ones"
        if between
        else ""
    )
    return (
        "About the final weights, recomputing batch-norm statistics at each point divides the planes' rise to the rim by "
        f"{low if low == high else f'{low} to {high}'}{apart}."
    )


def line(results: Results) -> str:
    """Whether the loss falls monotonically on the straight line from initial to final weights."""
    by_run = {run: _climb(results, *run) for run in results.study.runs}
    climbs = {
        network: found
        for network in results.study.networks
        if (found := [by_run[network, s] for s in results.study.seeds if measured(by_run[network, s])])
    }
    monotone = [typewriter(network) for network, found in climbs.items() if max(found) == 0]
    bumpy = [
        f"{significant(max(found), 2)} nats for {typewriter(network)}{_how_many(found)}"
        for network, found in climbs.items()
        if max(found) > 0
    ]
    lost = [typewriter(run_name(*run)) for run, climb in by_run.items() if not measured(climb)]
    return paragraph(
        [
            _monotone(monotone, everything=not bumpy and not lost),
            f"On that way it climbs by as much as {enumeration(bumpy)}." if bumpy else "",
            f"Not measured: {enumeration(lost)}." if lost else "",
        ]
    )


def _how_many(climbs: list[float]) -> str:
    """` (in two of six seeds)`; nothing of a single one."""
    return (
        f" (in {count(sum(climb > 0 for climb in climbs))} of {count_noun(len(climbs), 'seed')})"
        if len(climbs) > 1
        else ""
    )


def _monotone(networks: list[str], everything: bool) -> str:
    """Which networks' losses fall all the way; not their names where it is all of them."""
    if not networks:
        return ""
    way = "on the way from the initial to the final weights"
    if everything and len(networks) > 1:
        return f"For none of the networks does the training loss climb beyond three times its standard error {way}."
    names = enumeration(networks, "or")
    return f"The training loss does not climb beyond three times its standard error {way} for {names}."


def _climb(results: Results, network: str, seed: int) -> float:
    """Largest L_j - L_i, i < j, 0 <= alpha <= 1, beyond three times its standard error; 0: none, NaN: unknown."""
    data = results.surface(network, seed, "line").sel(set="train")
    inside = (data["alpha"] >= -1e-9) & (data["alpha"] <= 1 + 1e-9)
    losses, errors = (data[name].values[inside.values] for name in ("loss", "standard_error"))
    if not np.isfinite(losses).all():
        return float("nan")
    climbs = [
        losses[j] - losses[i]
        for i in range(len(losses))
        for j in range(i + 1, len(losses))
        if losses[j] - losses[i] > 3 * hypot(errors[i], errors[j])
    ]
    return float(max(climbs, default=0.0))


MEASUREMENT_SENTENCES = {
    "sampling_rule": sampling_rule,
    "sampling": sampling,
    "precision": precision,
    "trajectory": trajectory,
    "test_set": test_set,
    "recomputed": recomputed,
    "recomputed_flatness": recomputed_flatness,
    "statistics_effect": statistics_effect,
    "line": line,
}
