"""The figure of the ablation: readable for every kind of section, and nobody is left out."""

import matplotlib.style
import numpy as np
import pytest
import synthetic_ablation
import yaml
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from experiment.dial import RESPONSES
from experiment.parameters.ablation import Ablation
from figures.draw_ablation import draw, place_of, read_runs
from figures.style import RC, TEXT_WIDTH

SECTION = {
    "further": {"networks": [], "weight_decays": []},
    "weight_decays": [0.0, 0.0005],
    "seeds": [0],
    "epochs": 1,
    "samples": 50,
    "trace_draws": 3,
    "most_steps": 8,
    "points": 5,
    "direction_seeds": [11, 12],
}
DIAL = ["plain20", "resnet20-shortcut0.25", "resnet20-shortcut0.5", "resnet20-shortcut0.75", "resnet20"]
VARIANTS = ["resnet20-projection", "plain20-tanh", "resnet20-tanh", "resnet20-shortcut0.5-tanh"]
FURTHER = {"networks": ["plain20", "resnet20"], "weight_decays": [0.0]}
STUDIES = {  # networks, seeds, weight decays, runs that diverged
    "further": (DIAL + VARIANTS, [0, 1], [0.0005], []),
    "whole": (DIAL + VARIANTS, [0, 1, 2], [0.0, 0.0005], []),
    "some diverged": (
        DIAL + VARIANTS,
        [0, 1],
        [0.0, 0.0005],
        ["plain20-0", "plain20-tanh-0", "plain20-tanh-1"],
    ),
    "all diverged": (DIAL, [0], [0.0], [f"{network}-0" for network in DIAL]),
    "no dial": (["resnet20-projection", "resnet20-projection-tanh"], [0], [0.0001], []),
    "three decays": (DIAL, [0], [0.0, 0.0001, 0.0005], []),
}


@pytest.fixture(params=STUDIES)
def study(request, tmp_path, monkeypatch):
    networks, seeds, decays, diverged = STUDIES[request.param]
    section = SECTION | {"networks": networks, "seeds": seeds, "weight_decays": decays}
    section |= {"further": FURTHER} if request.param == "further" else {}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"ablation": section}))
    synthetic_ablation.write(tmp_path / "results", {"ablation": section}, diverged)
    monkeypatch.chdir(tmp_path)
    return Ablation(**section), diverged


def drawn():
    with matplotlib.style.context(RC, after_reset=True):
        figure = draw()
        renderer = FigureCanvasAgg(figure).get_renderer()
        figure.draw(renderer)
    return figure, renderer


def test_texts_lie_on_the_page_and_do_not_overlap(study):
    figure, renderer = drawn()
    texts = [t for t in figure.findobj(Text) if t.get_text() and t.get_visible()]
    assert figure.get_figwidth() == TEXT_WIDTH and min(t.get_fontsize() for t in texts) >= 7
    labels = [
        t for axes in figure.axes for t in (axes.title, axes.xaxis.label, axes.yaxis.label) if t.get_text()
    ]
    labels += [t for legend in figure.legends for t in legend.get_texts()]
    boxes = [t.get_window_extent(renderer) for t in labels]
    assert all(figure.bbox.contains(box.x0, box.y0) and figure.bbox.contains(box.x1, box.y1) for box in boxes)
    assert not [(a, b) for a in range(len(boxes)) for b in range(a) if boxes[a].overlaps(boxes[b])]


def test_every_measured_run_has_its_point_and_every_diverged_network_its_note(study):
    declared, diverged = study
    figure, _ = drawn()
    runs = read_runs(declared)
    parts = (declared, declared.further)
    assert len(runs) == sum(len(part.networks) * len(part.weight_decays) for part in parts)
    for axes, response in zip(figure.axes, RESPONSES, strict=True):
        points = {
            (float(x), float(y))
            for line in axes.lines
            if line.get_linestyle() == "None"
            for x, y in zip(*line.get_data(), strict=True)
            if np.isfinite(y)
        }
        expected = {
            (float(place_of(network, declared)), run[response.key])
            for (network, _), found in runs.items()
            for run in found
            if np.isfinite(run[response.key])
        }
        assert points == expected
    notes = " ".join(t.get_text() for legend in figure.legends for t in legend.get_texts())
    for run in diverged:
        assert f"{run.rpartition('-')[0]} (" in notes


def test_no_two_networks_stand_at_the_same_place_but_those_of_the_same_strength(study):
    declared, _ = study
    places = [place_of(network, declared) for network in declared.networks]
    assert len(set(places)) == len(places)


def test_a_number_that_never_changes_says_so(study, monkeypatch):
    declared, _ = study
    runs = read_runs(declared)
    for found in runs.values():
        for run in found:
            run["excess_variation"] = 1.0
    monkeypatch.setattr("figures.draw_ablation.read_runs", lambda _: runs)
    figure, _ = drawn()
    axes = next(axes for axes in figure.axes if axes.get_title() == "excess variation")
    assert "1 in every run" in [text.get_text() for text in axes.texts]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["1"]
