"""Every claim that is judged: whose it is, what is measured for it, and how it is compared.

The claims are those of Li et al. 2018 and of the literature on residual networks beside it, worded as narrowly as
what is measured for them: a claim says no more than its statistic shows.
"""

from collections.abc import Callable
from dataclasses import dataclass

from experiment.claims import quantities as q
from experiment.claims.samples import (
    Sample,
    activation_contrasts,
    broken,
    clipping_pairs,
    depth_effect,
    dose_trend,
    initial_pairs,
    matched_pairs,
    nothing_learnt,
    own_pairs,
    regularisation_contrasts,
    run_scatter,
    type_pairs,
    vanishing_pairs,
)
from experiment.intervals import Effect, difference, relative_difference
from experiment.reporting.results import Results

RAW = ("largest_eigenvalue", "trace")  # identifiers of raw quantities begin so
# Beginnings of the identifiers of what is revised: added (balanced, normalised largest eigenvalue, relative input noise, barriers counted), or
# another sample, comparison, coefficient, test or threshold than at first (the rest). Where the words alone were narrowed later, all else
# being as it was, nothing is revised.
REVISED = ("vanishing", "balanced", "clipping", "less_overfitting", "flatness_generalisation", "plain_degradation",
           "no_residual_degradation", "chaos", "normalised_largest_eigenvalue", "filter_sharpness", "average_sharpness",
           "input_noise", "relative_input_noise", "fewer_barriers", "strength", "activation", "regularisation", "convexity_map")  # fmt: skip
STATE_NAMES = {"final": "at the final weights", "matched": "at equal training loss"}


@dataclass(frozen=True)
class Claim:
    """`expected` is the sign that the claim gives the estimate; 0: either, as long as there is an effect.

    A claim of either sign is two-sided: each side of 0 is the claimed one, so that it cannot be contradicted.
    """

    id: str
    text: str
    source: (
        str  # key in references.bib of the article that makes it or from whose argument it follows; "": ours
    )
    quantity: str
    comparison: str  # unless the sample says what was compared
    stage: str  # that measured the quantity
    shown: str  # label of the paper's table or figure
    expected: int
    collect: Callable[[Results], Sample]
    effect: Effect = difference
    unit: str = ""  # of a difference; relative differences, ratios and rank correlations have none
    caveat: str = ""  # what else may have decided a contradiction, or stands against it; said beside one

    @property
    def revised(self) -> bool:
        """Whether what is judged was chosen or changed after laptop-scale data on it had been seen."""
        return self.id.startswith(REVISED)

    @property
    def raw(self) -> bool:
        """Whether rescaling batch-normed filters, which leaves the function as it is, moves the quantity."""
        return self.id.startswith(RAW)


LI, HE, HE_IDENTITY = "li2018visualizing", "he2016deep", "he2016identity"
PAIRED, RELATIVE = "residual minus plain", "residual minus plain, relative"


def _paired(
    claim_id: str, text: str, source: str, quantity: str, found: tuple[str, str], expected: int, measure: q.Quantity,
    effect: Effect = difference, unit: str = "", caveat: str = "",
) -> Claim:  # fmt: skip
    """A claim on pairs of one depth and seed; `found` are the stage and the label of where it is shown."""
    comparison = RELATIVE if effect is relative_difference else PAIRED
    return Claim(
        claim_id, text, source, quantity, comparison, *found, expected,
        lambda results: matched_pairs(results, measure), effect, unit, caveat,
    )  # fmt: skip


def _at_both_states(
    name: str, text: str, quantity: str, found: tuple[str, str], expected: int,
    measure: Callable[[str], q.Quantity], effect: Effect = relative_difference, unit: str = "",
) -> list[Claim]:  # fmt: skip
    return [
        _paired(
            f"{name}_{state}", text, LI, f"{quantity}, {where}", found, expected, measure(state), effect, unit
        )
        for state, where in STATE_NAMES.items()
    ]


def _hessian(key: str, quantity: str, shown: str) -> list[Claim]:
    """The claim of flatness for one number of the Hessian, at both states."""
    found = ("measure_curvature", shown)
    return _at_both_states(key, FLATTER, quantity, found, -1, lambda s: q.at_state("curvature", key, s))


def _cuts_of(state: str) -> str:
    return {"final": "cuts", "matched": "matched_cuts"}[state]


ROUGHNESS, SHARPNESS = ("measure_roughness", "tab:cuts"), ("measure_sharpness", "tab:sharpness")
FLATTER = "minima of residual networks are flatter"
WIDER = "minima of residual networks are wider"
BY_DEPTH = "rank correlation with depth; of two depths alone, the deeper minus the shallower"

