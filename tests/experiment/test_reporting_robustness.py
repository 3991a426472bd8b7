import pytest
import synthetic_robustness
import yaml
from synthetic import synthetic_parameters
from test_reporting_sharpness import STUDIES

from experiment.evidence import evidence_path
from experiment.pairs import pairs
from experiment.parameters.study import load_study
from experiment.reporting.results import Results, binomial_error
from experiment.reporting.robustness import (
    ROBUSTNESS_SENTENCES,
    ROBUSTNESS_TABLES,
    difference,
    strongest,
)
from experiment.reporting.robustness_values import KINDS, MOVED, compared_strengths
from experiment.storage import read_json, write_json


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Writes a study's made-up results and reads them back."""
    monkeypatch.chdir(tmp_path)

    def make(name):
        networks, seeds, diverged = STUDIES[name]
        parameters = synthetic_parameters(networks, seeds)
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(parameters))
        synthetic_robustness.write(tmp_path / "results", parameters, diverged)
        return Results("smoke", parameters, load_study(), {}, {}, {}, {})

    return make


def change(network, seed, function):
    path = evidence_path("robustness", network, seed)
    content = read_json(path)
    function(content)
    write_json(path, content)


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_has_whole_sentences_and_an_even_table(study, name):
    results = study(name)
    for key, sentence in ROBUSTNESS_SENTENCES.items():
        text = sentence(results)
        assert text.endswith(".") or (text == "" and key in ("robustness_unmeasured", "robustness_pixels"))
        assert "None" not in text and "nan" not in text
    table = ROBUSTNESS_TABLES["robustness"](results)
    assert len({line.count("&") for line in table.splitlines() if "&" in line}) == 1
    assert all(network in table for network in results.study.networks)


def test_strongest_is_the_largest_but_for_contrast(study):
    results = study("pairs")
    assert [strongest(results, kind) for kind in (*KINDS, MOVED)] == [0.2, 1.5, 0.25, 0.3, 0.3]


def test_losses_of_accuracy_are_compared_with_the_error_of_the_test_set(study):
    results = study("pairs")
    for network, clean, noisy in (("resnet8", 0.9, 0.8), ("plain8", 0.8, 0.2)):
        change(
            network,
            0,
            lambda c, a=clean, n=noisy: c.update(accuracy=a) or c["images"]["noise"].update({"0.2": n}),
        )
    found = difference(results, pairs(results.study.networks)[0], KINDS[0], 0.2)
    assert (found.residual, found.plain) == pytest.approx((0.1, 0.6))
    variance = sum(binomial_error(share, 200) ** 2 for share in (0.9, 0.8, 0.8, 0.2))
    assert found.half_width == pytest.approx(1.959964 * variance**0.5)
    text = ROBUSTNESS_SENTENCES["robustness_images"](results)
    assert "10.0 and 60.0 under noise of standard deviation 0.2" in text
    assert "the residual one loses less" in text


def test_rounded_values_differ_by_the_difference_that_is_printed(study):
    results = study("pairs")
    for network, noisy in (("resnet8", 0.4), ("plain8", 0.4005)):
        change(
            network, 0, lambda c, n=noisy: c.update(accuracy=0.8) or c["images"]["noise"].update({"0.2": n})
        )
    text = ROBUSTNESS_SENTENCES["robustness_images"](results)
    assert "40.00 and 39.95 under noise of standard deviation 0.2 (a difference of 0.05" in text


CHANCE = 0.1
BOUND = CHANCE + 1.959964 * (0.1 * 0.9 / 200) ** 0.5  # above which 200 images tell an accuracy from chance


def set_accuracies(network, kind, accuracies):
    """At every declared strength, from the weakest on."""

    def function(content):
        entries = content["weights"] if kind == "weights" else content["images"][kind]
        declared = sorted(entries, key=float, reverse=kind == "contrast")
        values = ([a, a] if kind == "weights" else a for a in accuracies)
        entries.update(zip(declared, values, strict=True))

    change(network, 0, function)


@pytest.mark.parametrize(
    ("plain", "strength", "words"),
    [
        ((0.5, 0.4, BOUND + 0.001), 0.2, " under noise of standard deviation 0.2 (a difference of"),
        (
            (0.5, 0.4, BOUND - 0.001),
            0.1,
            "10.0 and 40.0 under noise of standard deviation 0.1 (the strongest at which neither guesses; a difference of",
        ),
        (
            (0.5, 0.1, 0.1),
            0.05,
            "10.0 and 30.0 under noise of standard deviation 0.05 (the strongest at which neither",
        ),
        ((0.1, 0.1, 0.05), None, "At depth 8 a network guesses at every strength of noise."),
    ],
)
def test_what_guesses_is_not_called_robust(study, plain, strength, words):
    results = study("pairs")
    for network, accuracies in (("resnet8", (0.7, 0.7, 0.7)), ("plain8", plain)):
        change(network, 0, lambda c: c.update(accuracy=0.8))
        set_accuracies(network, "noise", accuracies)
    compared = compared_strengths(results, pairs(results.study.networks)[0], KINDS[0])
    assert next(iter(compared), None) == strength
    assert words in ROBUSTNESS_SENTENCES["robustness_images"](results).split("At depth 14")[0]


