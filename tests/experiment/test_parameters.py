"""params.yaml is refused as a whole, every fault named with what was expected."""

import copy
from pathlib import Path

import pytest
import yaml
from dvc.utils.serialize import load_yaml

from experiment.parameters.loading import ParameterError, load_section
from experiment.parameters.study import load_study
from experiment.parameters.train import Train
from experiment.parameters.whole import load_parameters

GOOD = yaml.safe_load("""
networks: [resnet8, plain8]
seeds: [0, 3]
dataset: {name: digits, source: official}
train:
  recipe:
    epochs: 4
    batch_size: 64
    learning_rate: 0.1
    schedule: one_cycle
    warmup_steps: 0
    momentum: 0.9
    nesterov: true
    weight_decay: 0.0001
    crop_padding: 4
    flip: false
  overrides: {plain8: {learning_rate: 0.01, epochs: 3}}
  checkpoint_epochs: [0.0, 0.5, 1.0, 3.5]
trajectory: {samples: 250, plane_samples: 250, batch_size: 50, calibration_samples: 100, points: 5, margin: 0.25}
surface:
  normalisation: filter
  direction_seeds: [1, 2]
  extent: 1.0
  points: 5
  relative_error: null
  batch_size: 250
  recomputed: {points: 3, calibration_samples: 100}
  cuts: {points: 5, direction_seeds: [11, 12]}
  line: {points: 5, start: -0.5, stop: 1.5}
curvature:
  samples: 50
  batch_size: 25
  tolerance: 0.01
  most_steps: 10
  trace_draws: 3
  density_draws: 1
  density_steps: 8
  direction_seeds: [1, 2]
  map: {samples: 20, points: 3, extent: 1.0, most_steps: 6, resolution: 0.1}
sharpness:
  samples: 50
  box_epsilon: 0.0005
  radii: {l2: 0.1, elementwise: 0.5, filter: 0.05}
  ascent_steps: 3
  restarts: 2
  sigma: 0.2
  rise: 1.0
  extent: 2.0
  direction_seeds: [21, 22]
  rescaling_factor: 3.0
initialisation:
  {families: [resnet, plain], variants: ["", -nonorm], depths: [8, 14], seeds: [0, 1], samples: 20, inputs: 16}
gradients: {samples: 50, step_samples: 50, steps: [0.01, 0.1]}
clipping:
  {networks: [plain8-nonorm], seeds: [0], learning_rate: 0.1, batch_size: 16, steps: 10, largest_norm: 1.0}
robustness:
  samples: 200
  noise: [0.1]
  blur: [1.0]
  contrast: [0.5]
  brightness: [0.2]
  weight_noise: [0.1]
  direction_seeds: [31, 32]
ablation:
  networks: [plain8, resnet8]
  weight_decays: [0.0005]
  further: {networks: [resnet8], weight_decays: [0.0]}
  seeds: [0]
  epochs: 1
  samples: 50
  trace_draws: 3
  most_steps: 8
  points: 5
  direction_seeds: [11, 12]
trials: {networks: [plain8], learning_rates: [0.02], seeds: [0, 1]}
claims: {confidence: 0.95, significance: 0.05, resamples: 1000, least_seeds: 3, seed: 0}
""")
REMOVED = object()


def changed(*changes):
    """GOOD with values put (or REMOVED) at dotted keys."""
    content = copy.deepcopy(GOOD)
    for key, value in changes:
        *parents, last = key.split(".")
        place = content
        for parent in parents:
            place = place[parent]
        if value is REMOVED:
            del place[last]
        else:
            place[last] = value
    return content


def faults(tmp_path, content) -> list[str]:
    """The message's lines for a params.yaml of this content."""
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ParameterError) as raised:
        load_parameters(path)
    head, *lines = str(raised.value).splitlines()
    assert head == f"{path}: {len(lines)} fault(s), nothing was run"
    return [line.strip() for line in lines]


