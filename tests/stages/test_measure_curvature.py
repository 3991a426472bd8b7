from itertools import product

import pytest
from small_study import PARAMETERS, RUNS
from tqdm import tqdm

from experiment.evidence import Parts, evidence_path
from experiment.images import load_images
from experiment.layout import MATCHING
from experiment.measuring import measured_images
from experiment.origins import Origin, declared_origins
from experiment.parameters.curvature import Curvature
from experiment.parameters.loading import load_section
from experiment.runs import parameters_of
from experiment.storage import read_json
from flatness.curvature import extreme_eigenvalues
from flatness.directions import displaced, random_direction
from flatness.hessian import HessianProduct
from flatness.unmeasurable import Unmeasurable
from stages import measure_curvature

CURVATURE = PARAMETERS["curvature"]
NUMBERS = (
    "largest_eigenvalue",
    "largest_residual",
    "smallest_eigenvalue",
    "smallest_residual",
    "trace",
    "trace_error",
)


def measure():
    for run in RUNS:
        measure_curvature.main(*run)


def found(network: str) -> dict:
    return read_json(evidence_path("curvature", network, 0))


def test_both_spectra_of_both_states_are_measured(inside):
    for network, seed in RUNS:
        result = found(network)
        assert (result["network"], result["seed"], result["samples"]) == (network, seed, 32)
        assert result["provenance"]["precision"] == "float32"
        for state in result["states"].values():
            assert state["reason"] is None
            for prefix in ("", "normalised_"):
                numbers = {name: state[prefix + name] for name in NUMBERS}
                assert numbers["largest_eigenvalue"] > max(0, numbers["smallest_eigenvalue"])
                assert all(numbers[name] >= 0 for name in NUMBERS if name.endswith(("residual", "error")))
            for row in state["density"]["weights"]:
                assert sum(row) == pytest.approx(1) and len(row) == CURVATURE["density_steps"]
            assert len(state["density"]["nodes"]) == CURVATURE["density_draws"]
            fewest = 2 * (2 + CURVATURE["trace_draws"]) + 2 * CURVATURE["density_steps"]
            assert fewest < state["products"] <= fewest + 2 * CURVATURE["most_steps"]


def test_values_are_those_of_the_weights_and_the_declared_images(inside):
    train_set, _ = load_images()
    final, matched = declared_origins("resnet8", 0, train_set)
    product_at_end = HessianProduct(final.network, measured_images(train_set, CURVATURE["samples"]))
    ends = extreme_eigenvalues(product_at_end, CURVATURE["tolerance"], CURVATURE["most_steps"])
    state = found("resnet8")["states"]["final"]
    assert state["largest_eigenvalue"] == pytest.approx(ends.largest_algebraic.value, rel=1e-3)
    directions = [random_direction(parameters_of(matched.network), s) for s in CURVATURE["direction_seeds"]]
    images = measured_images(train_set, CURVATURE["map"]["samples"])
    with displaced(matched.network, directions, [-1.0, 0.0]):
        ends = extreme_eigenvalues(HessianProduct(matched.network, images), most_steps=8)
    stored = found("resnet8")["map"]["largest"][0][1]  # indices [alpha][beta]
    assert stored == pytest.approx(ends.largest_algebraic.value, rel=0.05)


def test_the_network_that_sets_the_target_has_the_same_values_in_both_states(inside):
    hardest = read_json(MATCHING)["0"]["8"]["hardest"]
    states = found(hardest)["states"]
    assert states["final"] == states["matched"]
    assert found(hardest)["map"]["epoch"] == states["matched"]["epoch"] == 2.0


def test_unresolved_points_of_the_map_are_masked(inside):
    for network, _ in RUNS:
        plane = found(network)["map"]
        assert plane["alphas"] == [-1.0, 0.0, 1.0]
        for row, column in product(range(3), range(3)):
            largest, smallest, residual, ratio = (
                plane[name][row][column] for name in ("largest", "smallest", "residual", "convexity")
            )
            if residual > CURVATURE["map"]["resolution"] * max(abs(largest), abs(smallest)):
                assert ratio is None
            else:
                assert ratio == pytest.approx(abs(smallest / largest))


def test_a_killed_measurement_goes_on_where_it_stopped_and_ends_the_same(inside, monkeypatch):
    path = evidence_path("curvature", "resnet8", 0)
    unbroken, measured, original = path.read_bytes(), [], Parts.get

    def stop_after(limit):
        def get(self, name, measure):
            def counted():
                if len(measured) == limit:
                    raise KeyboardInterrupt
                measured.append(name)
                return measure()

            return original(self, name, counted)

        return get

    for limit in (1, 6):
        with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
            patch.setattr(Parts, "get", stop_after(limit))
            measure_curvature.main("resnet8", 0)
    monkeypatch.setattr(Parts, "get", stop_after(-1))
    measure_curvature.main("resnet8", 0)
    assert len(measured) == len(set(measured)) and len(measured) in (2 + 9, 4 + 9)
    assert path.read_bytes() == unbroken
    assert not list((inside / ".progress").iterdir())


def test_parts_of_one_checkpoint_are_not_taken_for_those_of_another(inside, monkeypatch):
    taken = []
    monkeypatch.setattr(measure_curvature, "spectrum", lambda *_: taken.append(1) or {"products": 1})
    train_set, parameters = load_images()[0], load_section("curvature", Curvature)
    network = declared_origins("resnet8", 0, train_set)[0].network
    for epoch, measured in ((2.0, 2), (5.0, 4), (2.0, 4)):
        parts, state = Parts("curvature-test"), Origin("matched", epoch, network)
        measure_curvature.spectra(state, measured_images(train_set, 8), parameters, parts, tqdm(disable=True))
        assert len(taken) == measured
    parts.remove()


def test_weights_without_a_finite_hessian_have_a_reason(inside, monkeypatch):
    def overflowing(matrix, *arguments):
        raise Unmeasurable("a product of the Hessian is not finite")

    monkeypatch.setattr(measure_curvature, "spectrum", overflowing)
    monkeypatch.setattr(measure_curvature, "extreme_eigenvalues", overflowing)
    path = evidence_path("curvature", "plain8", 0)
    kept = path.read_bytes()
    measure_curvature.main("plain8", 0)
    result = found("plain8")
    path.write_bytes(kept)
    assert all("not finite" in state["reason"] for state in result["states"].values())
    assert result["map"]["reason"] == "the Hessian is finite at no point"
    assert result["map"]["convexity"] == [[None] * 3] * 3


def test_a_diverged_run_has_a_reason_and_nothing_else(diverged):
    absent = {"epoch": None, "reason": "the run diverged"}
    result = found("plain8")
    assert result["states"] == {"final": absent, "matched": absent} and result["map"] == absent