def test_contrast_is_taken_back_towards_one(study):
    results = study("pairs")
    set_accuracies("resnet8", "contrast", (0.7, 0.5, 0.1))
    assert compared_strengths(results, pairs(results.study.networks)[0], KINDS[2]) == [0.5, 0.75]


def test_moved_weights_that_guess_are_told_alone(study):
    results = study("pairs")
    for network in ("resnet8", "plain8"):
        set_accuracies(network, "weights", [0.1] * len(results.parameters["robustness"]["weight_noise"]))
    text = ROBUSTNESS_SENTENCES["robustness_weights"](results).split("At depth 14")[0]
    assert text.strip() == "At depth 8 a network guesses at every strength of weights."


def test_weights_are_compared_with_the_error_of_directions(study):
    results = study("pairs")
    for network, accuracies in (("resnet8", [0.8, 0.82]), ("plain8", [0.3, 0.31])):
        change(network, 0, lambda c, a=accuracies: c.update(accuracy=0.9) or c["weights"].update({"0.3": a}))
    text = ROBUSTNESS_SENTENCES["robustness_weights"](results)
    half = 100 * 12.706205 * 0.005  # t_0.975 of 1, and the standard error of differences of -0.50 and -0.51
    assert (
        rf"9.0 and 59.5 at a distance of 0.3 (a difference of \ensuremath{{-}}50.5\,\textpm\,{half:.1f};"
        in text
    )
    assert "the residual one loses less" in text


def test_several_seeds_give_paired_intervals_without_diverged_runs(study):
    results = study("seeds")
    assert difference(results, pairs(results.study.networks)[0], KINDS[0], 0.05).basis == "2 seeds"
    assert "(2/3)" in ROBUSTNESS_TABLES["robustness"](results)
    assert r"\texttt{plain20-2} (the run diverged)" in ROBUSTNESS_SENTENCES["robustness_unmeasured"](results)


def test_a_direction_without_numbers_is_not_averaged_away(study):
    results = study("pairs")
    change("plain8", 0, lambda c: c["weights"].update({"0.3": [0.5, None]}))
    row = next(line for line in ROBUSTNESS_TABLES["robustness"](results).splitlines() if "plain8" in line)
    assert row.endswith("--- \\\\")
    assert "At depth 8 accuracies on moved weights cannot" in ROBUSTNESS_SENTENCES["robustness_weights"](
        results
    )


def test_blur_in_the_precision_of_the_networks_is_owned_up(study):
    """Results from before the stage recorded the pixels' format were made in that of the networks."""
    results = study("pairs")
    assert ROBUSTNESS_SENTENCES["robustness_pixels"](results) == ""
    for network in results.study.networks:
        path = evidence_path("robustness", network, 0)
        content = read_json(path)
        del content["pixels"]
        write_json(path, content)
        if network == "resnet8":
            words = r"In \texttt{resnet8-0} the blur itself was computed in bfloat16"
            assert words in ROBUSTNESS_SENTENCES["robustness_pixels"](results)
    assert ROBUSTNESS_SENTENCES["robustness_pixels"](results).startswith("In all runs the blur")
    write_json(path, content | {"provenance": content["provenance"] | {"precision": "float32"}})
    assert network not in (text := ROBUSTNESS_SENTENCES["robustness_pixels"](results)) and "resnet8" in text


def test_an_order_of_accuracies_that_a_disturbance_reverses_is_said(study):
    results = study("pairs")
    sentence = ROBUSTNESS_SENTENCES["robustness_images"]
    assert "is reversed under" not in sentence(results)
    pair = pairs(results.study.networks)[0]
    strongest = str(max(results.parameters["robustness"]["noise"]))

    def disturb(run, clean, noisy):
        run["accuracy"] = clean
        run["images"]["noise"][strongest] = noisy

    change(pair.residual, 0, lambda run: disturb(run, 0.9, 0.3))
    change(pair.plain, 0, lambda run: disturb(run, 0.8, 0.5))
    text = sentence(results)
    assert (
        f"At {pair.label} the order of the accuracies is reversed under noise of standard deviation" in text
    )
    assert r"(30.0 against 50.0\,\%), residual against plain." in text


def test_the_weakest_strength_far_from_guessing_is_compared_too(study):
    results = study("pairs")
    for network, noisy in (("resnet8", 0.8), ("plain8", 0.4)):

        def fill(content, noisy=noisy):
            content["accuracy"] = 0.9
            for kind, strengths in content["images"].items():
                strengths.update(dict.fromkeys(strengths, noisy if kind == "noise" else 0.7))

        change(network, 0, fill)
    text = ROBUSTNESS_SENTENCES["robustness_images"](results)
    label = pairs(results.study.networks)[0].label
    assert (
        f"At the weakest strengths, at {label}, the residual one loses less under noise of standard deviation 0.05 (10"
        in text
    )
    assert (
        "; no difference is resolved under blur of standard deviation 0.5, contrast times 0.75 and brightness plus 0.1."
        in text
    )