def test_good_parameters_come_back_typed(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(GOOD))
    parameters = load_parameters(path)
    assert parameters.runs == [("resnet8", 0), ("resnet8", 3), ("plain8", 0), ("plain8", 3)]
    assert parameters.trials.runs == [("plain8", 0.02, 0), ("plain8", 0.02, 1)]
    assert parameters.train.recipe_for("plain8").learning_rate == 0.01
    assert parameters.train.recipe_for("resnet8").learning_rate == 0.1
    assert parameters.train.checkpoints_for("plain8") == (0.0, 0.5, 1.0, 3.0)
    assert parameters.train.checkpoints_for("resnet8") == (0.0, 0.5, 1.0, 3.5, 4.0)


@pytest.mark.parametrize(
    "key, value, expected",
    [
        ("surfaces", {}, "surfaces: unknown key, did you mean 'surface'?"),
        ("surface.pionts", 5, "surface.pionts: unknown key, did you mean 'points'?"),
        ("surface.line.end", 1.0, "surface.line.end: unknown key; expected one of points, start, stop"),
        ("seeds", REMOVED, "seeds: missing key"),
        ("surface", REMOVED, "surface: missing key"),
        ("train.recipe.flip", REMOVED, "train.recipe.flip: missing key"),
        ("surface.cuts.points", REMOVED, "surface.cuts.points: missing key"),
        ("networks", [], "networks: List should have at least 1 item"),
        ("networks", ["resnet8", "resnet9"], "networks: network 'resnet9': depth 9 is not 6n+2"),
        ("networks", ["plain8", "plain8"], "networks: expected no repetition"),
        ("seeds", [-1], "seeds.0: Input should be greater than or equal to 0; found -1"),
        (
            "dataset.name",
            "cifar",
            "dataset.name: Input should be 'cifar10', 'cifar100', 'digits' or 'images'",
        ),
        ("train.recipe.schedule", "step", "Input should be 'he2016', 'li2018' or 'one_cycle'; found 'step'"),
        ("train.recipe.weight_decay", "0.0001", "found '0.0001' (text; write the number as 0.0001)"),
        ("train.recipe.nesterov", "yes", "train.recipe.nesterov: Input should be a valid boolean"),
        ("train.recipe.momentum", 1.0, "train.recipe.momentum: Input should be less than 1; found 1.0"),
        ("train.recipe.momentum", 0.0, "train.recipe: nesterov true needs a momentum above 0"),
        ("train.overrides", {"plain14": {}}, "train.overrides.plain14: not a declared network"),
        (
            "train.overrides",
            {"plain8": {"lr": 1.0}},
            "train.overrides.plain8.lr: unknown key; expected one of epochs",
        ),
        (
            "train.overrides",
            {"plain8": {"epochs": 0}},
            "train.overrides.plain8.epochs: Input should be greater",
        ),
        ("train.checkpoint_epochs", [0.5, 1.0], "train.checkpoint_epochs: expected to begin with 0"),
        ("train.checkpoint_epochs", [0.0, 1.0, 0.5], "train.checkpoint_epochs: expected ascending epochs"),
        ("train.checkpoint_epochs", [0.0, 1.0, 4.0], "train.checkpoint_epochs: expected epochs below 4"),
        ("train.checkpoint_epochs", [0.0], "expected 2 or more below the last epoch of resnet8, 4"),
        ("trajectory.points", 4, "trajectory.points: expected an odd count"),
        ("surface.extent", 0.0, "surface.extent: Input should be greater than 0; found 0.0"),
        ("surface.relative_error", 1.5, "surface.relative_error"),
        ("surface.direction_seeds", [1, 1], "surface.direction_seeds: expected different seeds"),
        ("surface.cuts.direction_seeds", [1, 2, 1], "surface.cuts.direction_seeds: expected different seeds"),
        ("surface.line.stop", -0.5, "surface.line: expected start < stop"),
        ("curvature.direction_seeds", [3, 3], "curvature.direction_seeds: expected different seeds"),
        ("curvature.direction_seeds", [1, 3], "expected those of surface.direction_seeds, [1, 2]"),
        (
            "gradients.steps",
            [0.1, 0.01],
            "gradients.steps: expected different numbers, ascending, the strongest last",
        ),
        ("robustness.contrast", [0.25, 0.5], "robustness.contrast: expected different numbers, descending"),
        (
            "robustness.weight_noise",
            [0.1, 0.1],
            "robustness.weight_noise: expected different numbers, ascending",
        ),
        ("trials.networks", ["plain9"], "trials.networks: network 'plain9'"),
        ("trials.learning_rates", [0.0], "trials.learning_rates.0: Input should be greater than 0"),
        ("trials.networks", [], "trials: expected networks, learning_rates and seeds, or none of them"),
        ("trials.seeds", [], "trials: expected networks, learning_rates and seeds, or none of them"),
        (
            "trials.learning_rates",
            [0.02, 0.01],
            "trials.learning_rates: expected others than that of plain8 in train, 0.01; found [0.02, 0.01]",
        ),
        ("trials.learning_rates", [0.01, 0.01], "trials.learning_rates: expected no repetition"),
        ("curvature.trace_draws", 1, "curvature.trace_draws: Input should be greater than or equal to 2"),
        ("curvature.map.points", 4, "curvature.map.points: expected an odd count"),
        (
            "sharpness.radii.l3",
            0.1,
            "sharpness.radii.l3: unknown key; expected one of l2, elementwise, filter",
        ),
        ("sharpness.direction_seeds", [21, 21], "sharpness.direction_seeds: expected no repetition"),
        ("initialisation.variants", ["-linear"], "initialisation.variants: network 'plain8-linear'"),
        ("initialisation.depths", [9], "initialisation.depths: network 'plain9': depth 9 is not 6n+2"),
        ("initialisation.families", ["vgg"], "initialisation.families"),
        ("gradients.steps", [], "gradients.steps: List should have at least 1 item"),
        ("clipping.networks", ["plain9"], "clipping.networks: network 'plain9'"),
        ("robustness.contrast", [1.5], "robustness.contrast.0: Input should be less than 1; found 1.5"),
        ("robustness.direction_seeds", [3, 3], "robustness.direction_seeds: expected different seeds"),
        ("ablation.networks", ["plain8", "plain8"], "ablation.networks: expected no repetition"),
        ("ablation.weight_decays", [-0.1], "ablation.weight_decays.0: Input should be greater"),
        (
            "ablation.weight_decays",
            [0, 0.0005],
            "ablation.weight_decays: expected numbers with a decimal point, since results are named by them; found 0: "
            "write 0 as 0.0",
        ),
        (
            "ablation.further.networks",
            ["resnet14"],
            "ablation: further.networks: expected some of networks; found resnet14",
        ),
        (
            "ablation.further.networks",
            [],
            "ablation.further: expected networks and weight_decays, or neither",
        ),
        (
            "ablation.further.weight_decays",
            [0.0005],
            "further.weight_decays: expected others than weight_decays; found 0.0005",
        ),
        (
            "ablation.further.weight_decays",
            [0],
            "ablation.further.weight_decays: expected numbers with a decimal point",
        ),
        ("trials.learning_rates", [1], "found 1: write 1 as 1.0"),
        ("robustness.blur", [1, 2.0], "robustness.blur: expected numbers with a decimal point"),
        ("robustness.noise", [1], "robustness.noise: expected numbers with a decimal point"),
        ("robustness.weight_noise", [0.5, 2], "found 2: write 2 as 2.0"),
        ("claims.confidence", 95, "claims.confidence: Input should be"),
        ("claims.least_seeds", 1, "claims.least_seeds: Input should be greater than or equal to 2"),
    ],
)
def test_each_fault_is_named(tmp_path, key, value, expected):
    assert any(expected in line for line in faults(tmp_path, changed((key, value))))


