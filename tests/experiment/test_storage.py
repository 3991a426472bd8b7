"""Files appear whole or not at all, and read back as they were written."""

import errno
import resource
import signal
import sys
from math import inf, nan
from types import ModuleType

import pytest
import torch

from experiment import storage, tensors


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_failed_write_keeps_what_was_there(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    with storage.replacing(path) as temporary:
        temporary.write_text("whole")
    with pytest.raises(RuntimeError), storage.replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_full_disk_is_reported_with_the_path(tmp_path):
    path = tmp_path / "file.txt"
    with (
        pytest.raises(OSError, match="could not write .*file.txt.*free some space") as raised,
        storage.replacing(path),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert raised.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


WRITERS = {
    "tensors": lambda path: tensors.write_tensors(path, {"a": torch.zeros(100_000)}),
    "progress": lambda path: tensors.save_progress(path, {"a": torch.zeros(100_000)}),
    "json": lambda path: storage.write_json(path, ["0123456789"] * 10_000),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_every_writer_reports_a_disk_that_is_full(tmp_path, monkeypatch, writer):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # or a first import would leave a truncated file
    path, before = tmp_path / "file", resource.getrlimit(resource.RLIMIT_FSIZE)
    old_handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that writing fails instead of killing
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        with pytest.raises(OSError, match="could not write .*file.*free some space"):
            WRITERS[writer](path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old_handler)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_may_not_be_written_is_another_matter(tmp_path):
    with pytest.raises(OSError, match="make the folder writable"), storage.replacing(tmp_path / "file"):
        raise PermissionError(errno.EACCES, "Permission denied")


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """A module beside the package `experiment`, with a C source of its name; nothing else is imported from there."""
    for name in ("experiment/storage.py", "flatness/kernel.py", "flatness/kernel.c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("one version")
    monkeypatch.setattr(storage, "__file__", str(tmp_path / "experiment/storage.py"))
    module = ModuleType("kernel")
    module.__file__ = str(tmp_path / "flatness/kernel.py")
    monkeypatch.setitem(sys.modules, "kernel", module)
    return tmp_path


@pytest.mark.parametrize("changed", ["flatness/kernel.py", "flatness/kernel.c"])
def test_work_begun_with_other_code_is_not_gone_on_with(imported, changed):
    now = storage.progress_path("train", 1)
    assert storage.progress_path("train", 1) == now != storage.progress_path("train", 2)
    (imported / "flatness/other.py").write_text("not imported")
    assert storage.progress_path("train", 1) == now
    (imported / changed).write_text("another version")
    assert storage.progress_path("train", 1) != now


def test_work_that_cannot_be_gone_on_with_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    begun = storage.progress_path("train-a", {"threads": 1})
    begun.parent.mkdir()
    begun.touch()
    storage.progress_path("train", 1)
    assert storage.progress_path("train-a", {"threads": 1}) == begun and capsys.readouterr().err == ""
    storage.progress_path("train-a", {"threads": 2})
    assert f"{begun} holds unfinished work" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content, read",
    [
        ({"a": nan, "b": [1.5, nan], "c": (nan,)}, {"a": None, "b": [1.5, None], "c": [None]}),
        ({"a": [inf, -inf]}, {"a": [None, None]}),
        ({"é": 0.1 + 0.2}, {"é": 0.1 + 0.2}),
    ],
)
def test_json_writes_what_is_not_measured_as_null(tmp_path, content, read):
    storage.write_json(tmp_path / "a.json", content)
    assert storage.read_json(tmp_path / "a.json") == read


def test_rows_keep_full_precision(tmp_path):
    rows = [{"epoch": 1, "loss": 0.1 + 0.2}, {"epoch": 2, "loss": 1 / 3}]
    storage.write_rows(tmp_path / "a.csv", iter(rows))
    assert (tmp_path / "a.csv").read_bytes() == b"epoch,loss\n1,0.30000000000000004\n2,0.3333333333333333\n"


def test_progress_belongs_to_what_it_depends_on():
    paths = [
        storage.progress_path("train", *keys) for keys in (("a", {"x": 1}), ("a", {"x": 2}), ("b", {"x": 1}))
    ]
    assert len(set(paths)) == 3
    assert storage.progress_path("s", {"x": 1, "y": 2}) == storage.progress_path("s", {"y": 2, "x": 1})
    assert {path.parent for path in paths} == {storage.PROGRESS}


def test_file_hash_is_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4, example B.1
    assert storage.file_hash(tmp_path / "a") == expected


def test_paths_of_a_run_are_its_own():
    functions = (storage.weights_path, storage.checkpoints_path, storage.epochs_path, storage.training_path)
    paths = [
        function(*run) for function in functions for run in (("resnet8", 0), ("resnet8", 1), ("plain8", 0))
    ]
    assert len(set(paths)) == len(paths)
    assert all(path.parts[-1].startswith("resnet8-0") or "resnet8-0" in path.parts for path in paths[::3])
