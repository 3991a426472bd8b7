"""Which observations a claim is judged by, on results made by hand."""

from math import log
from types import SimpleNamespace

import pytest
import xarray

from experiment.claims import quantities, samples
from experiment.claims.quantities import NotMeasured
from experiment.evidence import CLIPPING, INITIALISATION, ablation_path, evidence_path
from experiment.intervals import Contrast
from experiment.parameters.study import Study
from experiment.reporting.results import Results
from experiment.storage import write_json


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def study(networks, seeds, **parameters):
    chosen = Study(networks=networks, seeds=seeds)
    return Results("paper", parameters, chosen, {"classes": ["a", "b"]}, {}, {}, {})


def untrained(**ratios):
    """initialisation.json in which the first layer's norm is `ratio` times the last one's, one ratio per seed."""
    networks = {
        name: {
            "runs": [
                {"seed": seed, "reason": None, "layers": {"first": 2.0 * ratio, "last": 2.0}}
                for seed, ratio in enumerate(by_seed)
            ]
        }
        for name, by_seed in ratios.items()
    }
    write_json(INITIALISATION, {"networks": networks})
    return study(
        ["resnet8"],
        [0],
        initialisation={
            "families": ["resnet", "plain"],
            "variants": [""],
            "depths": [8, 14],
            "seeds": [0, 1],
        },
    )


def test_vanishing_is_judged_where_gradients_vanish_in_the_mean_of_both_families():
    results = untrained(resnet8=[1, 1], plain8=[1, 100], resnet14=[0.1, 1], plain14=[0.001, 0.01])
    found = samples.vanishing_pairs(results, "")
    assert [(o.stratum, o.seed, *o.first, *o.second) for o in found.observations] == [
        ("depth 14", 0, pytest.approx(-1), pytest.approx(-3)),
        ("depth 14", 1, 0, pytest.approx(-2)),
    ]


def test_plain_gradients_that_come_out_small_beside_others_have_not_vanished():
    results = untrained(resnet8=[1, 1], plain8=[0.05, 0.05], resnet14=[1, 1], plain14=[1, 1])
    assert not samples.vanishing_pairs(results, "").observations


def test_an_exploding_gradient_has_not_vanished():
    results = untrained(resnet8=[1, 1], plain8=[1e6, 1e6], resnet14=[0.2, 0.2], plain14=[0.3, 0.3])
    found = samples.vanishing_pairs(results, "")
    assert not found.observations and "no gradient vanishes" in found.missing[0]
    balance = samples.initial_pairs(results, "", quantities.layer_imbalance)
    assert balance.observations[0].second == (pytest.approx(6),)


def run(network, clipped, *norms, broken=False, loss=None):
    return {
        "network": network,
        "seed": 0,
        "clipped": clipped,
        "gradient_norms": norms,
        "diverged_step": 1 if broken else None,
        "final_loss": loss,
    }


def test_clipping_is_judged_on_runs_of_either_family_that_it_touches():
    write_json(
        CLIPPING,
        {
            "runs": [
                run("resnet56-nonorm", False, 1e5, broken=True),
                run("resnet56-nonorm", True, 1e5, loss=log(2) / 2),
                run("plain56-nonorm", False, 0.2, loss=log(2)),
                run("plain56-nonorm", True, 0.2, loss=log(2)),
                run("plain20-nonorm", False, 0.2, 3.0, loss=log(2) / 2),
                run("plain20-nonorm", True, 0.2, 2.0, loss=log(2) / 4),
            ]
        },
    )
    results = study(["resnet8"], [0], clipping={"largest_norm": 1.0})
    breaks = samples.clipping_pairs(results, samples.broken)
    losses = samples.clipping_pairs(results, samples.nothing_learnt)
    assert [(o.stratum, o.first, o.second) for o in breaks.observations] == [
        ("resnet56-nonorm", (0.0,), (1.0,)),
        ("plain20-nonorm", (0.0,), (0.0,)),
    ]
    assert losses.observations[0].first == (pytest.approx(0.5),) and losses.observations[0].second == (1.0,)
    assert breaks.missing == ["plain56-nonorm, seed 0: no gradient of it is long enough to be clipped"]


def depth(network, seed):
    return [10.0 * int(network.removeprefix("plain").removeprefix("resnet")) + seed]