@pytest.mark.parametrize(
    "start, stop, points, remedy",
    [
        (-0.5, 1.5, 80, "start: -0.5, stop: 1.5, points: 81"),
        (-0.5, 1.5, 3, "start: -0.5, stop: 1.5, points: 5"),
        (-1.0, 1.0, 3, "start: -1.0, stop: 1.0, points: 5"),
        (0.1, 0.9, 5, "start: 0.0, stop: 1.0, points: 5"),
        (-0.1, 1.1, 41, "start: -0.1, stop: 1.1, points: 37"),
        (-0.333, 1.5, 81, "start: -0.35, stop: 1.5, points: 75"),
    ],
)
def test_a_line_without_its_ends_is_refused_with_the_nearest_that_has_them(
    tmp_path, start, stop, points, remedy
):
    line = {"start": start, "stop": stop, "points": points}
    (fault,) = faults(tmp_path, changed(("surface.line", line)))
    assert fault.startswith("surface.line: expected start, stop and points such that 0 and 1 are among them")
    assert f"found start: {start}, stop: {stop}, points: {points}; write for example {remedy}" in fault
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(changed(("surface.line", yaml.safe_load(f"{{{remedy}}}")))))
    assert load_parameters(path)


def test_there_may_be_no_trials(tmp_path):
    path = tmp_path / "params.yaml"
    none = [(f"trials.{key}", []) for key in ("networks", "learning_rates", "seeds")]
    path.write_text(yaml.safe_dump(changed(*none)))
    assert load_parameters(path).trials.runs == []


