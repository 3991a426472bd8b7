"""Every figure, drawn from synthetic results of several kinds of study."""

import importlib
import os
import re
import subprocess
import sys
import zlib
from math import inf, log, nan
from pathlib import Path

import matplotlib
import numpy as np
import pandas
import pytest
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import QuadMesh
from matplotlib.colors import rgb_to_hsv, to_rgb
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.text import Text
from synthetic import NO_TRIALS, write_synthetic_results

from experiment.evidence import evidence_path
from experiment.layout import figure_path, surface_path, trajectory_path
from experiment.reporting.convexity import resolved_ratios
from experiment.reporting.figures import FIGURES
from experiment.slices import read_slice, write_slice
from experiment.storage import DATASET, epochs_path, read_json, training_path, write_json
from figures import draw_surfaces_3d, draw_trajectory
from figures.curves import mean_and_band
from figures.draw_surfaces_3d import deepest_pair, lowest_corner
from figures.draw_trajectory import clearest_place, numbered
from figures.losses import FLOOR, chance_loss, loss_scale, round_numbers
from figures.sheets import arrange
from figures.style import FAMILY_COLORS, FONT_SIZE, RC, TEXT_WIDTH, color_of, dashes_of, write_figure
from stages.draw_figures import DRAWN

NAMES = list(DRAWN)
STUDIES = {  # networks, seeds, runs that diverged
    "smoke": (["resnet8", "plain8", "resnet14", "plain14"], [0], []),
    "paper": (
        ["resnet20", "plain20", "resnet56", "plain56", "resnet110", "plain110"],
        [0, 1, 2],
        ["plain110-0", "plain56-2"],
    ),
    "single": (["resnet20-tanh"], [3], []),
    "variants": (
        ["resnet20", "resnet20-projection-width2", "plain20-nonorm", "resnet20-shortcut0.5", "plain56"],
        [0],
        [],
    ),
    "diverged": (["plain14", "plain8"], [0, 1], ["plain14-0", "plain14-1", "plain8-0", "plain8-1"]),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Folders of made-up results by study, for tests that leave them as they are."""
    folders = {study: tmp_path_factory.mktemp(study) for study in STUDIES}
    for study, folder in folders.items():
        networks, seeds, diverged = STUDIES[study]
        write_synthetic_results(folder, networks, seeds, diverged=diverged)
    return folders


@pytest.fixture
def smoke(tmp_path, monkeypatch):
    """A working directory with the smoke study's results, to be changed."""
    write_synthetic_results(tmp_path, *STUDIES["smoke"][:2])
    monkeypatch.chdir(tmp_path)


def module_of(name: str):
    return importlib.import_module(f"figures.draw_{name}")


def written(name: str) -> tuple[bytes, bytes]:
    """A figure's PDF and PNG, drawn in the working directory."""
    write_figure(name, module_of(name).draw)
    return read(name)


def read(name: str) -> tuple[bytes, bytes]:
    return figure_path(name, "pdf").read_bytes(), figure_path(name, "png").read_bytes()


def replace_losses(path: Path, where: tuple, value: float) -> None:
    """Change some of a stored slice's losses."""
    dataset = read_slice(path)
    dataset.loss[where] = value
    write_slice(path, dataset)


def test_the_papers_figures_are_drawn():
    assert set(DRAWN) == set(FIGURES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("study", STUDIES)
def test_every_study_has_every_figure_with_readable_text_on_the_page(results, monkeypatch, study, name):
    monkeypatch.chdir(results[study])
    with matplotlib.style.context(RC, after_reset=True):
        figure = module_of(name).draw()
        renderer = FigureCanvasAgg(figure).get_renderer()
        hidden = hidden_tick_labels(figure)
        figure.draw(renderer)
        texts = [
            text
            for text in figure.findobj(Text)
            if text.get_text() and text.get_visible() and text not in hidden
        ]
        boxes = [text.get_window_extent(renderer) for text in texts]
    assert figure.get_figwidth() == TEXT_WIDTH
    assert min(text.get_fontsize() for text in texts) >= 7
    outside = [
        text.get_text()
        for text, box in zip(texts, boxes, strict=True)
        if not (figure.bbox.contains(box.x0, box.y0) and figure.bbox.contains(box.x1, box.y1))
    ]
    assert outside == []


def test_without_trials_one_line_says_so(tmp_path, monkeypatch):
    write_synthetic_results(tmp_path, *STUDIES["smoke"][:2], parameters=NO_TRIALS)
    monkeypatch.chdir(tmp_path)
    (text,) = (text.get_text() for text in module_of("trials").draw().findobj(Text) if text.get_text())
    assert text == "No other learning rate is tried at this scale."


def hidden_tick_labels(figure) -> set[Text]:
    """Labels of ticks that lie outside the limits of their axis and are not drawn."""
    hidden = set()
    for axis in figure.findobj(Axis):
        shown = axis._update_ticks()
        hidden |= {
            tick_label
            for tick in axis.majorTicks
            if tick not in shown
            for tick_label in (tick.label1, tick.label2)
        }
    return hidden


@pytest.fixture(scope="module")
def drawn_twice(results):
    """By figure, PDF and PNG of the smoke study: drawn here, and by the stage under other settings."""
    folder = results["smoke"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        here = {name: written(name) for name in NAMES}
        Path("matplotlibrc").write_text("lines.linewidth: 9\nfont.size: 30\npdf.fonttype: 3\n")
        source = str(Path(__file__).parents[2] / "src")
        environment = os.environ | {"PYTHONPATH": source, "PYTHONHASHSEED": "7"}
        subprocess.run([sys.executable, "-m", "stages.draw_figures"], check=True, env=environment)
        return {name: (here[name], read(name)) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_results_give_the_same_bytes_whatever_the_users_settings(drawn_twice, name):
    here, there = drawn_twice[name]
    assert here == there


@pytest.mark.parametrize("name", NAMES)
def test_fonts_are_embedded_as_truetype_and_no_date_is_written(drawn_twice, name):
    content = pdf_objects(drawn_twice[name][0][0])
    fonts = re.findall(rb"/Type /FontDescriptor\b", content)
    assert fonts and len(fonts) == len(re.findall(rb"/FontFile2 ", content))
    assert b"/Type3" not in content and b"/CreationDate" not in content


def pdf_objects(pdf: bytes) -> bytes:
    """A PDF with its compressed streams inflated."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    return pdf + b"".join(
        zlib.decompressobj().decompress(stream) for stream in streams if stream[:1] == b"\x78"
    )


def test_drawing_leaves_the_users_settings_alone(smoke):
    before = dict(matplotlib.rcParams)
    written("line")
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("value", [nan, inf])
@pytest.mark.parametrize(
    "name, view",
    [
        ("contours", "final"),
        ("recomputed", "recomputed"),
        ("surfaces_3d", "final"),
        ("cuts", "cuts"),
        ("line", "line"),
    ],
)
def test_losses_that_are_not_finite_are_seen(drawn_twice, smoke, name, view, value):
    replace_losses(surface_path("plain14", 0, view), (..., slice(-2, None)), value)
    assert written(name) != drawn_twice[name][0]


def test_a_partly_undefined_plane_is_named_in_the_legend(smoke):
    assert "not a number" not in legend_of("contours")
    replace_losses(surface_path("plain14", 0, "final"), (..., 0), nan)
    assert "not a number" in legend_of("contours")


def test_a_network_that_diverged_has_an_empty_panel_that_says_so(smoke):
    for view in ("final", "matched"):
        replace_losses(surface_path("plain14", 0, view), (...,), nan)
    path = read_slice(trajectory_path("plain14", 0)) * nan  # as measured after divergence: no plane, no axes
    write_slice(trajectory_path("plain14", 0), path.assign_coords(x=path.x * nan, y=path.y * nan))
    for name in ("contours", "contours_matched", "surfaces_3d", "trajectory"):
        texts = [text.get_text() for text in module_of(name).draw().findobj(Text)]
        assert texts.count("diverged") == 1
        assert not any("nan" in text for text in texts)


def test_matched_panels_name_their_epoch_and_the_loss_at_their_centre(smoke):
    surface = read_slice(surface_path("plain14", 0, "matched"))
    replace_losses(
        surface_path("plain14", 0, "matched"), (0, len(surface.alpha) // 2, len(surface.beta) // 2), 1.234
    )
    titles = [axes.get_title() for axes in module_of("contours_matched").draw().axes]
    assert f"plain14\nepoch {surface.attrs['epoch']:g}, loss 1.23" in titles


def legend_of(name: str) -> list[str]:
    return [text.get_text() for legend in module_of(name).draw().legends for text in legend.get_texts()]


def test_families_keep_their_colours():
    networks = ["resnet20", "plain20", "resnet56", "plain56", "plain56-tanh"]
    assert color_of("resnet56", networks) == FAMILY_COLORS["resnet"].lower()
    assert (
        color_of("plain56", networks) == color_of("plain56-tanh", networks) == FAMILY_COLORS["plain"].lower()
    )
    assert color_of("plain20", ["plain20"]) == FAMILY_COLORS["plain"].lower()
    hues = {network: rgb_to_hsv(to_rgb(color_of(network, networks)))[0] for network in networks}
    assert hues["plain20"] == pytest.approx(hues["plain56"], abs=0.01)
    assert hues["resnet20"] == pytest.approx(hues["resnet56"], abs=0.01)
    looks = [(color_of(network, networks), dashes_of(network, networks)) for network in networks]
    assert len(set(looks)) == len(networks)


@pytest.mark.parametrize(
    "networks, expected",
    [
        (["resnet8", "plain14", "plain8", "resnet14"], [["resnet8", "plain8", "plain14", "resnet14"]]),
        (["resnet20", "plain20"], [["resnet20", "plain20"]]),
        (["plain20-tanh"], [["plain20-tanh"]]),
        (
            ["resnet20", "plain20", "resnet56", "plain110", "resnet110"],
            [["resnet20", "resnet56", "resnet110"], ["plain20", None, "plain110"]],
        ),
        (
            ["resnet20", "plain32", "resnet44-tanh", "plain56-gelu", "plain110"],
            [["resnet20", "plain32", "resnet44-tanh", "plain56-gelu"], ["plain110", None, None, None]],
        ),
    ],
)
def test_networks_are_arranged_by_family_and_depth(networks, expected):
    assert arrange(networks) == expected


@pytest.mark.parametrize(
    "low, high, most, covering, expected",
    [
        (0.4, 6, 10, False, [0.5, 0.7, 1, 1.5, 2, 3, 5]),
        (0.4, 6, 4, False, [0.5, 1, 2, 5]),
        (0.4, 6, 4, True, [0.3, 1, 3, 10]),
        (0.2, 2e3, 6, False, [1, 10, 100, 1000]),
        (1, 1, 9, True, [1, 1.5]),
        (2.1, 2.1, 9, True, [2, 3]),
    ],
)
def test_round_numbers(low, high, most, covering, expected):
    assert round_numbers(low, high, most, covering) == pytest.approx(expected)


@pytest.mark.parametrize("low, high", [(0.2, 50.0), (0.013, 0.02), (1e-9, 1e9), (3.0, inf)])
def test_a_scale_holds_every_loss_within_its_limits(low, high):
    scale = loss_scale([np.array([[nan, low], [1.0, high]])])
    assert scale.levels == sorted(set(scale.levels)) and 2 <= len(scale.levels) <= 20
    assert scale.levels[0] <= max(low, FLOOR)
    assert scale.clipped == (high > scale.levels[-1])
    assert scale.clipped or scale.levels[-1] >= high


def test_a_scale_without_any_finite_loss_is_still_a_scale():
    assert loss_scale([np.full((3, 3), nan)]).ends == (0.1, 10)


def test_a_mean_over_survivors_is_not_shown():
    values = np.array([[1.0, 2.0, nan], [3.0, nan, nan], [8.0, 4.0, nan]])
    mean, low, high = mean_and_band(values)
    np.testing.assert_array_equal(mean, [4.0, nan, nan])
    np.testing.assert_array_equal(low, [1.0, 2.0, nan])
    np.testing.assert_array_equal(high, [8.0, 4.0, nan])


def test_chance_is_the_loss_of_guessing(smoke):
    write_json(DATASET, {"classes": ["cat", "dog", "ship"]})
    loss, name = chance_loss()
    assert loss == pytest.approx(log(3)) and "ln 3 = 1.10" in name


def test_diverged_seeds_are_counted_in_the_legend(results, monkeypatch):
    monkeypatch.chdir(results["paper"])
    names = legend_of("cuts")
    assert "plain110 (2 of 3 seeds)" in names and "resnet110" in names


def test_the_deepest_depth_of_both_families_is_shown():
    assert deepest_pair(["resnet20", "plain20", "resnet56", "plain56", "resnet110"]) == [
        "resnet56",
        "plain56",
    ]
    assert deepest_pair(["resnet20", "resnet56"]) == ["resnet56"]


def test_numbered_checkpoints_keep_their_distance():
    points = np.array([[0, 0], [0.1, 0], [1, 0], [2, 0], [2.1, 0]])
    assert numbered(points, 0.5) == [0, 2, 4]


def test_numbers_stand_beside_the_path_and_within_the_panel():
    figure = Figure(figsize=(1, 1))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 1), ylim=(0, 1))
    points = np.array([[0.5, 0.5], [0.5, 0.1], [0.98, 0.1]])
    assert clearest_place(axes, points, 0, "0")[1] > 0  # the path leaves downwards
    right, up = clearest_place(axes, points, 2, "2")
    assert right <= 0 and up != 0  # the border is to the right, the path to the left


def test_a_long_number_covers_no_path():
    """The path goes up, then left: to the lower right of its corner there is room, for a short number also above it."""
    figure = Figure(figsize=(1, 1))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 1), ylim=(0, 1))
    points = np.array([[0.6, 0.9], [0.6, 0.4], [0.1, 0.4]])
    right, up = clearest_place(axes, points, 1, "0.25")
    across, height = 0.3 * 4 * FONT_SIZE, 0.4 * FONT_SIZE
    assert right - across > 0 or up + height < 0  # clear of the corner's both legs


def test_planes_of_trajectories_have_equal_panels_whatever_their_ranges(smoke):
    path = read_slice(trajectory_path("plain14", 0))
    write_slice(trajectory_path("plain14", 0), path.assign_coords(y=20 * path.y))
    figure = draw_trajectory.draw()
    figure.draw(FigureCanvasAgg(figure).get_renderer())
    panels = [axes for axes in figure.axes if axes.get_title()]
    assert len({axes.get_position().size.round(9).tobytes() for axes in panels}) == 1


def test_surfaces_carry_the_line_of_chance_and_name_their_logarithmic_height(smoke):
    chance, _ = chance_loss()
    panels = [axes for axes in draw_surfaces_3d.draw().axes if axes.name == "3d"]
    for axes, network in zip(panels, ("resnet14", "plain14"), strict=True):
        loss = read_slice(surface_path(network, 0, "final")).loss.sel(set="train")
        lines = [found for found in axes.collections if isinstance(found, ContourSet)]
        assert [line.levels.tolist() for line in lines] == [[pytest.approx(np.log10(chance))]]
        assert loss.min() < chance < loss.max() and "log" in axes.get_zlabel()


def test_surfaces_are_seen_over_their_lowest_corner(smoke):
    surface = read_slice(surface_path("plain14", 0, "final")).sel(set="train")
    for corner in draw_surfaces_3d.AZIMUTHS:
        a, b = corner
        slope = surface.assign(loss=10 ** -(a * surface.alpha + b * surface.beta))
        assert lowest_corner([slope, surface * np.nan]) == corner
        towards = np.radians(draw_surfaces_3d.AZIMUTHS[corner])
        assert (np.sign(np.cos(towards)), np.sign(np.sin(towards))) == corner


@pytest.mark.parametrize("corner", draw_surfaces_3d.AZIMUTHS)
def test_surfaces_have_their_names_on_the_page_from_every_side(smoke, monkeypatch, corner):
    monkeypatch.setattr(draw_surfaces_3d, "lowest_corner", lambda _: corner)
    with matplotlib.style.context(RC, after_reset=True):
        figure = draw_surfaces_3d.draw()
        renderer = FigureCanvasAgg(figure).get_renderer()
        figure.draw(renderer)
    labels = [axis.label for axes in figure.axes for axis in axes.findobj(Axis) if axis.label.get_text()]
    boxes = [label.get_window_extent(renderer) for label in labels]
    assert len(boxes) == 7  # three of each surface, one of the bar
    assert all(figure.bbox.contains(box.x0, box.y0) and figure.bbox.contains(box.x1, box.y1) for box in boxes)
    assert not [(a, b) for a in range(len(boxes)) for b in range(a) if boxes[a].overlaps(boxes[b])]


def test_training_and_test_set_share_their_axes(smoke):
    panels = {
        (axes.get_title(), index // 2): axes
        for index, axes in enumerate(module_of("training_curves").draw().axes)
    }
    for quantity in (0, 1):
        limits = [panels[title, quantity].get_ylim() for title in ("training set", "test set")]
        assert limits[0] == limits[1]


def test_training_curves_take_divergence_from_the_summary(smoke):
    """Whose weights are not finite may have had finite losses in training."""
    rows = pandas.read_csv(epochs_path("plain14", 0))
    rows.loc[rows.index[-1], "test_loss"] = nan
    rows.to_csv(epochs_path("plain14", 0), index=False)
    summary = read_json(training_path("plain14", 0))
    write_json(training_path("plain14", 0), summary | {"diverged_epoch": len(rows), "test_loss": None})
    assert "plain14 (diverged)" in legend_of("training_curves")
    for axes in module_of("training_curves").draw().axes:
        crosses = [line.get_xdata().tolist() for line in axes.lines if line.get_marker() == "x"]
        assert crosses == [[len(rows) - 1]]


def test_surfaces_have_tick_labels_that_do_not_collide_at_the_corners(smoke):
    with matplotlib.style.context(RC, after_reset=True):
        figure = draw_surfaces_3d.draw()
        renderer = FigureCanvasAgg(figure).get_renderer()
        figure.draw(renderer)
    panels = [axes for axes in figure.axes if axes.name == "3d"]
    for axes in panels:
        texts = [text for axis in (axes.xaxis, axes.yaxis) for text in axis.get_ticklabels()]
        boxes = [text.get_window_extent(renderer) for text in texts]
        assert len(boxes) == 6
        assert not [(a, b) for a in range(len(boxes)) for b in range(a) if boxes[a].overlaps(boxes[b])]


def test_points_of_the_convexity_map_are_hatched_by_the_rule_of_the_text(smoke):
    path = evidence_path("curvature", "plain14", 0)
    content = read_json(path)
    stored = content["map"]
    middle = len(stored["alphas"]) // 2
    stored["smallest"][middle][middle] = -1e-6 * stored["residual"][middle][middle]
    stored["convexity"][middle][middle] = 1e-8  # which the stage did not mask
    write_json(path, content)
    panel = next(axes for axes in module_of("convexity").draw().axes if axes.get_title() == "plain14")
    cells = next(found for found in panel.collections if isinstance(found, QuadMesh)).get_array()
    expected = np.isnan(np.array(resolved_ratios(stored)).T)
    assert expected[middle, middle]
    np.testing.assert_array_equal(np.ma.getmaskarray(cells).reshape(expected.shape), expected)


@pytest.mark.parametrize("resolved", [True, False])
def test_the_hatching_is_named_where_it_occurs(smoke, resolved):
    for network in ("resnet8", "plain8", "resnet14", "plain14"):
        content = read_json(evidence_path("curvature", network, 0))
        ones = np.ones((len(content["map"]["alphas"]),) * 2).tolist()
        content["map"] |= {"smallest": ones, "convexity": ones, "residual": np.zeros_like(ones).tolist()}
        if not resolved and network == "plain8":
            content["map"]["convexity"] = [[None, *row[1:]] for row in ones]
        write_json(evidence_path("curvature", network, 0), content)
    assert legend_of("convexity") == ([] if resolved else ["not resolved"])
