import ctypes
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from experiment.machine import MMAP_THRESHOLD, TRIM_THRESHOLD, execution
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


@pytest.fixture
def memory_options(monkeypatch) -> dict[int, int]:
    """What is asked of glibc, by option."""
    options: dict[int, int] = {}
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("FLATNESS_KERNELS", "torch")  # loads no library
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(mallopt=options.__setitem__))
    for name in list(os.environ):
        if name.startswith("MALLOC_"):
            monkeypatch.delenv(name)
    return options


def test_freed_memory_is_kept(memory_options):
    execution()
    assert memory_options == {TRIM_THRESHOLD: 2**30, MMAP_THRESHOLD: 2**30}


def test_what_the_environment_says_of_memory_stands(memory_options, monkeypatch):
    monkeypatch.setenv("MALLOC_ARENA_MAX", "2")
    execution()
    assert not memory_options


def test_other_systems_memory_is_left_alone(memory_options, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    execution()
    assert not memory_options


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's memory is that of Linux")
def test_pages_of_freed_tensors_serve_the_next_ones():
    """In a process of its own, whose settings they are."""
    script = """
import resource, torch
from experiment.machine import MMAP_THRESHOLD, TRIM_THRESHOLD, execution
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
    command = [sys.executable, "-c", script]
    found = subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout
    pages = 5 * 8 * 4 * 10**6 / 4096  # of all tensors
    assert int(found) < pages / 5
