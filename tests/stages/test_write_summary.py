"""The summary's words follow the numbers, and what was not measured is a dash."""

from dataclasses import replace

import pytest
from synthetic import write_synthetic_results

from experiment.evidence import CLAIMS, evidence_path
from experiment.layout import ROUGHNESS
from experiment.reporting.comparison import Difference
from experiment.reporting.results import load_results
from experiment.storage import read_json, write_json
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
    networks = ["resnet8", "plain8", "resnet14", "plain14"]
    write_synthetic_results(tmp_path, networks, [0], "digits")
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
    entries = [
        judged | {"verdict": verdict, "p_paired": 0.2, "verdict_paired": "inconclusive"}
        for verdict in verdicts
    ]
    write_json(CLAIMS, {"claims": entries})
    for network, trace in zip(networks, (90.0, None, 123.4, 567.8), strict=True):
        path = evidence_path("curvature", network, 0)
        content = read_json(path)
        content["states"]["matched"]["normalised_trace"] = trace
        write_json(path, content)
    runs = [run(0.75), run(0.1, diverged_epoch=2), run(0.8), run(0.7)]
    results = load_results()
    train = results.parameters["train"]
    train = train | {"recipe": train["recipe"] | {"epochs": 7}}
    results = replace(
        results,
        scale="laptop",
        parameters=results.parameters | {"train": train},
        dataset=results.dataset | {"train": {"images": 1437}},
        training={f"{network}-0": made for network, made in zip(networks, runs, strict=True)},
        matching={"0": {"8": matched("resnet8"), "14": matched("resnet14", "plain14")}},
        roughness={
            f"{network}-0": {
                "cuts": cuts(rise),
                "matched_cuts": cuts(rise + 1),
                "final": {"excess_variation": 1 + rise / 50},
                "matched": {"excess_variation": 1 + rise / 100},
            }
            for network, rise in zip(networks, [1.0, 2.0, 3.0, 5.0], strict=True)
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
        "**In short.** At depth 14, about the final weights the residual network is the flatter by the rise to the rim alone"
        in text
    )
    assert "\\" not in text and "{" not in text  # nothing is left of LaTeX
    assert "| Residual against plain | about the final weights | at equal training loss |\n" in text
    assert "| `resnet8`, `plain8`: test error (%) | not comparable |  |\n" in text
    assert "| `resnet14`, `plain14`: test error (%) | 20.00 against 30.00 (residual better) |  |\n" in text
    rises = "3.00 against 5.00 (residual flatter) | 4.00 against 6.00 (residual flatter)"
    assert f"| `resnet14`, `plain14`: rise to the rim (nats) | {rises} |\n" in text
    assert "| `resnet14`, `plain14`: half-way distance | not comparable | not comparable |\n" in text
    smooth = " | ".join(2 * ["1.00 against 1.00 (no roughness is resolved in either)"])
    assert f"| `resnet14`, `plain14`: excess variation | {smooth} |\n" in text
    assert (
        "| `resnet14`, `plain14`: excess variation of planes | 1.06 against 1.10 | 1.03 against 1.05 |\n"
        in text
    )
    assert "Of 3 judgements, 2 are supported and 1 is inconclusive." in text
    assert "not declared, `a_claim` and `a_claim` would be inconclusive. Each is an entry" in text
    assert text.endswith("\n\n- Supported: *a claim* (in two of three judgements).\n")


def test_signs_of_the_paper_have_their_like_in_markdown():
    assert markdown(r"by \ensuremath{-}0.46\,\textpm\,0.53 and 19\,\%") == "by −0.46 ± 0.53 and 19 %"
    assert markdown(r"a ratio of \ensuremath{2.0 \times 10^{-5}} nats") == "a ratio of 2.0 × 10^-5 nats"
