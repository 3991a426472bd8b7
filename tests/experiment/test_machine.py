import os
import subprocess
import sys

import pytest
import torch

from experiment.machine import execution
from flatness.execution import Execution


def test_the_environment_names_the_machine(monkeypatch):
    monkeypatch.setenv("FLATNESS_DEVICE", "cpu")
    monkeypatch.setenv("FLATNESS_PRECISION", "bfloat16")
    monkeypatch.setenv("FLATNESS_KERNELS", "torch")
    assert execution() == Execution(torch.device("cpu"), torch.bfloat16, compiled=False)


@pytest.mark.parametrize(
    "variable, value",
    [("FLATNESS_DEVICE", "foo"), ("FLATNESS_PRECISION", "half"), ("FLATNESS_KERNELS", "own")],
)
def test_what_it_cannot_name_ends_the_stage_with_a_reason(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(
        SystemExit, match=f"'{value}': expected one .*FLATNESS_DEVICE, FLATNESS_PRECISION, FLATNESS_KERNELS"
    ):
        execution()


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's memory is that of Linux")
def test_freed_memory_is_kept():
    """Pages of a freed tensor serve the next one: few are taken anew. In a process of its own, whose settings they are."""
    script = """
import resource, sys, torch
from experiment.machine import execution
if sys.argv[1] == "kept":
    execution()
def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def step(): return [torch.ones(10**6) for _ in range(8)]
for _ in range(4): step()
before = faults()
for _ in range(5): step()
print(faults() - before)
"""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)

    def faults(setting: str) -> int:
        command = [sys.executable, "-c", script, setting]
        return int(
            subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout
        )

    assert faults("kept") < faults("default") / 5
