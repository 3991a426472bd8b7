"""Sentences and tables of gradients follow the results, whatever they are."""

import re

import pytest
from synthetic import write_synthetic_results

from experiment.evidence import CLIPPING, INITIALISATION, evidence_path
from experiment.reporting import clipping
from experiment.reporting.gradients import GRADIENTS_SENTENCES, GRADIENTS_TABLES, mean_change_in_time
from experiment.reporting.results import load_results
from experiment.storage import read_json, write_json

STUDIES = {  # networks, seeds, diverged runs
    "one seed": (["resnet8", "plain8", "resnet14", "plain14"], [0], ["plain14-0"]),
    "three seeds": (["resnet20", "plain20", "resnet56", "plain56"], [0, 1, 2], ["plain56-1"]),
    "alone": (["resnet20-tanh"], [3], []),
    "all diverged": (["resnet20", "plain20"], [0], ["resnet20-0", "plain20-0"]),
}


def study(folder, monkeypatch, name):
    networks, seeds, diverged = STUDIES[name]
    write_synthetic_results(folder, networks, seeds, diverged=diverged)
    monkeypatch.chdir(folder)
    return load_results()


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_has_every_sentence_and_table(tmp_path, monkeypatch, name):
    results = study(tmp_path, monkeypatch, name)
    for sentence in GRADIENTS_SENTENCES.values():
        text = sentence(results)
        assert text.endswith(".") and not re.search(r"\b(nan|inf|None)\b|\{\}", text)
    for table in GRADIENTS_TABLES.values():
        text = table(results)
        columns = {line.count("&") for line in text.splitlines() if line.endswith(r"\\")}
        assert len(columns) == 1 and not re.search(r"\b(nan|None)\b", text)


def test_diverged_runs_are_named_and_not_compared(tmp_path, monkeypatch):
    results = study(tmp_path, monkeypatch, "one seed")
    for name in ("gradient_norms", "predictiveness"):
        text = GRADIENTS_SENTENCES[name](results)
        assert "At depth 14 nothing can be compared." in text and r"\texttt{plain14-0}" in text
        assert "(no error" not in text and "textpm" not in text  # one seed
    row = next(line for line in GRADIENTS_TABLES["gradients"](results).splitlines() if "plain14" in line)
    assert row.count("---") == 4  # the initial weights were finite
    assert r"\texttt{resnet20-0} and \texttt{plain20-0}" in GRADIENTS_SENTENCES["predictiveness"](
        study(tmp_path / "other", monkeypatch, "all diverged")
    )


@pytest.mark.parametrize(
    ("factor", "word"), [(0.1, "smoother with shortcuts"), (10.0, "less smooth with shortcuts")]
)
def test_predictiveness_is_worded_by_the_numbers(tmp_path, monkeypatch, factor, word):
    results = study(tmp_path, monkeypatch, "three seeds")
    for seed in (0, 1, 2):
        path = evidence_path("gradients", "resnet20", seed)
        content = read_json(path)
        for checkpoint in content["checkpoints"]:
            checkpoint["smoothness"] = factor * (1 + 0.01 * seed)
        write_json(path, content)
    text = GRADIENTS_SENTENCES["predictiveness"](results)
    assert re.search(r"At depth 20 .*?a difference of [^(]*\(([^)]*)\)", text)[1] == word
    assert "3 seeds" in GRADIENTS_SENTENCES["gradient_norms"](results) and "seeds" not in text


