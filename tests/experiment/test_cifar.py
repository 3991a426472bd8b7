"""Every route to the same files gives the same images; a tiny set with own checksums stands in for CIFAR."""

import hashlib
import os
import pickle
import shutil
import tarfile
import threading
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10

from experiment.acquisition import acquire
from experiment.cifar import read_cifar
from experiment.parameters.dataset import Dataset
from experiment.sources import DOWNLOADS, SOURCE_VARIABLE, SourceError, md5_of

CLASSES = ["cat", "dog"]
REAL = os.environ.get("FLATNESS_TEST_CIFAR10")  # a folder with the published files
pytestmark = pytest.mark.usefixtures("empty_scale")


def batch(seed):
    data = np.random.default_rng(seed).integers(0, 256, (4, 3072), dtype=np.uint8)
    return {"data": data, "labels": [0, 1, 1, 0]}


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A tiny CIFAR-10 as folder and archive, its checksums in place of the published ones."""
    root = tmp_path / "site"
    folder = root / CIFAR10.base_folder
    folder.mkdir(parents=True)
    contents = {"data_batch_1": batch(1), "data_batch_2": batch(2), "test_batch": batch(3)}
    for name, content in (contents | {"batches.meta": {"label_names": CLASSES}}).items():
        (folder / name).write_bytes(pickle.dumps(content))
    with tarfile.open(root / CIFAR10.filename, "w:gz") as archive:
        archive.add(folder, CIFAR10.base_folder)
    listed = [[name, md5_of(folder / name)] for name in contents]
    monkeypatch.setattr(CIFAR10, "train_list", listed[:2])
    monkeypatch.setattr(CIFAR10, "test_list", listed[2:])
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": md5_of(folder / "batches.meta")})
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5_of(root / CIFAR10.filename))
    return root


@pytest.fixture
def mirror(site, monkeypatch):
    """A server of the site's files, the official address too; `requests` notes what was asked for."""
    requests = []

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, *_):
            requests.append(self.path)

    with HTTPServer(("127.0.0.1", 0), partial(Handler, directory=site)) as server:
        server.requests, server.url = requests, f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(CIFAR10, "url", f"{server.url}/{CIFAR10.filename}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_images_are_those_of_the_batches(site):
    images = read_cifar(CIFAR10, str(site))
    train = np.concatenate([batch(1)["data"], batch(2)["data"]]).reshape(8, 3, 32, 32)
    assert images.classes == CLASSES and images.verified
    assert torch.equal(images.train_images, torch.from_numpy(train))
    assert torch.equal(images.test_images, torch.from_numpy(batch(3)["data"].reshape(4, 3, 32, 32)))
    assert images.train_labels.tolist() == [0, 1, 1, 0] * 2
    assert images.train_images.dtype == torch.uint8 and images.train_labels.dtype == torch.int64


ROUTES = {
    "folder of the folder": lambda site, url: str(site),
    "folder": lambda site, url: str(site / CIFAR10.base_folder),
    "archive": lambda site, url: str(site / CIFAR10.filename),
    "file address": lambda site, url: (site / CIFAR10.filename).as_uri(),
    "official": lambda site, url: "official",
    "mirror of the archive": lambda site, url: f"{url}/{CIFAR10.filename}",
    "mirror of its folder": lambda site, url: f"{url}/",
}


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_gives_the_same(site, mirror, route):
    expected = read_cifar(CIFAR10, str(site))
    images = read_cifar(CIFAR10, ROUTES[route](site, mirror.url))
    assert images.fingerprint() == expected.fingerprint()
    assert (images.classes, images.source) == (expected.classes, expected.source)
    assert not list(DOWNLOADS.glob(".*"))


def test_a_folder_may_hold_the_archive_or_be_named_otherwise(site, tmp_path):
    expected = read_cifar(CIFAR10, str(site)).fingerprint()
    shutil.move(site / CIFAR10.base_folder, tmp_path / "mine")
    assert read_cifar(CIFAR10, str(site)).fingerprint() == expected
    assert read_cifar(CIFAR10, str(tmp_path / "mine")).fingerprint() == expected


@pytest.mark.parametrize("kept", [CIFAR10.filename, CIFAR10.base_folder])
def test_what_was_downloaded_serves_again_once_verified(site, mirror, kept):
    DOWNLOADS.mkdir(parents=True)
    copy = shutil.copytree if (site / kept).is_dir() else shutil.copy
    copy(site / kept, DOWNLOADS / kept)
    read_cifar(CIFAR10, "official")
    assert mirror.requests == []
    damaged = DOWNLOADS / kept / "test_batch" if (site / kept).is_dir() else DOWNLOADS / kept
    damaged.write_bytes(damaged.read_bytes()[:-1])
    read_cifar(CIFAR10, "official")
    assert mirror.requests == [f"/{CIFAR10.filename}"]
    assert md5_of(DOWNLOADS / CIFAR10.filename) == CIFAR10.tgz_md5


@pytest.mark.parametrize("name", ["data_batch_2", "test_batch", "batches.meta"])
def test_files_with_wrong_checksums_are_never_unpickled(site, name):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("was unpickled",))

    file = site / CIFAR10.base_folder / name
    expected = md5_of(file)
    file.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(
        SourceError, match=f"{name} is corrupt: expected MD5 {expected}, found {md5_of(file)}"
    ):
        read_cifar(CIFAR10, str(site))


@pytest.mark.parametrize("name", ["data_batch_2", "batches.meta"])
def test_missing_files_are_named(site, name):
    (site / CIFAR10.base_folder / name).unlink()
    with pytest.raises(SourceError, match=f"{name}: expected a file with MD5"):
        read_cifar(CIFAR10, str(site))


def test_an_archive_of_another_checksum_is_not_opened(site, mirror):
    archive = site / CIFAR10.filename
    archive.write_bytes(archive.read_bytes() + b"\0")
    found = hashlib.md5(archive.read_bytes()).hexdigest()
    for source in (str(archive), "official"):
        with pytest.raises(SourceError, match=f"expected MD5 {CIFAR10.tgz_md5}, found {found}"):
            read_cifar(CIFAR10, source)
    assert not DOWNLOADS.exists() or not list(DOWNLOADS.iterdir())


@pytest.mark.parametrize(
    ("source", "message"), [("absent", "found nothing"), (".", "found neither"), ("ftp://host", "ftp://")]
)
def test_sources_that_hold_nothing(site, source, message):
    with pytest.raises(SourceError, match=message):
        read_cifar(CIFAR10, source)


def test_the_environment_overrides_cifar_and_leaves_digits_alone(site, monkeypatch):
    monkeypatch.setenv(SOURCE_VARIABLE, str(site))
    assert acquire(Dataset(name="cifar10", source="official")).classes == CLASSES
    assert len(acquire(Dataset(name="digits", source="official")).classes) == 10
    assert not DOWNLOADS.exists()


@pytest.mark.skipif(not REAL, reason="FLATNESS_TEST_CIFAR10 names no folder with the published files")
def test_the_published_cifar10():
    images = read_cifar(CIFAR10, str(Path(REAL)))
    tensors = images.tensors()
    assert images.fingerprint() == "9048fcbac9c08a64d57a7c5a5a66750a974ad4eab380914df129f7e223d823df"
    assert images.train_labels.bincount().tolist() == [5000] * 10
    assert images.test_labels.bincount().tolist() == [1000] * 10
    assert tensors["mean"].tolist() == pytest.approx([0.4914, 0.4822, 0.4465], abs=5e-5)
    assert tensors["std"].tolist() == pytest.approx([0.2470, 0.2435, 0.2616], abs=5e-5)
