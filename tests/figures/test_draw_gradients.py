"""What the figures of gradients must make plain: untrained networks, clipping, training."""

import matplotlib.style
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text
from synthetic import write_synthetic_results

from experiment.evidence import CLIPPING, INITIALISATION
from experiment.parameters.gradients import Clipping, Initialisation
from experiment.parameters.loading import load_section
from experiment.storage import read_json, write_json
from figures import draw_clipping, draw_gradients, draw_initialisation
from figures.draw_initialisation import shown_depths
from figures.losses import chance_loss
from figures.style import FAMILY_COLORS, RC


@pytest.fixture(autouse=True)
def study(tmp_path, monkeypatch):
    write_synthetic_results(tmp_path, ["resnet8", "plain8", "resnet14", "plain14"], [0])
    monkeypatch.chdir(tmp_path)


def drawn(module):
    with matplotlib.style.context(RC, after_reset=True):
        return module.draw()


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.findobj(Text)]


def curves(axes) -> list:
    """Lines with more than the two points of a reference line."""
    return [line for line in axes.lines if len(line.get_xdata()) > 2]


@pytest.mark.parametrize(
    "depths, expected",
    [
        ([8], [8]),
        ([8, 14], [14, 8]),
        ([8, 20, 32, 56, 110], [110, 32, 8]),
        ([8, 20, 32, 44, 56, 110], [110, 44, 8]),
    ],
)
def test_at_most_three_depths_are_shown_the_deepest_first(depths, expected):
    assert shown_depths(depths) == expected


def test_every_curve_of_untrained_networks_is_explained_by_the_legend():
    figure = drawn(draw_initialisation)
    declared = load_section("initialisation", Initialisation)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    depths = [f"correlations at depth {depth}" for depth in shown_depths(declared.depths)]
    assert names == [*declared.families, *depths]
    explained = {to_hex(handle.get_color()) for handle in figure.legends[0].legend_handles}
    lines = [line for axes in figure.axes for line in curves(axes)]
    assert lines and {to_hex(line.get_color()) for line in lines} <= explained


def test_correlations_that_never_fall_are_said_in_words():
    content = read_json(INITIALISATION)
    variant = content["networks"]["resnet8"]["variant"]
    for network in content["networks"].values():
        for run in network["runs"]:
            if network["variant"] == variant:
                run["correlation"] = [1 - 1e-4 * lag for lag in range(len(run["correlation"]))]
    write_json(INITIALISATION, content)
    notes = [axes for axes in drawn(draw_initialisation).axes if "all above 0.99" in texts(axes)]
    assert len(notes) == 1


def test_notes_are_of_their_panel_alone():
    """Networks without values in each; nearly equal correlations where they are drawn."""
    found = read_json(INITIALISATION)["networks"]
    networks = [name for name, network in found.items() if network["variant"] == ""]
    for run in (run for name in networks for run in found[name]["runs"]):
        run["correlation"] = [1.0, 0.995]
    for run in found[networks[0]]["runs"]:
        run.update(layers={}, correlation=None)
    lost = ["not measured:", networks[0]]
    for kind in draw_initialisation.LABELS:
        notes = draw_initialisation.notes_on(kind, networks, found)
        assert notes == (["all above 0.99", *lost] if kind == "correlation" else lost)


def test_clipping_shows_what_is_flat_on_an_axis_of_its_own():
    declared = load_section("clipping", Clipping)
    network = declared.networks[0]
    content = read_json(CLIPPING)
    for run in content["runs"]:
        values = np.linspace(2.2, 2.4, declared.steps).tolist() if run["network"] == network else None
        if values:
            run.update(losses=values, gradient_norms=values, diverged_step=None)
    write_json(CLIPPING, content)
    panels = [axes for axes in drawn(draw_clipping).axes if axes.get_title().startswith(f"{network}\n")]
    low, high = panels[0].get_ylim()
    assert panels[0].get_yscale() == "linear" and low > 1.5 and high < 3


