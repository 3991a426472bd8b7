"""What the figures of sharpness and robustness must make plain."""

import matplotlib.style
import numpy as np
import pytest
from matplotlib.text import Text
from synthetic import write_synthetic_results

from experiment.evidence import evidence_path
from experiment.storage import read_json, write_json
from figures import draw_robustness, draw_sharpness
from figures.style import RC

NETWORKS = ["resnet14", "plain14", "plain8-nonorm"]


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Writes made-up results for some runs that diverged."""
    monkeypatch.chdir(tmp_path)

    def make(networks=NETWORKS, seeds=(0,), diverged=()):
        write_synthetic_results(tmp_path, networks, list(seeds), diverged=diverged)

    return make


def drawn(module):
    with matplotlib.style.context(RC, after_reset=True):
        return module.draw()


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text)]


def panel(figure, title: str):
    return next(axes for axes in figure.axes if title in axes.get_title())


def marks(axes) -> list[tuple[float, float, str]]:
    return [(line.get_xdata()[0], line.get_ydata()[0], line.get_marker()) for line in axes.lines]


def test_raw_measures_stand_off_the_line_and_normalised_ones_on_it(study):
    study()
    axes = panel(drawn(draw_sharpness), "rescaled / original")
    points = [(round(x), y) for x, y, marker in marks(axes) if marker in "osD"]
    assert {y for measure, y in points if measure < 2} == {0.4, 0.2}
    assert {y for measure, y in points if measure >= 2} == {1.0}
    assert axes.get_yscale() == "log"


def test_what_cannot_be_rescaled_is_named(study):
    study()
    assert "nothing to rescale: plain8-nonorm" in texts(drawn(draw_sharpness))


def test_a_radius_beyond_the_extent_is_drawn_as_a_bound(study):
    study()
    figure = drawn(draw_sharpness)
    bounds = [y for _, y, marker in marks(panel(figure, "flat radius")) if marker == "^"]
    state = read_json(evidence_path("sharpness", "plain14", 0))["states"]["final"]
    assert (state["flat_radius"][0] + state["extent"]) / 2 in [pytest.approx(y) for y in bounds]
    assert "at least" in texts(figure)


def bars(axes) -> list[tuple[float, float]]:
    """Lower and upper ends of the bars."""
    return [
        tuple(line.get_ydata())
        for line in axes.lines
        if len(line.get_xdata()) == 2 and line.get_marker() == "None"
    ]


def test_one_seed_has_bars_over_directions_and_none_where_a_measure_has_one_value(study):
    networks = ["resnet14", "plain14"]
    study(networks)
    for network in networks:
        path = evidence_path("sharpness", network, 0)
        content = read_json(path)
        for state in content["states"].values():
            state["average"] = [0.2, 0.4, 0.6]
        write_json(path, content)
    figure = drawn(draw_sharpness)
    assert bars(panel(figure, "average")) == [pytest.approx((0.2, 0.6))] * 4
    assert bars(panel(figure, "adaptive by filter")) == []


def test_several_seeds_have_bars_over_seeds(study):
    study(["resnet14"], seeds=(0, 1, 2))
    for seed, value in enumerate((1.0, 2.0, 3.0)):
        path = evidence_path("sharpness", "resnet14", seed)
        content = read_json(path)
        content["states"]["final"]["filter"] = value
        write_json(path, content)
    axes = panel(drawn(draw_sharpness), "adaptive by filter")
    assert bars(axes)[0] == pytest.approx((1.0, 3.0))
    assert sorted(y for line in axes.lines[:1] for y in line.get_ydata()) == [1.0, 2.0, 3.0]


def test_the_legend_names_a_bound_only_where_there_is_one(study):
    study(["resnet14"])
    path = evidence_path("sharpness", "resnet14", 0)
    content = read_json(path)
    for state in content["states"].values():
        state["flat_radius"] = [0.4, 0.5]
    write_json(path, content)
    assert "at least" not in texts(drawn(draw_sharpness))


def test_losses_that_fall_are_drawn_on_a_linear_axis(study):
    study()
    path = evidence_path("sharpness", "plain14", 0)
    content = read_json(path)
    content["states"]["final"]["average"] = [-0.1, 0.05]
    write_json(path, content)
    axes = panel(drawn(draw_sharpness), "average")
    assert axes.get_yscale() == "linear" and axes.get_ylim()[0] < -0.025


def test_networks_without_a_match_and_diverged_ones_say_so(study):
    study(diverged=["plain8-nonorm-0"])
    path = evidence_path("sharpness", "resnet14", 0)
    content = read_json(path)
    content["states"]["matched"] = {"epoch": None, "reason": "no checkpoint of equal training loss"}
    write_json(path, content)
    found = texts(drawn(draw_sharpness))
    assert "resnet14, no equal loss" in found and "plain8-nonorm (diverged)" in found


def test_accuracies_start_undisturbed_and_contrast_runs_downwards(study):
    study()
    run = read_json(evidence_path("robustness", "resnet14", 0))
    figure = drawn(draw_robustness)
    for title, (name, _, undisturbed) in zip(
        draw_robustness.PANELS, draw_robustness.PANELS.values(), strict=True
    ):
        axes = panel(figure, name)
        curve = next(line for line in axes.lines if len(line.get_xdata()) > 2)
        assert curve.get_xdata()[0] == undisturbed, title
        assert curve.get_ydata()[0] == pytest.approx(100 * run["accuracy"])
    left, right = panel(figure, "contrast").get_xlim()
    assert left > right


def test_weight_noise_has_a_row_for_each_run_and_direction(study):
    study(["resnet14"], seeds=(0, 1))
    runs = [read_json(evidence_path("robustness", "resnet14", seed)) for seed in (0, 1)]
    strengths, accuracies = draw_robustness.curve("weights", runs)
    assert strengths.tolist() == [0.0, 0.05, 0.1, 0.2, 0.3] and accuracies.shape == (4, 5)
    np.testing.assert_allclose(accuracies[2:, 0], 100 * runs[1]["accuracy"])
    np.testing.assert_allclose(accuracies[1, 4], 100 * runs[0]["weights"]["0.3"][1])


def test_nothing_measured_is_said_in_every_panel(study):
    study(["plain14"], diverged=["plain14-0"])
    assert texts(drawn(draw_robustness)).count("not measured") == 5
    assert texts(drawn(draw_sharpness)).count("not measured") == 7
