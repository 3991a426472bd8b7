"""Every claim of the source article that is judged: what is measured for it, and how it is compared.

The claims are those of Li et al. 2018 and of the literature on residual networks that it draws together.
"""

from collections.abc import Callable
from dataclasses import dataclass

from experiment.claims import quantities as q
from experiment.claims.samples import (
    Sample,
    activation_contrasts,
    clipping_pairs,
    depth_trend,
    dose_trend,
    initial_pairs,
    matched_pairs,
    regularisation_contrasts,
    run_scatter,
    type_pairs,
)
from experiment.intervals import Effect, difference, relative_difference
from experiment.reporting.results import Results

STATE_NAMES = {"final": "at the final weights", "matched": "at equal training loss"}


@dataclass(frozen=True)
class Claim:
    """`expected` is the sign that the claim gives the estimate; 0: either, as long as there is an effect."""

    id: str
    text: str
    quantity: str
    comparison: str
    stage: str  # that measured the quantity
    shown: str  # label of the paper's table or figure
    expected: int
    collect: Callable[[Results], Sample]
    effect: Effect = difference


PAIRED = "residual minus plain, pairs of one depth and seed"
RELATIVE = "residual minus plain relative to their mean size, pairs of one depth and seed"


def _paired(
    claim_id: str, text: str, quantity: str, source: tuple[str, str], expected: int, measure: q.Quantity,
    effect: Effect = difference,
) -> Claim:  # fmt: skip
    stage, shown = source
    comparison = RELATIVE if effect is relative_difference else PAIRED
    collect = lambda results: matched_pairs(results, measure)  # noqa: E731
    return Claim(claim_id, text, quantity, comparison, stage, shown, expected, collect, effect)


def _at_both_states(
    name: str, text: str, quantity: str, source: tuple[str, str], expected: int,
    measure: Callable[[str], q.Quantity], effect: Effect = relative_difference,
) -> list[Claim]:  # fmt: skip
    return [
        _paired(f"{name}_{state}", f"{text} {where}", quantity, source, expected, measure(state), effect)
        for state, where in STATE_NAMES.items()
    ]


def _cuts_of(state: str) -> str:
    return {"final": "cuts", "matched": "matched_cuts"}[state]


TRAINING, ROUGHNESS = ("train", "tab:training"), ("measure_roughness", "tab:cuts")
CURVATURE, SHARPNESS = ("measure_curvature", "tab:curvature"), ("measure_sharpness", "tab:sharpness")
FLATTER = "minima of residual networks are flatter"

_TRAINED = [
    _paired("faster_convergence", "residual networks converge faster",
            "training loss averaged over the epochs", TRAINING, -1, q.mean_train_loss),
    Claim("plain_degradation", "plain networks degrade in training error with depth",
          "training error", "rank correlation with depth over the plain runs", *TRAINING, 1,
          lambda results: depth_trend(results, "plain", q.train_error)),
    Claim("no_residual_degradation", "residual networks do not degrade in training error with depth",
          "training error", "rank correlation with depth over the residual runs", *TRAINING, -1,
          lambda results: depth_trend(results, "resnet", q.train_error)),
    _paired("less_overfitting", "residual networks overfit less",
            "test loss minus training loss without augmentation", TRAINING, -1, q.generalisation_gap),
]  # fmt: skip

_FLATNESS = [
    *_at_both_states("largest_eigenvalue", FLATTER, "largest Hessian eigenvalue", CURVATURE, -1,
                     lambda state: q.at_state("curvature", "largest_eigenvalue", state)),
    *_at_both_states("trace", FLATTER, "trace of the Hessian", CURVATURE, -1,
                     lambda state: q.at_state("curvature", "trace", state)),
    *_at_both_states("normalised_trace", FLATTER, "trace of the filter-normalised Hessian", CURVATURE, -1,
                     lambda state: q.at_state("curvature", "normalised_trace", state)),
    *_at_both_states("filter_sharpness", FLATTER, "worst rise in the filter-normalised ball", SHARPNESS, -1,
                     lambda state: q.at_state("sharpness", "filter", state)),
    *_at_both_states("average_sharpness", FLATTER, "mean rise along filter-normalised directions", SHARPNESS, -1,
                     q.average_sharpness),
    *_at_both_states("flat_radius", "minima of residual networks are wider", "flat radius", SHARPNESS, 1,
                     q.flat_radius),
    _paired("weight_noise", "more parameters near the minimum of a residual network perform alike",
            "accuracy lost to weight noise", ("measure_robustness", "tab:robustness"), -1, q.weight_noise_loss),
    Claim("flatness_generalisation", "flat minima go with a small generalisation gap",
          "filter-normalised trace and generalisation gap", "rank correlation over all runs",
          "measure_curvature", "tab:curvature", 1,
          lambda results: run_scatter(
              results, q.at_state("curvature", "normalised_trace", "final"), q.generalisation_gap)),
]  # fmt: skip

