"""Tensors read back as they were written."""

from math import inf, nan

import pytest
import torch

from experiment import tensors
from experiment.storage import progress_path


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_tensors_read_back_and_repeat_their_bytes(tmp_path):
    written = {
        "b": torch.randn(3, 4).T,
        "a": torch.tensor([nan, inf]),
        "c": torch.arange(3, dtype=torch.uint8),
    }
    for name in ("first", "second"):
        tensors.write_tensors(tmp_path / name, written)
    read = tensors.read_tensors(tmp_path / "first")
    assert all(torch.equal(read[k], t) or torch.equal(read[k].isnan(), t.isnan()) for k, t in written.items())
    assert {k: t.dtype for k, t in read.items()} == {k: t.dtype for k, t in written.items()}
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_checkpoints_read_back_in_the_order_of_epochs(tmp_path):
    checkpoints = {epoch: {"stage/weight": torch.full((2,), epoch)} for epoch in (10.0, 0.0, 2.0, 0.25)}
    tensors.write_checkpoints(tmp_path / "c", checkpoints)
    read = tensors.read_checkpoints(tmp_path / "c")
    assert list(read) == [0.0, 0.25, 2.0, 10.0]
    assert all(torch.equal(read[e]["stage/weight"], checkpoints[e]["stage/weight"]) for e in checkpoints)


def test_progress_reads_back():
    path = progress_path("train", 1)
    assert tensors.load_progress(path) is None
    tensors.save_progress(path, {"epoch": 3, "momenta": [None, torch.ones(2)]})
    state = tensors.load_progress(path)
    assert (
        state["epoch"] == 3
        and state["momenta"][0] is None
        and torch.equal(state["momenta"][1], torch.ones(2))
    )


def test_the_hash_of_weights_is_that_of_their_values():
    first, second = {"a": torch.tensor([1.0, 2.0])}, {"a": torch.tensor([1.0, 2.5])}
    assert tensors.weights_hash(first) == tensors.weights_hash({"a": first["a"].clone()})
    assert tensors.weights_hash(first) != tensors.weights_hash(second)
