"""Sentences about the study and its training, worded by the numbers."""

from experiment.pairs import Pair, pairs
from experiment.published import published_mean_error
from experiment.reporting.comparison import Difference, paired_over_seeds, test_error_difference
from experiment.reporting.latex import enumeration, escape, fixed, measured, percentage, thousands, typewriter
from experiment.reporting.parameters import parameter_text
from experiment.reporting.results import Results, diverged, spread
from experiment.reporting.values import network_list
from experiment.reporting.wording import basis_note, capital, count_noun, interval, paragraph, verdict

NO_PAIR = "No declared residual network has its plain counterpart beside it, so nothing is compared."
SCALES = {
    "smoke": "smoke scale, which proves that the pipeline runs and \\emph{yields no result}",
    "laptop": "laptop scale, a short budget",
    "gpu": "GPU scale, a short budget from several seeds",
    "paper": "paper scale, the budget declared for the result",
}
SCHEDULES = {
    "he2016": "divided by 10 at one half and three quarters of the budget \\citep{he2016deep}",
    "li2018": "divided by 10 at $1/2$, $3/4$ and $11/12$ of the budget \\citep{li2018visualizing}",
    "one_cycle": "raised linearly, step by step, from 4\\,\\% of that over the first 30\\,\\% of the budget and lowered to zero along half a "
    "cosine (one cycle, after \\citealp{smith2018super})",
}


def design(results: Results) -> str:
    """Scale, networks, data, epochs and seeds in a sentence."""
    epochs = results.parameters["train"]["recipe"]["epochs"]
    scale = SCALES.get(results.scale) or f"a scale of its own, {escape(results.scale)}"
    return (
        f"At {scale}, we train {network_list(results)} on "
        f"{escape(results.dataset_title)} for {count_noun(epochs, 'epoch')} from {count_noun(len(results.study.seeds), 'seed')} "
        "each."
    )


def study(results: Results) -> str:
    """What is compared, on what data, from how many seeds."""
    seeds = len(results.study.seeds)
    caution = (
        " With one seed no statement is made about the variation between training runs." if seeds == 1 else ""
    )
    return (
        f"We train {network_list(results)} on {escape(results.dataset_title)} "
        f"({thousands(results.dataset['train']['images'])} training and "
        f"{thousands(results.dataset['test']['images'])} test images) from {count_noun(seeds, 'seed')} "
        f"each.{caution}"
    )


def recipe(results: Results) -> str:
    """The training recipe in words, from params.yaml."""
    r = results.parameters["train"]["recipe"]
    rate = parameter_text(r["learning_rate"])
    warmup = f", after {r['warmup_steps']} steps at a tenth of the rate" if r["warmup_steps"] else ""
    crop = (
        f"random crops after padding by {count_noun(r['crop_padding'], 'black pixel')}"
        if r["crop_padding"]
        else ""
    )
    flip = "random left--right flips" if r["flip"] else ""
    augmentation = enumeration([part for part in (crop, flip) if part])
    return (
        f"Every network is trained for {r['epochs']} epochs in batches of {r['batch_size']} by SGD with "
        f"{'Nesterov ' if r['nesterov'] else ''}momentum {parameter_text(r['momentum'])} and weight decay "
        f"{parameter_text(r['weight_decay'])} of all parameters; the learning rate peaks at {rate} and is "
        f"{SCHEDULES[r['schedule']]}{warmup}. Augmentation: {augmentation}."
    )


def overrides(results: Results) -> str:
    """Networks whose recipe differs."""
    declared = {
        k: v for k, v in results.parameters["train"]["overrides"].items() if k in results.study.networks
    }
    if not declared:
        return "No network has a recipe of its own."
    parts = [
        f"{typewriter(network)} ({escape(parameter_text(changes).replace('_', ' '))})"
        for network, changes in declared.items()
    ]
    return f"Recipes that differ: {enumeration(parts)}."


def divergence(results: Results) -> str:
    """Which runs diverged."""
    lost = {name: run["diverged_epoch"] for name, run in results.training.items() if diverged(run)}
    if not lost:
        return "No run diverged."
    parts = [f"{typewriter(name)} in epoch {epoch}" for name, epoch in lost.items()]
    return (
        f"{capital(count_noun(len(lost), 'run'))} diverged and {'is' if len(lost) == 1 else 'are'} shown as "
        f"such: {enumeration(parts)}."
    )