def test_two_runs_of_a_family_make_a_pair_and_more_a_trend():
    def measure(results, network, seed):
        return depth(network, seed)

    two = samples.depth_effect(study(["plain8", "plain14", "resnet8"], [3]), "plain", measure)
    assert (two.kind, two.observations[0].first, two.observations[0].second) == ("pairs", (143.0,), (83.0,))
    assert two.comparison == "plain14 minus plain8"
    seeds = samples.depth_effect(study(["plain8", "plain14"], [0, 1]), "plain", measure)
    assert [(o.seed, o.first, o.second) for o in seeds.observations] == [
        (0, (140.0,), (80.0,)),
        (1, (141.0,), (81.0,)),
    ]
    many = samples.depth_effect(study(["plain8", "plain14", "plain20"], [0]), "plain", measure)
    assert (many.kind, many.comparison) == ("scatter", "rank correlation with depth")
    assert [(p.x, p.y) for p in many.points] == [(8, 80), (14, 140), (20, 200)]
    one = samples.depth_effect(study(["plain8"], [0, 1]), "plain", measure)
    assert one.kind == "scatter" and {point.x for point in one.points} == {8}


def test_a_run_without_a_value_is_missing_with_its_reason():
    def measure(results, network, seed):
        if network == "plain14":
            raise NotMeasured("the run diverged")
        return depth(network, seed)

    results = study(["resnet8", "plain8", "resnet14", "plain14"], [0])
    pairs = samples.matched_pairs(results, measure)
    assert [o.stratum for o in pairs.observations] == ["resnet8, plain8"]
    assert pairs.missing == ["resnet14 and plain14, seed 0: the run diverged"]
    trend = samples.depth_effect(results, "plain", measure)
    assert not trend.observations and "the run diverged" in trend.missing[0]


def test_what_was_measured_of_a_run_stays_where_something_else_was_not():
    entry = {"reason": "a product of the Hessian is not finite", "train_loss": 1.5, "trace": None}
    write_json(ablation_path("resnet8", 0.0, 0), entry)
    assert samples.ablation_value("resnet8", 0.0, 0, "train_loss") == 1.5
    with pytest.raises(NotMeasured, match="a product of the Hessian"):
        samples.ablation_value("resnet8", 0.0, 0, "trace")


def ablations(values):
    for (network, decay), value in values.items():
        write_json(ablation_path(network, decay, 0), {"reason": None, "normalised_trace": value})
    networks = list(dict.fromkeys(network for network, _ in values))
    decays = sorted({decay for _, decay in values})
    whole = [decay for decay in decays if all((network, decay) in values for network in networks)]
    others = [decay for decay in decays if decay not in whole]
    further = [network for network in networks if all((network, decay) in values for decay in others)]
    declared = {"networks": networks, "weight_decays": whole, "seeds": [0]}
    declared["further"] = {"networks": further if others else [], "weight_decays": others}
    return study(["resnet8"], [0], ablation=declared)


def test_contrasts_set_residual_and_plain_apart_at_both_levels():
    results = ablations(
        {
            ("plain8", 0.0): 5.0,
            ("resnet8", 0.0): 4.0,
            ("plain8", 0.1): 3.0,
            ("resnet8", 0.1): 1.0,
            ("plain8-tanh", 0.0): 9.0,
            ("resnet8-tanh", 0.0): 8.0,
        }
    )
    assert samples.regularisation_contrasts(results, "normalised_trace").contrasts == [
        Contrast("weight decay 0.1 and 0.0", 0, (1.0, 3.0), (4.0, 5.0))
    ]
    activation = samples.activation_contrasts(results, "normalised_trace")
    assert (
        activation.contrasts == [Contrast("weight decay 0", 0, (8.0, 9.0), (4.0, 5.0))]
        and not activation.missing
    )
    ablation_path("plain8-tanh", 0.0, 0).unlink()
    with pytest.raises(FileNotFoundError):  # a declared run without its file is no missing value
        samples.activation_contrasts(results, "normalised_trace")


def test_what_no_weight_decay_holds_against_each_other_is_missing_with_a_reason():
    results = ablations({("plain8", 0.0): 5.0, ("resnet8", 0.0): 4.0, ("resnet8-projection", 0.0): 3.0})
    measure = "normalised_trace"
    assert len(samples.type_pairs(results, measure).observations) == 1
    for found, words in (
        (samples.activation_contrasts(results, measure), "no weight decay with all of resnet8-tanh"),
        (samples.regularisation_contrasts(results, measure), "fewer than two weight decays"),
        (samples.dose_trend(results, measure), "fewer than three strengths"),
    ):
        assert found.size == 0 and len(found.missing) == 1 and words in found.missing[0]


def test_the_dial_of_few_strengths_is_none():
    strengths = {"resnet8": 3.0, "plain8": 5.0, "resnet8-shortcut0.5": 4.0}
    values = {(name, 0.1): value for name, value in strengths.items()}
    found = samples.dose_trend(
        ablations(values | {("resnet8", 0.0): 1.0, ("plain8", 0.0): 2.0}), "normalised_trace"
    )
    assert {point.stratum for point in found.points} == {"weight decay 0.1"} and found.size == 3