def test_both_ways_to_sum_up_the_change_are_told(tmp_path, monkeypatch):
    results = study(tmp_path, monkeypatch, "one seed")
    for network, changes in (("resnet8", [0.6, 0.9]), ("plain8", [0.1, 1.1])):
        path = evidence_path("gradients", network, 0)
        content = read_json(path)
        for checkpoint in content["checkpoints"][1:]:
            checkpoint["gradient_change"] = changes
        content["checkpoints"][0]["gradient_change"] = [50.0, 50.0]  # untrained weights do not count
        write_json(path, content)
    text = GRADIENTS_SENTENCES["predictiveness"](results).split("At depth 14")[0]
    assert (
        "at the largest step, median over trained checkpoints, is 0.90 against 1.10, a difference of" in text
    )
    assert (
        "the mean of that change over all steps and trained checkpoints, which the claim is judged by, is 0.75 against 0.60"
        in text
    )
    assert "effective smoothness along the step (lower is smoother)" in text
    assert (
        "the same as a mean over time (trapezium rule, from the first of these checkpoints on), as they are dense where training "
        "begins, is 0.75 against 0.60" in text
    )
    assert "contradict each other at depth 8, so that" in GRADIENTS_SENTENCES["predictiveness"](results)
    row = next(line for line in GRADIENTS_TABLES["gradients"](results).splitlines() if "resnet8" in line)
    assert row.endswith(r"& 0.900 & 0.750 \\")


def test_untrained_networks_are_introduced_with_what_their_suffixes_say(tmp_path, monkeypatch):
    results = study(tmp_path, monkeypatch, "one seed")
    assert GRADIENTS_SENTENCES["initialisation_design"](results) == (
        r"Measured before training are \texttt{resnet} and \texttt{plain} networks of depth 8 and 14, from seeds 0 and 1 "
        r"each, with the suffixes none (relu, batch norm) and \texttt{-sigmoid-nonorm} (sigmoid, no batch norm)."
    )


def test_untrained_networks_are_named_with_their_ratio(tmp_path, monkeypatch):
    results = study(tmp_path, monkeypatch, "one seed")
    content = read_json(INITIALISATION)
    for run in content["networks"]["plain14-sigmoid-nonorm"]["runs"]:
        run["layers"] = {"conv.weight": 3e-30, "head.weight": 1.5}
        run["correlation"] = [1.0] + [0.25] * 20
    for run in content["networks"]["resnet14-sigmoid-nonorm"]["runs"]:
        run.update(layers={}, correlation=None, reason="the loss or its gradient is not finite")
    write_json(INITIALISATION, content)
    text = GRADIENTS_SENTENCES["initial_gradients"](results)
    assert r"\ensuremath{2.00 \times 10^{-30}} for \texttt{plain14-sigmoid-nonorm}" in text
    assert r"Not measured: \texttt{resnet14-sigmoid-nonorm}" in text
    assert r"0.25 for \texttt{plain14-sigmoid-nonorm}" in GRADIENTS_SENTENCES["initial_correlations"](results)


def test_broken_trainings_are_counted_with_their_step(tmp_path, monkeypatch):
    results = study(tmp_path, monkeypatch, "one seed")
    text = GRADIENTS_SENTENCES["clipping"](results)
    assert (
        r"Of \texttt{resnet8-nonorm}, without clipping, the one run breaks (at step 3); with it, the one run does not break"
        in text
    )
    assert "the one run does not break (loss " in text
    content = read_json(CLIPPING)
    other = content["runs"][0] | {"diverged_step": None, "final_loss": 2.3}
    write_json(CLIPPING, {"runs": [*content["runs"], other]})
    assert (
        "one of two runs breaks (at step 3) and the other ends at a loss of 2.30 nats;"
        in clipping._network_sentence(results, other["network"])
    )
    for run in content["runs"]:
        run.update(diverged_step=1, final_loss=None)
    write_json(CLIPPING, content)
    assert GRADIENTS_SENTENCES["clipping"](results).count("the one run breaks (at step 1)") == 4
    assert GRADIENTS_TABLES["clipping"](results).count("1/1") == 4


