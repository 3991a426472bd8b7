import shutil

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import CIFAR100

from experiment.acquisition import acquire, read_images
from experiment.parameters.dataset import Dataset
from experiment.sources import DOWNLOADS, SourceError

CLASSES = ["cat", "dog"]
pytestmark = pytest.mark.usefixtures("empty_scale")


def test_cifar100_looks_for_its_own_files(tmp_path):
    with pytest.raises(SourceError, match=CIFAR100.base_folder):
        acquire(Dataset(name="cifar100", source=str(tmp_path)))


@pytest.mark.parametrize("suffix", ["", "zip", "tar", "gztar"])
def test_own_images_from_folder_and_archives(tmp_path, suffix):
    root = tmp_path / "own"
    for part in ("train", "test"):
        for value, name in enumerate(CLASSES):
            (root / part / name).mkdir(parents=True)
            Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(root / part / name / "1.png")
    place = shutil.make_archive(str(tmp_path / "own"), suffix, tmp_path, "own") if suffix else root
    images = acquire(Dataset(name="images", source=str(place)))
    assert images.classes == CLASSES and not images.verified
    assert images.train_images.float().mean((1, 2, 3)).tolist() == images.train_labels.tolist() == [0, 1]
    assert str(tmp_path) not in images.source
    assert not DOWNLOADS.exists() or not list(DOWNLOADS.iterdir())


def test_a_fault_in_an_archive_of_images_names_the_archive(tmp_path):
    (tmp_path / "own/train").mkdir(parents=True)
    place = shutil.make_archive(str(tmp_path / "own"), "zip", tmp_path, "own")
    with pytest.raises(SourceError, match="own.zip: expected train/CLASS"):
        read_images(place)


@pytest.mark.parametrize("source", ["official", "https://host/images.zip"])
def test_own_images_are_not_downloaded(source):
    with pytest.raises(SourceError, match="expected the path of a folder or archive"):
        read_images(source)