def test_error(results: Results) -> str:
    """Test error of each pair."""
    differences = [(pair, test_error_difference(results, pair)) for pair in pairs(results.study.networks)]
    if not differences:
        return NO_PAIR
    return paragraph(
        [*(_test_error(*entry) for entry in differences), basis_note([d for _, d in differences])]
    )


def _test_error(pair: Pair, difference: Difference) -> str:
    if difference.value is None:
        return f"At {pair.label} the test errors cannot be compared, as a network diverged."
    return (
        f"At {pair.label} the residual network misclassifies {percentage(difference.residual, 2)}\\,\\% of "
        f"the test images and the plain one {percentage(difference.plain, 2)}\\,\\%: a difference of "
        f"{interval(difference, 2, 100)} percentage points "
        f"({verdict(difference, 'the residual network is better', 'the plain network is better')})."
    )


def depth_effect(results: Results) -> str:
    """Degradation: how training loss and test error change from the shallowest to the deepest pair."""
    found = pairs(results.study.networks)
    shallow, deep = (found[0], found[-1]) if found else (None, None)
    if shallow is None or shallow.depth == deep.depth:
        return "The effect of depth cannot be judged, as fewer than two depths are declared as pairs."
    return paragraph(
        [
            _depth_effect(results, "residual", shallow.residual, deep.residual),
            _depth_effect(results, "plain", shallow.plain, deep.plain),
            _degradation(results, shallow, deep),
        ]
    )


def _depth_effect(results: Results, family: str, shallow: str, deep: str) -> str:
    losses = [spread(results.train_losses(network)).mean for network in (shallow, deep)]
    errors = [spread(results.test_errors(network)).mean for network in (shallow, deep)]
    if not all(map(measured, (*losses, *errors))):
        return f"For the {family} networks the effect of depth is not measured, as runs diverged."
    return (
        f"From {typewriter(shallow)} to {typewriter(deep)} the training loss goes from "
        f"{fixed(losses[0], 3)} to {fixed(losses[1], 3)} nats and the test error from "
        f"{percentage(errors[0], 2)}\\,\\% to {percentage(errors[1], 2)}\\,\\%."
    )


def _degradation(results: Results, shallow: Pair, deep: Pair) -> str:
    """Degradation is a training loss that rises with depth in plain networks, more than in residual ones."""
    residual, plain = (
        paired_over_seeds(
            results.train_losses(getattr(deep, family)), results.train_losses(getattr(shallow, family))
        )
        for family in ("residual", "plain")
    )
    if residual.value is None or plain.value is None:
        return ""
    if plain.value <= 0:
        return "Within this budget the plain networks show no degradation: the deeper one fits no worse."
    if plain.half_width is not None and not plain.resolved:
        return "That the deeper plain network fits worse is within the error over seeds."
    if residual.value >= plain.value:
        return (
            "The deeper network fits worse in both families, the residual one by no less: depth does not set "
            "them apart here."
        )
    other = (
        "which the deeper residual one does not"
        if residual.value <= 0
        else "by more than the residual one does"
    )
    basis = "" if plain.half_width is not None else ", in one run of each network"
    return (
        f"So the deeper plain network fits the training set worse, {other}: the degradation that shortcuts "
        f"were proposed against \\citep{{he2016deep}} is seen{basis}."
    )


def published(results: Results) -> str:
    """Ours beside He et al.; not comparable on other data."""
    if results.dataset["name"] != "cifar10":
        return (
            f"The published errors are of CIFAR-10 and ours of {escape(results.dataset_title)}: they stand "
            "in one table for the sake of its form and cannot be compared."
        )
    gaps = []
    for (family, depth), network in results.standard_networks().items():
        theirs = published_mean_error("he2016deep", "resnet", depth)
        ours = spread(results.test_errors(network)).mean
        if family == "resnet" and theirs is not None and measured(ours):
            gap = fixed(100 * ours - theirs, 2)
            gaps.append(f"{gap} points at depth {depth}")
    if not gaps:
        return "No declared residual network has a published error to stand beside."
    ours = "mean test errors" if len(results.study.seeds) > 1 else "test errors"
    return f"Our residual networks' {ours} minus those of \\citet{{he2016deep}}: {enumeration(gaps)}."


STUDY_SENTENCES = {
    "design": design,
    "study": study,
    "recipe": recipe,
    "overrides": overrides,
    "divergence": divergence,
    "test_error": test_error,
    "depth_effect": depth_effect,
    "published": published,
}