def test_whole_numbers_that_name_nothing_are_numbers(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(changed(("train.checkpoint_epochs", [0, 1, 2]), ("gradients.steps", [1]))))
    assert load_parameters(path).train.checkpoint_epochs == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("scale", ["", "scales/gpu", "scales/laptop", "scales/smoke"])
def test_the_scales_parameters_have_no_fault(scale):
    assert load_parameters(Path(__file__).parents[2] / scale / "params.yaml")


def test_all_faults_come_in_one_message(tmp_path):
    content = changed(
        ("dataset.name", "mnist"),
        ("train.checkpoint_epochs", [1.0, 2.0]),
        ("surface.direction_seeds", [4, 4]),
        ("surfcae", 1),
        ("trajectory.samples", REMOVED),
    )
    keys = {line.split(":")[0] for line in faults(tmp_path, content)}
    assert keys == {
        "dataset.name", "train.checkpoint_epochs", "surface.direction_seeds", "surfcae", "trajectory.samples"
    }  # fmt: skip


@pytest.mark.parametrize(
    "text, expected",
    [
        ("networks: [", "not valid YAML"),
        ("- 1", "expected keys and values, found list"),
        ("", "found NoneType"),
    ],
)
def test_what_is_no_mapping_is_refused(tmp_path, text, expected):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(ParameterError, match=expected):
        load_parameters(path)


@pytest.mark.parametrize("written", ["0.0005", "5e-4", "5.0e-4"])
def test_numbers_are_read_as_dvc_reads_them(tmp_path, written):
    path, content = tmp_path / "params.yaml", changed(("train.recipe.weight_decay", "WRITTEN"))
    path.write_text(yaml.safe_dump(content).replace("WRITTEN", written))
    assert load_parameters(path).train.recipe.weight_decay == 0.0005
    assert load_yaml(path)["train"]["recipe"]["weight_decay"] == 0.0005


def test_absent_file_says_where_to_run(tmp_path):
    with pytest.raises(ParameterError, match="not found: run from the repository's root or from scales/NAME"):
        load_parameters(tmp_path / "params.yaml")


def test_stages_read_their_own_section_only(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(changed(("surface", "broken"))))
    assert load_section("train", Train, path).recipe.epochs == 4
    assert load_study(path).networks == ["resnet8", "plain8"]
    with pytest.raises(ParameterError, match="section 'spectrum' is missing"):
        load_section("spectrum", Train, path)
