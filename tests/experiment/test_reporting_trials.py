"""The trials in words: the study's rate beside the others, roughness named where it is resolved."""

import pytest
from synthetic import write_synthetic_results

from experiment.reporting.results import load_results
from experiment.reporting.trials import trials, trials_table
from experiment.storage import read_json, write_json
from experiment.trials import trial_training_path

TRIALS = {"networks": ["plain56"], "learning_rates": [0.01], "seeds": [0]}


@pytest.fixture
def results(tmp_path, monkeypatch):
    def write(networks=("resnet56", "plain56"), **declared):
        monkeypatch.chdir(tmp_path)
        write_synthetic_results(tmp_path, networks, [0], parameters={"trials": TRIALS | declared})
        return load_results()

    return write


def edit(path, **changes):
    write_json(path, read_json(path) | changes)


def test_a_row_for_each_rate_the_studys_own_first(results):
    rows = trials_table(results(learning_rates=[0.01, 0.03])).splitlines()
    starts = [row.split(" & ")[:2] for row in rows if row.startswith(r"\texttt")]
    assert starts == [[r"\texttt{plain56}", rate] for rate in ("0.1", "0.01", "0.03")]


def test_values_are_those_of_the_trial(results):
    found = results()
    edit(trial_training_path("plain56", 0.01, 0), train_loss=1.2344, test_accuracy=0.25)
    text = trials(found)
    assert "Trained at 0.01 \\texttt{plain56} ends at a training loss of 1.234 nats" in text
    assert "error of 75.00" in text


def test_a_slice_that_ends_very_high_is_printed_to_three_figures(results):
    found = results()
    found.roughness["plain56-rate0.01-0"]["cuts"]["edge_rise"] = 36581.5
    assert "its cuts rise by 36600 nats" in trials(found)


def test_roughness_is_named_where_the_errors_resolve_it(results):
    found = results()
    assert (
        r"roughness beyond the errors is met with \texttt{plain56} at 0.1 and \texttt{plain56} at 0.01"
        in trials(found)
    )
    for name in ("plain56-0", "plain56-rate0.01-0"):
        for view in ("cuts", "final"):
            found.roughness[name][view] |= {"excess_variation": 1.0, "nonconvex_share": 0.0}
    assert "In none of these slices is roughness resolved." in trials(found)


def test_a_network_that_the_study_does_not_train_stands_alone(results):
    text = trials(results(networks=["resnet20"]))
    assert "the study's own" not in text and "trained at 0.01" in text.lower()


def test_another_number_format_is_said(results):
    found = results()
    assert "another run" not in trials(found)
    path = trial_training_path("plain56", 0.01, 0)
    edit(path, provenance=read_json(path)["provenance"] | {"precision": "float32"})
    assert r"\texttt{plain56} was trained in bfloat16 by the study and in float32 here" in trials(found)


def test_a_diverged_trial_is_absent_and_named(results):
    found = results()
    edit(trial_training_path("plain56", 0.01, 0), diverged_epoch=2, train_loss=None)
    assert r"Diverged: \texttt{plain56} at 0.01." in trials(found)
    assert "a training loss of --- nats" in trials(found)


def test_a_missing_trial_names_the_remedy(results):
    found = results()
    trial_training_path("plain56", 0.01, 0).unlink()
    with pytest.raises(FileNotFoundError, match="dvc repro"):
        trials(found)