@pytest.mark.parametrize(
    ("free", "clipped", "words"),
    [
        (
            [None, 2.30, 2.29],
            [2.10, 2.30, 2.28],
            (
                "one of two without clipping and two of three with it end more than 0.01 nats below the loss of guessing, 2.30. "
                "Of the runs that break without clipping one of one learns with it."
            ),
        ),
        (
            [None, None, 2.30],
            [2.34, 2.20, 2.30],
            (
                "none of one without clipping and one of three with it end more than 0.01 nats below the loss of guessing, 2.30. "
                "Of the runs that break without clipping one of two learns with it; in the others it prevents overflow at most, and "
                "learning is not shown."
            ),
        ),
        (
            [None, None, None],
            [2.34, 2.31, None],
            (
                "none of two with it end more than 0.01 nats below the loss of guessing, 2.30. Of the runs that break "
                "without clipping none of three learns with it; in them it prevents overflow at most, and learning is not shown."
            ),
        ),
        (
            [2.3, 2.3, 2.3],
            [2.3, 2.3, 2.3],
            "No run breaks without clipping, so that there is nothing for it to mend.",
        ),
    ],
)
def test_to_stay_finite_is_not_to_learn(tmp_path, monkeypatch, free, clipped, words):
    results = study(tmp_path, monkeypatch, "one seed")
    write_trainings(results, free, clipped)
    assert words in GRADIENTS_SENTENCES["clipping"](results)


def write_trainings(results, free, clipped, longest=2.0):
    """Last losses by seed of a single network; None for a run that breaks."""
    network = results.parameters["clipping"]["networks"][0]
    results.parameters["clipping"]["networks"] = [network]
    runs = [
        {
            "network": network,
            "seed": seed,
            "clipped": mode,
            "diverged_step": 1 if loss is None else None,
            "final_loss": loss,
            "gradient_norms": [0.5, None if loss is None else longest],
        }
        for mode, losses in ((False, free), (True, clipped))
        for seed, loss in enumerate(losses)
    ]
    write_json(CLIPPING, {"runs": runs})


def test_what_clipping_makes_worse_is_said(tmp_path, monkeypatch):
    """The judgement by the last loss takes losses above chance for one, so that it alone would hide this."""
    results = study(tmp_path, monkeypatch, "one seed")
    write_trainings(results, [None, 2.31, 2.2], [2.9, 2.99, 2.1])
    assert (
        r"Of the two touched pairs of runs that stay finite in both modes, one ends higher with clipping: "
        r"\texttt{resnet8-nonorm-1} (2.99 against 2.31 nats). The judgement"
        in GRADIENTS_SENTENCES["clipping"](results)
    )
    write_trainings(results, [None, 2.31, 2.2], [2.9, 2.31, 2.1])
    assert "higher with clipping" not in GRADIENTS_SENTENCES["clipping"](results)


def test_networks_that_clipping_touches_too_seldom_for_a_verdict_are_named(tmp_path, monkeypatch):
    results = study(tmp_path, monkeypatch, "one seed")
    results.parameters["claims"]["least_seeds"] = 3
    write_trainings(results, [None, 2.31, 2.2], [2.9, 2.31, 2.1])
    text = GRADIENTS_SENTENCES["clipping"](results)
    assert text.endswith(r"long enough: three of three (\texttt{resnet8-nonorm}).")
    write_trainings(results, [None, 2.31, 2.2], [2.9, 2.31, 2.1], longest=0.9)
    assert GRADIENTS_SENTENCES["clipping"](results).endswith(
        r"long enough: one of three (\texttt{resnet8-nonorm}); \texttt{resnet8-nonorm} has fewer of them than the three seeds that a "
        "verdict asks for, so that none is given, whatever $p$ is."
    )


def test_the_change_in_time_is_that_of_the_trapezium_rule():
    """Checkpoints at the epochs 1, 2 and 4, the initial weights apart: (2 + 4) / 2 over one epoch, (4 + 1) / 2 over two."""
    run = [
        {"epoch": epoch, "gradient_change": [change - 0.5, change + 0.5]}
        for epoch, change in ((0.0, 90.0), (1.0, 2.0), (2.0, 4.0), (4.0, 1.0))
    ]
    assert mean_change_in_time(run) == pytest.approx((3 + 5) / 3)
    assert mean_change_in_time(run[:2]) is None
    run[2]["gradient_change"][0] = None
    assert mean_change_in_time(run) is None
