import hashlib
from dataclasses import replace

import pytest
import torch

from experiment.labelled_images import LabelledImages, channel_statistics


def labelled(train=(0, 1), test=(1, 0)):
    generator = torch.Generator().manual_seed(0)
    parts = []
    for labels in (train, test):
        images = torch.randint(256, (len(labels), 3, 4, 4), generator=generator, dtype=torch.uint8)
        parts += [images, torch.tensor(labels, dtype=torch.int64)]
    return LabelledImages(["a", "b"], *parts, source="test", verified=False)


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (7, 3, 5, 2), (100, 3, 32, 32)])
def test_channel_statistics_are_those_of_all_pixels_in_float64(shape):
    images = torch.randint(256, shape, generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    images[:, 2] = 255
    mean, std = channel_statistics(images)
    pixels = images.double() / 255
    torch.testing.assert_close(mean, pixels.mean((0, 2, 3)).float(), rtol=1e-7, atol=0)
    torch.testing.assert_close(std, pixels.std((0, 2, 3), correction=0).float(), rtol=1e-7, atol=1e-9)
    assert mean[2] == 1 and std[2] == 0


def test_mean_and_std_are_of_the_training_set():
    images = labelled()
    tensors = images.tensors()
    mean, std = channel_statistics(images.train_images)
    assert torch.equal(tensors["mean"], mean) and torch.equal(tensors["std"], std)


def test_fingerprint_is_the_hash_of_the_bytes_in_order():
    images = labelled()
    tensors = (images.train_images, images.train_labels, images.test_images, images.test_labels)
    assert images.fingerprint() == hashlib.sha256(b"".join(t.numpy().tobytes() for t in tensors)).hexdigest()


@pytest.mark.parametrize("name", ["train_images", "train_labels", "test_images", "test_labels"])
def test_fingerprint_changes_with_any_part(name):
    images = labelled()
    changed = replace(images, **{name: getattr(images, name).flip(0)})
    assert changed.fingerprint() != images.fingerprint()


def test_fingerprint_is_blind_to_memory_layout():
    images = labelled()
    relaid = images.train_images.to(memory_format=torch.channels_last)
    assert not relaid.is_contiguous()
    assert replace(images, train_images=relaid).fingerprint() == images.fingerprint()


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ((0, 0), (0, 1), r"training set: .*found none of \['b'\]"),
        ((0, 1), (1, 1), r"test set: .*found none of \['a'\]"),
        ((0, 1, 2), (0, 1), r"training set: .*unknown labels \[2\]"),
        ((0, 1), (0, 1, -1), r"test set: .*unknown labels \[-1\]"),
    ],
)
def test_missing_and_unknown_classes_are_refused(train, test, message):
    with pytest.raises(ValueError, match=message):
        labelled(train, test)