_TRAINED = [
    _paired("faster_convergence", "residual networks converge faster", HE,
            "training loss averaged over the epochs", ("train", "fig:training"), -1, q.mean_train_loss, unit="nats"),
    Claim("plain_degradation", "the training error of plain networks rises with depth", HE,
          "training error", BY_DEPTH, "train", "tab:training", 1,
          lambda results: depth_effect(results, "plain", q.train_error), unit="share"),
    Claim("no_residual_degradation", "the training error of residual networks falls with depth", HE,
          "training error", BY_DEPTH, "train", "tab:training", -1,
          lambda results: depth_effect(results, "resnet", q.train_error), unit="share"),
    _paired("less_overfitting", "residual networks overfit less", LI,
            "test loss minus training loss without augmentation", ("measure_trajectory", "sec:claims"), -1,
            q.generalisation_gap, unit="nats",
            caveat="whoever fits the training images less has less of a gap to show"),
]  # fmt: skip

_FLATNESS = [
    *_hessian("normalised_largest_eigenvalue", "largest eigenvalue of the filter-normalised Hessian",
              "tab:curvature-normalised"),
    *_hessian("normalised_trace", "trace of the filter-normalised Hessian", "tab:curvature-normalised"),
    *_hessian("largest_eigenvalue", "largest Hessian eigenvalue, which rescaling moves", "tab:curvature"),
    *_hessian("trace", "trace of the Hessian, which rescaling moves", "tab:curvature"),
    *_at_both_states("filter_sharpness", FLATTER, "worst rise in the filter-normalised ball", SHARPNESS, -1,
                     lambda state: q.at_state("sharpness", "filter", state), difference, "nats"),
    *_at_both_states("average_sharpness", FLATTER, "mean rise along filter-normalised directions", SHARPNESS, -1,
                     q.average_sharpness, difference, "nats"),
    *_at_both_states("flat_radius", WIDER, "flat radius", SHARPNESS, 1,
                     q.flat_radius),
    _paired("weight_noise", "residual networks lose less accuracy to disturbed weights", LI,
            "accuracy lost to weight noise, a mean over strengths and directions", ("measure_robustness", "tab:robustness"), -1, q.weight_noise_loss,
            unit="share"),
    Claim("flatness_generalisation", "flat minima go with a small generalisation gap", "keskar2017large",
          "filter-normalised trace and generalisation gap", "rank correlation over networks",
          "measure_curvature", "sec:claims", 1,
          lambda results: run_scatter(
              results, q.at_state("curvature", "normalised_trace", "final"), q.generalisation_gap)),
]  # fmt: skip

CONVEX = "slices of residual networks are more convex"
BARRIERS = "the line from start to end has fewer or lower barriers in residual networks"
_SMOOTHNESS = [
    *_at_both_states("excess_variation", "cuts of residual networks are smoother", "excess variation of cuts", ROUGHNESS,
                     -1, lambda state: q.of_slice(_cuts_of(state), "excess_variation"), difference),
    *_at_both_states("nonconvex_share", CONVEX, "non-convex share of cuts", ROUGHNESS, -1,
                     lambda state: q.of_slice(_cuts_of(state), "nonconvex_share"), difference, "share"),
    _paired("convexity_map", CONVEX, LI,
            "ratio of the smallest to the largest eigenvalue, median over the plane's resolved points and so conditional on "
            "these, at equal training loss",
            ("measure_curvature", "fig:convexity"), -1, q.convexity),
    Claim("chaos_with_depth", "cuts of plain networks grow rougher with depth", LI,
          "excess variation of cuts, at the final weights", BY_DEPTH, *ROUGHNESS, 1,
          lambda results: depth_effect(results, "plain", q.of_slice("cuts", "excess_variation"))),
    _paired("fewer_barriers", BARRIERS, LI,
            "minima of the line from initial to final weights, ends included",
            ("measure_roughness", "tab:barriers"), -1, q.of_slice("line", "minima"), unit="minima"),
    _paired("lower_barrier", BARRIERS, LI, "highest barrier on that line",
            ("measure_roughness", "tab:barriers"), -1, q.of_slice("line", "barrier"), unit="nats"),
]  # fmt: skip

