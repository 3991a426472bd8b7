"""The trials in words: other rates beside the study's and the residual network, roughness named where it is resolved."""

from statistics import stdev

import pytest
from synthetic import NO_TRIALS, write_synthetic_results

from experiment.reporting.judgement import NOISE_SHARE
from experiment.reporting.landscape_sentences import conclusion_other
from experiment.reporting.results import load_results
from experiment.reporting.trials import trial_in_short, trial_networks, trials, trials_table
from experiment.slices import read_slice, write_slice
from experiment.storage import read_json, write_json
from experiment.trials import trial_slice_path, trial_training_path

TRIALS = {"networks": ["plain56"], "learning_rates": [0.01], "seeds": [0]}
TRIAL = "plain56-rate0.01-0"


@pytest.fixture
def results(tmp_path, monkeypatch):
    def write(networks=("resnet56", "plain56"), studied=(0,), **declared):
        monkeypatch.chdir(tmp_path)
        write_synthetic_results(tmp_path, networks, list(studied), parameters={"trials": TRIALS | declared})
        return load_results()

    return write


def edit(path, **changes):
    write_json(path, read_json(path) | changes)


def set_cuts(found, run, measure, value, deviation=0.1):
    """A measure of the cuts, its values along five directions and their deviation."""
    cuts = found.roughness[run]["cuts"]
    cuts[measure] = value
    cuts["by_direction"][measure] = [value + deviation * step for step in (-2, -1, 0, 1, 2)]
    cuts[f"{measure}_sd"] = stdev(cuts["by_direction"][measure])


def without_roughness(found):
    for name in ("resnet56-0", "plain56-0", TRIAL):
        for view in ("cuts", "final"):
            found.roughness[name][view] |= {"excess_variation": 1.0, "nonconvex_share": 0.0}


def test_a_row_for_each_rate_after_the_residual_network_and_the_studys_own(results):
    rows = trials_table(results(learning_rates=[0.01, 0.03])).splitlines()
    starts = [tuple(row.split(" & ")[:2]) for row in rows if row.startswith(r"\texttt")]
    plain = r"\texttt{plain56}"
    assert starts == [(r"\texttt{resnet56}", "0.1"), (plain, "0.1"), (plain, "0.01"), (plain, "0.03")]


def test_training_is_set_beside_the_studys_rate_and_the_residual_network(results):
    found = results()
    edit(trial_training_path("plain56", 0.01, 0), train_loss=1.2344, test_accuracy=0.25)
    found.training["plain56-0"] |= {"train_loss": 0.9, "test_accuracy": 0.5}
    found.training["resnet56-0"] |= {"train_loss": 0.3, "test_accuracy": 0.9}
    assert (
        r"Trained at 0.01, \texttt{plain56} ends at a training loss of 1.234 nats and a test error of 75.00\,\%, against "
        r"0.900 nats and 50.00\,\% of \texttt{plain56} at 0.1 and 0.300 nats and 10.00\,\% of \texttt{resnet56} at 0.1."
        in trials(found)
    )


def test_flatness_is_compared_with_the_residual_network_at_each_rate(results):
    found = results()
    edit(trial_training_path("plain56", 0.01, 0), test_accuracy=0.25)
    found.training["plain56-0"] |= {"test_accuracy": 0.5}
    for run, rise, step in (("resnet56-0", 7.69, 0.0), ("plain56-0", 3.02, 3.0), (TRIAL, 36581.5, 9000.0)):
        set_cuts(found, run, "edge_rise", rise, step)
        set_cuts(found, run, "halfway_distance", 0.5, deviation=0)
    assert (
        r"For the cuts of \texttt{resnet56} at 0.1 the rise to the rim is 7.69 nats, against 3.02 nats for \texttt{plain56} at 0.1 "
        r"(difference 4.67\,\textpm\,5.89" in trials(found)
    )
    assert (
        r": within its error) and 37\,000 nats for \texttt{plain56} at 0.01 (difference "
        r"\ensuremath{-}37\,000\,\textpm\,18\,000, a geometric mean ratio of 0.000" in trials(found)
    )
    assert "]: residual flatter); the half-way distance is 0.50" in trials(found)
    row = next(row for row in trials_table(found).splitlines() if "& 0.01 &" in row)
    assert r" & 37\,000\,\textpm\,14\,000 & 0.50\,\textpm\,0.00 & " in row


def test_the_climb_to_half_way_stands_beside_its_distance(results):
    found = results()
    for run, centre in (("resnet56-0", 0.3), ("plain56-0", 0.9), (TRIAL, 1.5)):
        found.roughness[run]["cuts"]["centre_loss"] = centre
    assert (
        r"Half-way is a climb of 1.00 nats for \texttt{resnet56} at 0.1, 0.70 nats for \texttt{plain56} at 0.1 and 0.40 nats for "
        r"\texttt{plain56} at 0.01; the shorter the climb, the nearer half-way lies." in trials(found)
    )


