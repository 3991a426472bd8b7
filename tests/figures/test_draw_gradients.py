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


def test_unclipped_runs_lie_upon_the_clipped_ones():
    for axes in drawn(draw_clipping).axes:
        lines = curves(axes)
        thin = [line for line in lines if line.get_color() == draw_clipping.UNCLIPPED_COLOR]
        thick = [line for line in lines if line.get_color() in FAMILY_COLORS.values()]
        assert min(line.get_zorder() for line in thin) > max(line.get_zorder() for line in thick)
        assert max(line.get_linewidth() for line in thin) < min(line.get_linewidth() for line in thick)


def test_gradients_have_a_row_for_each_depth_and_an_axis_for_each_quantity():
    panels = drawn(draw_gradients).axes
    assert [axes.get_title() for axes in panels] == ["depth 8"] * 3 + ["depth 14"] * 3
    for upper, lower in zip(panels[:3], panels[3:], strict=True):
        assert upper.get_ylim() == lower.get_ylim() and upper.get_ylabel() == lower.get_ylabel()