def panels_of_breaking(clipped_loss: float | None) -> list:
    """Loss and gradient norm of a network whose unclipped run ends at 1e36, the clipped one too where it has no loss."""
    declared = load_section("clipping", Clipping)
    content = read_json(CLIPPING)
    for run in (run for run in content["runs"] if run["network"] == declared.networks[0]):
        lasting = run["clipped"] and clipped_loss is not None
        values = [clipped_loss + 0.1] * declared.steps if lasting else [6.0, 1e4, 1e36, None]
        run.update(losses=values, gradient_norms=values, diverged_step=None if lasting else 3)
    write_json(CLIPPING, content)
    axes = drawn(draw_clipping).axes
    return [axes[0], axes[len(axes) // 2]]


def crosses(axes) -> list:
    return [line for line in axes.lines if line.get_marker() == "x"]


def test_runs_that_break_leave_a_panel_at_its_rim():
    loss, norm = panels_of_breaking(2.5)
    for axes in (loss, norm):
        low, high = axes.get_ylim()
        assert low < 2.6 < high < 10
        (cross,) = crosses(axes)
        assert cross.get_xdata()[0] == 2 and cross.get_ydata()[0] == high and not cross.get_clip_on()
    assert loss.get_ylim()[0] < chance_loss()[0]


def test_runs_that_all_break_are_shown_whole():
    for axes in panels_of_breaking(None):
        assert axes.get_ylim()[0] < 6 and axes.get_ylim()[1] > 1e36
        assert {line.get_ydata()[0] for line in crosses(axes)} == {1e36}


def test_unclipped_runs_lie_upon_the_clipped_ones():
    for axes in drawn(draw_clipping).axes:
        lines = curves(axes)
        thin = [line for line in lines if line.get_color() == draw_clipping.UNCLIPPED_COLOR]
        thick = [line for line in lines if line.get_color() in FAMILY_COLORS.values()]
        assert min(line.get_zorder() for line in thin) > max(line.get_zorder() for line in thick)
        assert max(line.get_linewidth() for line in thin) < min(line.get_linewidth() for line in thick)


def test_a_run_that_diverged_counts_up_to_there_and_not_along_the_step(tmp_path):
    write_synthetic_results(tmp_path, ["resnet8", "plain8"], [0, 1], diverged=["plain8-1"])
    whole, broken = (draw_gradients.read_run("plain8", seed) for seed in (0, 1))
    epochs, norms = draw_gradients.by_epoch([whole, broken], "gradient_norm")
    assert epochs == [checkpoint["epoch"] for checkpoint in whole.checkpoints]
    assert np.isfinite(norms).sum(axis=1).tolist() == [len(whole.checkpoints), len(broken.checkpoints)]
    assert len(broken.checkpoints) < len(epochs) and np.isnan(norms[1, len(broken.checkpoints) :]).all()
    assert len(draw_gradients.along_step([whole, broken])[1]) == len(epochs) - 1
    names = [text.get_text() for text in drawn(draw_gradients).legends[0].get_texts()]
    assert names == ["resnet8", "plain8 (1 of 2 seeds)"]


def test_a_depth_that_diverged_keeps_the_common_axes(tmp_path):
    networks = ["resnet8", "plain8", "plain14"]
    write_synthetic_results(tmp_path, networks, [0], diverged=["plain14-0"])
    panels = drawn(draw_gradients).axes
    for upper, lower in zip(panels[:3], panels[3:], strict=True):
        assert upper.get_xlim() == lower.get_xlim()
    assert ["not measured:\nplain14" in texts(axes) for axes in panels[3:]] == [False, True, False]


def test_gradients_have_a_row_for_each_depth_and_an_axis_for_each_quantity():
    panels = drawn(draw_gradients).axes
    assert [axes.get_title() for axes in panels] == ["depth 8"] * 3 + ["depth 14"] * 3
    for upper, lower in zip(panels[:3], panels[3:], strict=True):
        assert upper.get_ylim() == lower.get_ylim() and upper.get_ylabel() == lower.get_ylabel()