def test_a_trial_in_short_has_a_bounded_measure_and_the_training_loss(results):
    found = results()
    edit(trial_training_path("plain56", 0.01, 0), train_loss=1.5)
    found.training["resnet56-0"] |= {"train_loss": 0.25}
    for run, distance, step in (("resnet56-0", 0.5, 0.0), ("plain56-0", 0.4, 0.2), (TRIAL, 0.25, 0.03)):
        set_cuts(found, run, "halfway_distance", distance, step)
    assert trial_in_short(found, "plain56") == (
        r"The half-way distance of the cuts about the final weights is 0.50 for \texttt{resnet56} (a climb of 0.92 nats) and, for \texttt{plain56}, "
        r"0.40 (a climb of 0.53 nats; difference 0.10\,\textpm\,0.39, not resolved) and 0.25 at a learning rate of 0.01 "
        r"(a climb of 0.48 nats; difference 0.25\,\textpm\,0.06; training loss 1.500 against 0.250 nats)."
    )


def test_another_training_loss_is_a_caution(results):
    found = results()
    edit(trial_training_path("plain56", 0.01, 0), train_loss=0.31)
    found.training["plain56-0"] |= {"train_loss": 0.9}
    found.training["resnet56-0"] |= {"train_loss": 0.3}
    assert (
        r"In training loss \texttt{plain56} at 0.1 differs from \texttt{resnet56} at 0.1, so that architecture is confounded"
        in trials(found)
    )
    found.training["plain56-0"] |= {"train_loss": 0.3}
    assert "confounded" not in trials(found)


def test_seeds_that_both_have_are_compared(results):
    made = results(studied=(0, 1, 2), seeds=[1])
    found = trials(made)
    assert "one seed, 5 paired directions" in found and "3 seeds" not in found
    assert (
        f"{made.training['plain56-1']['train_loss']:.3f} nats" in found
    )  # the study's own, of that seed alone
    assert "Intervals are" not in trials(results(studied=(0, 1, 2), seeds=[0, 1, 2]))  # as for the study's
    apart = trials(results(studied=(0, 1), seeds=[2]))
    assert "at 0.01 (difference" not in apart  # nothing to be paired


def test_roughness_is_judged_by_the_cuts_and_the_planes_stand_beside_them(results):
    found = results()
    without_roughness(found)
    assert "In none of these cuts is roughness resolved." in trials(found)
    found.roughness["plain56-0"]["final"]["excess_variation"] = 1.051
    found.roughness[TRIAL]["cuts"]["nonconvex_share"] = 0.9 * NOISE_SHARE
    assert (
        r"In none of these cuts is roughness resolved. On the planes the excess variation is 1.05 for \texttt{plain56} at 0.1 and "
        r"1.00 for \texttt{plain56} at 0.01, of unknown error." in trials(found)
    )
    found.roughness[TRIAL]["cuts"]["nonconvex_share"] = 0.105
    assert (
        r"In the cuts roughness is resolved for \texttt{plain56} at 0.01 (a non-convex share of 10.5\,\%)."
        in trials(found)
    )


def test_a_network_that_the_study_does_not_train_stands_alone(results):
    found = results(networks=["resnet20"])
    assert "against" not in trials(found) and "trained at 0.01" in trials(found).lower()
    assert trial_in_short(found, "plain56") == ""


def test_another_number_format_is_said_of_training_and_of_slices(results):
    found = results()
    assert "more than the rate" not in trials(found)
    path = trial_training_path("plain56", 0.01, 0)
    edit(path, provenance=read_json(path)["provenance"] | {"precision": "float32"})
    assert (
        r"\texttt{plain56} was trained and measured in bfloat16 by the study and trained in float32 and measured in bfloat16 here"
        in trials(found)
    )
    path = trial_slice_path("plain56", 0.01, 0, "final")
    write_slice(path, read_slice(path).assign_attrs(precision="float32"))
    assert (
        "by the study and trained and measured in float32 here, so that more than the rate differs."
        in trials(found)
    )


def test_a_diverged_trial_is_absent_and_named(results):
    found = results()
    edit(trial_training_path("plain56", 0.01, 0), diverged_epoch=2, train_loss=None)
    assert r"Diverged: \texttt{plain56} at 0.01." in trials(found)
    assert "---" not in trials(found) and "Trained at 0.01" not in trials(found)


def test_what_diverged_is_left_out_of_a_trial_in_short(results):
    found = results()
    assert "at a learning rate of 0.01" in trial_in_short(found, "plain56")
    found.roughness[TRIAL]["cuts"] |= {"halfway_distance": None, "halfway_distance_sd": None}
    assert "at a learning rate" not in trial_in_short(found, "plain56") != ""
    found.roughness["resnet56-0"]["cuts"]["halfway_distance"] = None
    assert trial_in_short(found, "plain56") == ""


def test_a_missing_trial_names_the_remedy(results):
    found = results()
    trial_training_path("plain56", 0.01, 0).unlink()
    with pytest.raises(FileNotFoundError, match="dvc repro"):
        trials(found)


def test_nothing_is_told_where_no_trial_is_declared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_synthetic_results(tmp_path, ["resnet56", "plain56"], [0], parameters=NO_TRIALS)
    found = load_results()
    assert trials(found) == trial_networks(found) == ""
    assert "at a learning rate of" not in conclusion_other(found)
    assert trials_table(found).count(r"\texttt") == 0