def test_the_dial_holds_strength_against_the_measure():
    strengths = {"resnet8": 3.0, "plain8": 5.0, "resnet8-shortcut0.5": 4.0, "resnet8-projection": 9.0}
    results = ablations(
        {(name, decay): value + decay for name, value in strengths.items() for decay in (0.0, 0.1)}
    )
    found = samples.dose_trend(results, "normalised_trace")
    by_decay = {
        stratum: [(p.x, p.y) for p in found.points if p.stratum == stratum]
        for stratum in ("weight decay 0", "weight decay 0.1")
    }
    assert list(by_decay.values()) == [[(0, 5), (0.5, 4), (1, 3)], [(0, 5.1), (0.5, 4.1), (1, 3.1)]]


def test_the_generalisation_gap_takes_the_loss_of_the_last_checkpoint():
    path = xarray.Dataset({"loss": ("checkpoint", [2.0, 0.25])})
    results = SimpleNamespace(
        training={"plain8-0": {"diverged_epoch": None, "test_loss": 0.75}}, trajectory=lambda *run: path
    )
    assert quantities.generalisation_gap(results, "plain8", 0) == [0.5]
    lost = SimpleNamespace(
        training={"plain8-0": {"diverged_epoch": 1, "test_loss": None}}, trajectory=lambda *run: path
    )
    with pytest.raises(NotMeasured, match="diverged"):
        quantities.generalisation_gap(lost, "plain8", 0)


def test_the_change_of_the_gradient_is_that_of_a_whole_training():
    def checkpoint(epoch, *changes):
        return {"epoch": epoch, "reason": None, "gradient_change": changes}

    results = SimpleNamespace(
        training={"plain8-0": {"diverged_epoch": None}, "plain8-1": {"diverged_epoch": 3}},
        evidence=lambda *run: {"checkpoints": path},
    )
    path = [checkpoint(0.0, 50.0, 50.0), checkpoint(1.0, 0.1, 0.3), checkpoint(2.0, 0.5, 0.7)]
    assert quantities.gradient_change(results, "plain8", 0) == [pytest.approx(0.4)]
    with pytest.raises(NotMeasured, match="the run diverged"):
        quantities.gradient_change(results, "plain8", 1)
    path[1] = checkpoint(1.0, None, None) | {"reason": "the gradient is exactly zero"}
    with pytest.raises(NotMeasured, match="a gradient has no value"):
        quantities.gradient_change(results, "plain8", 0)


def robust(**by_network):
    """Accuracies undisturbed and at two strengths of noise; two classes and 100 images, of which 0.598 is above guessing."""
    for name, (clean, *noisy) in by_network.items():
        images = {
            "noise": dict(zip(("0.1", "0.2"), noisy, strict=True)),
            "blur": {},
            "contrast": {},
            "brightness": {},
        }
        content = {"reason": None, "classes": 2, "samples": 100, "accuracy": clean, "images": images}
        write_json(evidence_path("robustness", name, 0), content)
    strengths = {"noise": [0.1, 0.2], "blur": [], "contrast": [], "brightness": []}
    return study([*by_network], [0], robustness=strengths)


def test_input_noise_is_lost_accuracy_where_neither_network_guesses():
    results = robust(resnet8=(0.9, 0.8, 0.7), plain8=(0.8, 0.7, 0.59))
    for measure, sides in (
        (quantities.input_noise_loss, (0.1, 0.1)),
        (quantities.relative_input_noise_loss, (0.1 / 0.4, 0.1 / 0.3)),
    ):
        found = samples.own_pairs(results, measure).observations[0]
        assert (*found.first, *found.second) == pytest.approx(sides)
    lost = samples.own_pairs(
        robust(resnet8=(0.9, 0.8, 0.7), plain8=(0.6, 0.5, 0.5)), quantities.input_noise_loss
    )
    assert lost.missing == ["resnet8 and plain8, seed 0: a network of its pair guesses at every strength"]
    blind = robust(resnet8=(0.5, 0.7, 0.7), plain8=(0.8, 0.7, 0.7))
    assert "guessing" in samples.own_pairs(blind, quantities.relative_input_noise_loss).missing[0]


def test_convexity_leaves_out_what_the_residual_does_not_resolve():
    entry = {
        "reason": None,
        "convexity": [[0.5, 0.001], [0.3, None]],
        "smallest": [[-5.0, -0.01], [-3.0, -1.0]],
        "residual": [[1.0, 1.0], [1.0, 1.0]],
    }
    results = SimpleNamespace(matched=lambda *run: {"epoch": 1}, evidence=lambda *run: {"map": entry})
    assert quantities.convexity(results, "plain8", 0) == [pytest.approx(0.4)]
