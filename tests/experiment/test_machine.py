import pytest
import torch

from experiment.machine import execution


def test_the_environment_names_the_machine(monkeypatch):
    monkeypatch.setenv("FLATNESS_DEVICE", "cpu")
    monkeypatch.setenv("FLATNESS_PRECISION", "bfloat16")
    assert (execution().device.type, execution().precision) == ("cpu", torch.bfloat16)


@pytest.mark.parametrize("variable, value", [("FLATNESS_DEVICE", "foo"), ("FLATNESS_PRECISION", "half")])
def test_what_it_cannot_name_ends_the_stage_with_a_reason(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit, match=f"'{value}': expected one .*FLATNESS_DEVICE and FLATNESS_PRECISION"):
        execution()
