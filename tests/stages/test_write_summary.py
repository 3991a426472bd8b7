"""The summary's words follow the numbers, and what was not measured is a dash."""

import pytest

from experiment.parameters.study import Study
from experiment.reporting.results import Results
from stages.write_summary import cell, contrast, summary


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


@pytest.mark.parametrize(
    "plain, residual, text",
    [
        ([2.0], [1.0], "higher (2.00 against 1.00)"),
        ([1.0], [2.0], "lower (1.00 against 2.00)"),
        ([1.001], [1.002], "equal (1.00 against 1.00)"),
        ([None], [2.0], "not comparable (– against 2.00)"),
    ],
)
def test_words_follow_the_numbers(plain, residual, text):
    assert contrast(plain, residual, 2) == text


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


def test_summary_has_a_row_for_each_declared_network():
    measures = {"halfway_distance": 0.25, "excess_variation": None}
    results = Results(
        "laptop",
        {"train": {"recipe": {"epochs": 7}}},
        Study(networks=["resnet8", "plain8", "resnet14", "plain14"], seeds=[0]),
        {"name": "digits", "train": {"images": 1437}, "classes": list("0123456789")},
        {
            "resnet8-0": run(0.75),
            "plain8-0": run(0.1, diverged_epoch=2),
            "resnet14-0": run(0.8),
            "plain14-0": run(0.7),
        },
        {"0": {"8": matched("resnet8"), "14": matched("resnet14", "plain14")}},
        {
            name: {"final": measures, "matched": measures}
            for name in ("resnet8-0", "plain8-0", "resnet14-0", "plain14-0")
        },
    )
    text = summary(results)
    assert (
        "Scale `laptop`: scikit-learn's handwritten digits, 1,437 training images, 7 epochs, 1 seed." in text
    )
    assert "| `resnet8` | 1,234 | 0.500 | 25.00 | 0.250 | – | – | – |" in text  # nothing to match it with
    assert "| `plain8` | 1,234 | – | – | 0.250 | – | – | – |" in text
    assert "| `resnet14` | 1,234 | 0.500 | 20.00 | 0.250 | 0.250 | – | – |" in text
    assert "- `plain8` against `resnet8`: test error not comparable (– against 25.00)" in text
    assert "at equal training loss, half-way distance equal (0.250 against 0.250)" in text
