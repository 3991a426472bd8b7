"""Folders of images: what they hold comes back exactly; what is wrong with them is named."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from experiment.image_folders import read_image_folder
from experiment.sources import SourceError

CLASSES = ["ant", "bee"]


def pixels(seed, height=8, width=12):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def save(path: Path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


@pytest.fixture
def folder(tmp_path):
    """Two training images and one test image of each class, saved out of order."""
    root = tmp_path / "set"
    for label, name in reversed(list(enumerate(CLASSES))):
        for image in (1, 0):
            save(root / "train" / name / f"{image}.png", pixels(10 * label + image))
        save(root / "test" / name / "0.PNG", pixels(10 * label + 5))
    return root


def expected(*seeds):
    return torch.stack([torch.from_numpy(pixels(seed)).permute(2, 0, 1) for seed in seeds])


def test_pixels_and_labels_in_the_order_of_names(folder):
    (folder / "train/ant/.hidden").write_text("passed over")
    images = read_image_folder(folder)
    assert images.classes == CLASSES
    assert torch.equal(images.train_images, expected(0, 1, 10, 11))
    assert torch.equal(images.test_images, expected(5, 15))
    assert images.train_labels.tolist() == [0, 0, 1, 1]
    assert images.test_labels.tolist() == [0, 1]


def test_a_single_folder_around_the_set_is_entered(folder):
    (folder.parent / "__MACOSX").mkdir()
    assert torch.equal(read_image_folder(folder.parent).train_images, read_image_folder(folder).train_images)


def test_grey_palette_and_transparent_images_become_rgb(folder):
    grey = pixels(3)[:, :, 0]
    save(folder / "test/ant/1.png", grey)
    save(folder / "test/ant/2.png", np.dstack([pixels(4), np.full((8, 12), 9, np.uint8)]))
    few = np.full((8, 12, 3), (1, 2, 3), np.uint8)
    Image.fromarray(few).convert("P", palette=Image.Palette.ADAPTIVE).save(folder / "test/ant/3.png")
    images = read_image_folder(folder).test_images
    assert torch.equal(images[1], torch.from_numpy(grey).expand(3, -1, -1))
    assert torch.equal(images[2], torch.from_numpy(pixels(4)).permute(2, 0, 1))
    assert torch.equal(images[3], torch.from_numpy(few).permute(2, 0, 1))


def test_jpeg(folder):
    flat = np.full((8, 12, 3), 100, np.uint8)
    save(folder / "test/ant/1.jpg", flat, quality=100)
    save(folder / "test/ant/2.jpeg", flat, quality=100)
    assert (read_image_folder(folder).test_images[1:3].int() - 100).abs().max() <= 2


def remove(path):
    def act(root):
        for file in (root / path).iterdir():
            file.unlink()
        (root / path).rmdir()

    return act


def empty(path):
    return lambda root: (root / path).mkdir(parents=True)


def write(path, content):
    return lambda root: (root / path).write_bytes(content)


def image(path, array, **options):
    return lambda root: save(root / path, array, **options)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove("test/bee"), "found in one alone: bee"),
        (remove("train/ant"), "found in one alone: ant"),
        (empty("train/cat"), "train/cat: expected images, found an empty class"),
        (write("train/ant/2.png", b"no image"), "train/ant/2.png: unreadable"),
        (write("train/ant/2.png", b""), "train/ant/2.png: unreadable"),
        (write("train/ant/notes.txt", b"x"), "train/ant/notes.txt: expected one of .png, .jpg, .jpeg"),
        (write("train/notes.txt", b"x"), "train/notes.txt: expected a class's folder"),
        (empty("train/ant/more.png"), "train/ant/more.png: expected one of .png"),
        (image("test/bee/1.png", pixels(0, 8, 8)), "test/bee/1.png: expected 8 x 12 .* found 8 x 8"),
        (
            image("train/ant/0.png", pixels(0, 8, 10)),
            "train/ant/0.png: expected height and width .* found 8 x 10",
        ),
        (
            image("test/ant/1.png", np.zeros((8, 12), np.uint16)),
            "test/ant/1.png: expected 8 bits per channel",
        ),
        (image("test/ant/1.png", pixels(0), format="BMP"), "test/ant/1.png: unreadable as PNG or JPEG"),
    ],
)
def test_what_is_wrong_is_named(folder, damage, message):
    damage(folder)
    with pytest.raises(SourceError, match=message):
        read_image_folder(folder)


def test_a_truncated_image_is_named(folder):
    file = folder / "train/bee/1.png"
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(SourceError, match="train/bee/1.png: unreadable"):
        read_image_folder(folder)


def test_a_single_class_is_refused(folder):
    remove("train/bee")(folder)
    remove("test/bee")(folder)
    with pytest.raises(SourceError, match="two classes or more"):
        read_image_folder(folder)


def test_another_layout_is_refused(folder):
    with pytest.raises(SourceError, match=r"expected train/CLASS.*found \['ant', 'bee'\]"):
        read_image_folder(folder / "train")