VARIANTS = {  # every one, whatever it shows: choosing among them afterwards would choose the verdict
    "": "with batch norm",
    "-nonorm": "without batch norm",
    "-tanh-nonorm": "tanh, without batch norm",
    "-sigmoid-nonorm": "sigmoid, without batch norm",
}
SIGMOID = "-sigmoid-nonorm"  # its slope of at most 1/4 shrinks gradients of both families towards the first layer: their
# imbalance is how far they vanish, so that `balanced` would be `vanishing` with its sign changed, and is not judged again
UNTRAINED = ("measure_initialisation", "fig:initialisation")
_GRADIENTS = [
    Claim(f"vanishing_gradients{variant}", f"gradients vanish less with shortcuts ({name})", "veit2016residual",
          "log10 of the first over the last layer's gradient norm, untrained",
          f"{PAIRED}, where gradients vanish", *UNTRAINED, 1,
          lambda results, variant=variant: vanishing_pairs(results, variant), unit="powers of ten")
    for variant, name in VARIANTS.items()
] + [
    Claim(f"balanced_gradients{variant}", f"gradients of the first and the last layer are closer in size with shortcuts ({name})",
          HE_IDENTITY, "size of log10 of the first over the last layer's gradient norm, untrained", PAIRED, *UNTRAINED, -1,
          lambda results, variant=variant: initial_pairs(results, variant, q.layer_imbalance), unit="powers of ten")
    for variant, name in VARIANTS.items() if variant != SIGMOID
]  # fmt: skip
_GRADIENTS += [
    *(Claim(name, "clipping mitigates exploding gradients", "pascanu2013difficulty", quantity,
            "clipped minus unclipped, where some gradient is long enough to be clipped",
            "measure_clipping", "fig:clipping", -1, lambda results, measure=measure: clipping_pairs(results, measure),
            unit=unit)
      for name, quantity, measure, unit in (
          ("clipping", "share of runs that break", broken, "share"),
          ("clipping_loss", "last loss over that of guessing, 1 for a run that broke or ends above it", nothing_learnt, ""))),
    _paired("smoother_gradients", "gradients of residual networks change less along the step", "",
            "change of the gradient along its step over its norm, mean over steps and checkpoints",
            ("measure_gradients", "fig:gradients"), -1, q.gradient_change,
            caveat="its median over checkpoints, its mean over time and the effective smoothness, which are no part of the judgement, may say "
            "otherwise"),
    *(Claim(name, "residual networks lose less accuracy to disturbed inputs", "", quantity,
            f"{PAIRED}, at strengths at which neither network guesses", "measure_robustness", "fig:robustness", -1,
            lambda results, measure=measure: own_pairs(results, measure), unit=unit, caveat=caveat)
      for name, quantity, measure, unit, caveat in (
          ("input_noise", "accuracy lost to disturbed images, a mean over kinds and strengths", q.input_noise_loss, "share",
           "the more accurate network has more to lose, and may yet end below the other"),
          ("relative_input_noise", "that loss over the accuracy above guessing", q.relative_input_noise_loss, "", ""))),
]  # fmt: skip

ABLATION = ("measure_ablation", "tab:ablation")
BY_STRENGTH = "Kendall's rank correlation with the strength B within each weight decay"
_DEPENDENCE = [
    Claim("strength_training", "training loss falls with the strength of the shortcut", HE_IDENTITY, "training loss",
          BY_STRENGTH, *ABLATION, -1, lambda results: dose_trend(results, "train_loss")),
    Claim("strength_flatness", "minima flatten with the strength of the shortcut", LI, "filter-normalised trace",
          BY_STRENGTH, *ABLATION, -1, lambda results: dose_trend(results, "normalised_trace")),
    Claim("shortcut_type", "flatness depends on the type of the shortcut", "", "filter-normalised trace",
          "projection minus identity, relative", *ABLATION, 0,
          lambda results: type_pairs(results, "normalised_trace"), relative_difference),
    Claim("activation", "the shortcut's effect on flatness depends on the activation", "", "filter-normalised trace",
          "relative effect of the shortcut with tanh minus that with relu", *ABLATION, 0,
          lambda results: activation_contrasts(results, "normalised_trace"), relative_difference),
    Claim("regularisation", "the shortcut's effect on flatness depends on weight decay", "", "filter-normalised trace",
          "relative effect of the shortcut with weight decay minus that without", *ABLATION, 0,
          lambda results: regularisation_contrasts(results, "normalised_trace"), relative_difference),
]  # fmt: skip

CLAIMS = (*_GRADIENTS, *_TRAINED, *_FLATNESS, *_SMOOTHNESS, *_DEPENDENCE)
