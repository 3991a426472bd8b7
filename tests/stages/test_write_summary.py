"""The summary's words follow the numbers, and what was not measured is a dash."""

import pytest
from synthetic import write_synthetic_results

from experiment.evidence import CLAIMS, evidence_path
from experiment.layout import ROUGHNESS
from experiment.parameters.study import Study
from experiment.reporting.comparison import Difference
from experiment.reporting.results import Results
from experiment.storage import write_json
from stages.write_summary import SUMMARY, cell, contrast, main, markdown, summary


@pytest.mark.parametrize(
    "values, digits, text",
    [
        ([1.234], 2, "1.23"),
        ([1.0, 3.0], 1, "2.0 ± 1.4"),
        ([None, 3.0], 1, "3.0"),
        ([None], 1, "–"),
        ([], 1, "–"),
    ],
)
def test_cell(values, digits, text):
    assert cell(values, digits) == text


def test_a_contrast_names_the_residual_network_first():
    assert contrast(Difference(0.0697, 0.1331, None), 2, 100) == "6.97 against 13.31"
    assert contrast(Difference(0.5, None, None), 1) == "0.5 against –"


def test_a_half_is_rounded_as_in_the_table():
    share = 0.38315000000000005  # whose hundredfold is above 38.315, whose float is below it
    assert contrast(Difference(share, share, None), 2, 100) == "38.31 against 38.31"


def test_what_is_decided_is_listed_in_markdown():
    sentence = r"Supported: \emph{a claim} (\texttt{x\_y} in the mean over two depths) and \emph{another}."
    assert markdown(sentence) == "Supported: *a claim* (`x_y` in the mean over two depths) and *another*."


def test_a_missing_result_is_named_and_the_old_summary_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_synthetic_results(tmp_path, ["resnet8", "plain8"], [0])
    main()
    written = SUMMARY.read_text()
    ROUGHNESS.unlink()
    with pytest.raises(
        FileNotFoundError,
        match=r"^results/roughness.json not found: it is made by an earlier stage; run `dvc repro`$",
    ):
        main()
    assert SUMMARY.read_text() == written


def run(test_accuracy: float, diverged_epoch: int | None = None) -> dict:
    return {
        "parameters": 1234,
        "test_accuracy": test_accuracy,
        "train_loss": 0.5,
        "diverged_epoch": diverged_epoch,
    }


def matched(*networks: str) -> dict:
    """One depth's checkpoints at equal loss."""
    entries = {network: {"epoch": 7.0, "loss": 0.5} for network in networks}
    return {"target_loss": 0.5, "hardest": networks[0], "networks": entries}


def cuts(rise: float) -> dict:
    """Measures of cuts along five directions; a half-way distance that some direction does not reach."""
    measures = {"edge_rise": rise, "halfway_distance": None, "excess_variation": 1.0, "nonconvex_share": 0.0}
    along = {"edge_rise": [rise + 0.1 * shift for shift in (-2, -1, 0, 1, 2)]}
    return measures | {"by_direction": along}


def test_summary_has_a_row_and_a_verdict_for_each_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    verdicts = ["supported", "supported", "inconclusive"]
    judged = {"low": -2.0, "high": -1.0, "expected_sign": -1, "reason": "few seeds"}
    judged |= {
        "id": "a_claim",
        "claim": "a claim",
        "quantity": "a quantity",
        "estimate": -1.5,
        "by_stratum": {},
        "caveat": "",
        "raw": False,
    }
    entries = [judged | {"verdict": verdict} for verdict in verdicts]
    write_json(CLAIMS, {"claims": entries})
    for network, trace in (("resnet8", 90.0), ("plain8", None), ("resnet14", 123.4), ("plain14", 567.8)):
        states = {"matched": {"normalised_trace": trace}}
        write_json(evidence_path("curvature", network, 0), {"states": states})
    networks = ["resnet8", "plain8", "resnet14", "plain14"]
    runs = [run(0.75), run(0.1, diverged_epoch=2), run(0.8), run(0.7)]
    rises = [1.0, 2.0, 3.0, 5.0]
    results = Results(
        "laptop",
        {"train": {"recipe": {"epochs": 7}}, "surface": {"cuts": {"direction_seeds": [1, 2, 3, 4, 5]}}},
        Study(networks=networks, seeds=[0]),
        {
            "name": "digits",
            "train": {"images": 1437},
            "test": {"images": 360},
            "classes": list("0123456789"),
        },
        {f"{network}-0": made for network, made in zip(networks, runs, strict=True)},
        {"0": {"8": matched("resnet8"), "14": matched("resnet14", "plain14")}},
        {
            f"{network}-0": {
                "cuts": cuts(rise),
                "matched_cuts": cuts(rise + 1),
                "matched": {"excess_variation": 1 + rise / 100},
            }
            for network, rise in zip(networks, rises, strict=True)
        },
    )
    text = summary(results)
    assert (
        "Scale `laptop`: scikit-learn's handwritten digits, 1,437 training images, 7 epochs, 1 seed." in text
    )
    assert "| `resnet8` | 1,234 | 0.500 | 25.00 | 1.00 | – | – | – | – |" in text  # nothing to match it with
    assert "| `plain8` | 1,234 | – | – | 2.00 | – | – | – | – |" in text
    assert "| `resnet14` | 1,234 | 0.500 | 20.00 | 3.00 | 4.00 | – | – | 123 |" in text
    assert (
        "- `resnet8` against `plain8`: test errors not comparable; in the cuts about the final weights, rise to the rim"
        in text
    )
    assert "- `resnet14` against `plain14`: test error 20.00 against 30.00% (residual better);" in text
    assert "rise to the rim 4.00 against 6.00 (residual flatter), half-way distance not comparable, " in text
    assert "Of 3 judgements, 2 are supported and 1 is inconclusive." in text
    assert text.endswith("\n\n- Supported: *a claim* (in two of three judgements).\n")
    assert "in the cuts at equal training loss, rise to the rim 4.00 against" in text
    assert "excess variation 1.00 against 1.00 (no roughness is resolved in either)" in text
    assert "; on the planes at equal training loss, excess variation 1.03 against 1.05." in text