_SMOOTHNESS = [
    *_at_both_states("excess_variation", "landscapes of residual networks are smoother",
                     "excess variation of cuts", ROUGHNESS, -1,
                     lambda state: q.of_slice(_cuts_of(state), "excess_variation"), difference),
    *_at_both_states("nonconvex_share", "landscapes of residual networks are more convex",
                     "non-convex share of cuts", ROUGHNESS, -1,
                     lambda state: q.of_slice(_cuts_of(state), "nonconvex_share"), difference),
    _paired("convexity_map", "landscapes of residual networks are more convex at equal training loss",
            "median ratio of the smallest to the largest eigenvalue on the plane",
            ("measure_curvature", "fig:convexity"), -1, q.convexity),
    Claim("chaos_with_depth", "landscapes without shortcuts grow more chaotic with depth",
          "excess variation of cuts about the final weights", "rank correlation with depth over the plain runs",
          *ROUGHNESS, 1, lambda results: depth_trend(results, "plain", q.of_slice("cuts", "excess_variation"))),
    _paired("fewer_barriers", "the straight path from start to end meets fewer barriers in residual networks",
            "barrier on the line from initial to final weights", ("measure_roughness", "tab:persistence"), -1,
            q.of_slice("line", "barrier")),
]  # fmt: skip

VARIANTS = {  # every one, whatever it shows: choosing among them afterwards would choose the verdict
    "": "with batch norm",
    "-nonorm": "without batch norm",
    "-tanh-nonorm": "tanh, without batch norm",
    "-sigmoid-nonorm": "sigmoid, without batch norm",
}
_GRADIENTS = [
    Claim(f"vanishing_gradients{variant}", f"shortcuts keep gradients from vanishing ({name})",
          "log10 of the first over the last layer's gradient norm, untrained", PAIRED,
          "measure_initialisation", "fig:initialisation", 1,
          lambda results, variant=variant: initial_pairs(results, variant, q.first_to_last_layer))
    for variant, name in VARIANTS.items()
]  # fmt: skip
_GRADIENTS += [
    Claim("balanced_gradients", "shortcuts keep gradients of the first and the last layer in proportion (with batch norm)",
          "|log10| of the first over the last layer's gradient norm, untrained", PAIRED,
          "measure_initialisation", "fig:initialisation", -1,
          lambda results: initial_pairs(results, "", q.layer_imbalance)),
    Claim("clipping", "exploding gradients are a second barrier, and clipping mitigates them",
          "last loss over that of guessing, at most 1",
          "clipped minus unclipped, plain networks without batch norm, pairs of one network and seed",
          "measure_clipping", "fig:clipping", -1, clipping_pairs),
    _paired("smoother_gradients", "gradients of residual networks change less along the step",
            "relative change of the gradient along its step", ("measure_gradients", "tab:gradients"), -1,
            q.gradient_change),
    _paired("input_noise", "residual networks are less sensitive to disturbed inputs",
            "accuracy lost to disturbed images", ("measure_robustness", "tab:robustness"), -1, q.input_noise_loss),
]  # fmt: skip

ABLATION = ("measure_ablation", "tab:ablation")
_DEPENDENCE = [
    Claim("strength_training", "training gains with the strength of the shortcut", "training loss",
          "rank correlation with the strength B", *ABLATION, -1, lambda results: dose_trend(results, "train_loss")),
    Claim("strength_flatness", "minima flatten with the strength of the shortcut", "filter-normalised trace",
          "rank correlation with the strength B", *ABLATION, -1,
          lambda results: dose_trend(results, "normalised_trace")),
    Claim("shortcut_type", "the effect depends on the type of the shortcut", "filter-normalised trace",
          "projection minus identity relative to their mean size, pairs of one weight decay and seed", *ABLATION, 0,
          lambda results: type_pairs(results, "normalised_trace"), relative_difference),
    Claim("activation", "the effect depends on the activation", "filter-normalised trace",
          "effect of the shortcut with tanh minus that with relu", *ABLATION, 0,
          lambda results: activation_contrasts(results, "normalised_trace"), difference),
    Claim("regularisation", "the effect depends on weight decay", "filter-normalised trace",
          "effect of the shortcut with weight decay minus that without", *ABLATION, 0,
          lambda results: regularisation_contrasts(results, "normalised_trace"), difference),
]  # fmt: skip

CLAIMS = (*_GRADIENTS, *_TRAINED, *_FLATNESS, *_SMOOTHNESS, *_DEPENDENCE)
