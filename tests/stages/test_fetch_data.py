"""The stage as a user meets it: two files, or a message and neither."""

import hashlib
import json
import runpy
from pathlib import Path

import pytest
import torch

from experiment.images import load_images
from experiment.sources import SOURCE_VARIABLE
from experiment.storage import DATASET, IMAGES
from experiment.tensors import read_tensors
from stages.fetch_data import main


@pytest.fixture(autouse=True)
def scale(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(SOURCE_VARIABLE, raising=False)


def declare(name, source):
    Path("params.yaml").write_text(json.dumps({"dataset": {"name": name, "source": source}}))


def test_digits_are_written_and_described():
    declare("digits", "official")
    main()
    tensors, described = read_tensors(IMAGES), json.loads(DATASET.read_text())
    names = ("train_images", "train_labels", "test_images", "test_labels")
    assert set(tensors) == {*names, "mean", "std"}
    content = b"".join(tensors[name].numpy().tobytes() for name in names)
    assert described["fingerprint"] == hashlib.sha256(content).hexdigest()
    assert described["name"] == "digits" and described["classes"] == [str(digit) for digit in range(10)]
    for part in ("train", "test"):
        labels = tensors[f"{part}_labels"]
        assert described[part]["images"] == len(labels) == sum(described[part]["per_class"].values())
        assert list(described[part]["per_class"].values()) == labels.bincount().tolist()
    assert described["mean"] == tensors["mean"].tolist() and described["std"] == tensors["std"].tolist()
    train, test = load_images()
    normalised, _ = train.batch(torch.arange(len(train)))
    assert (
        normalised.mean((0, 2, 3)).abs().max() < 1e-4 and (normalised.std((0, 2, 3)) - 1).abs().max() < 1e-3
    )


def test_a_second_run_writes_the_same_bytes():
    declare("digits", "official")
    main()
    first = IMAGES.read_bytes(), DATASET.read_bytes()
    main()
    assert (IMAGES.read_bytes(), DATASET.read_bytes()) == first


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("images", "absent", "fetch_data: source 'absent': expected a folder or archive at"),
        ("cifar10", "absent", "fetch_data: source 'absent': expected a folder or archive at"),
        ("mnist", "official", "fetch_data: params.yaml: dataset.name:"),
    ],
)
@pytest.mark.filterwarnings("ignore:'stages.fetch_data' found in sys.modules")
def test_a_fault_is_one_message_and_leaves_nothing(name, source, message):
    declare(name, source)
    with pytest.raises(SystemExit) as fault:
        runpy.run_module("stages.fetch_data", run_name="__main__")
    assert str(fault.value.code).startswith(message)
    assert not IMAGES.exists() and not DATASET.exists()
