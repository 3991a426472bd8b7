import torch
from sklearn.datasets import load_digits

from experiment.digits import read_digits


def test_digits_are_scikit_learns_in_a_frame():
    images = read_digits()
    assert images.train_images.shape == (1437, 3, 32, 32) and images.test_images.shape == (360, 3, 32, 32)
    pixels = torch.cat([images.train_images, images.test_images])
    labels = torch.cat([images.train_labels, images.test_labels])
    assert torch.equal(pixels[:, 0], pixels[:, 1]) and torch.equal(pixels[:, 0], pixels[:, 2])
    frame = pixels.clone()
    frame[:, :, 4:28, 4:28] = 0
    assert frame.max() == 0
    middles = pixels[:, 0, 5:28:3, 5:28:3]  # of the 3 x 3 squares
    assert torch.equal(pixels[:, 0, 4:28, 4:28], middles.repeat_interleave(3, 1).repeat_interleave(3, 2))
    values = middles.double() * 16 / 255
    assert (values - values.round()).abs().max() < 0.04
    digits = load_digits()
    found = sorted([*row, label] for row, label in zip(values.round().flatten(1).tolist(), labels.tolist()))
    assert found == sorted([*row, label] for row, label in zip(digits.data.tolist(), digits.target.tolist()))


def test_digits_are_split_by_class_and_always_alike():
    images = read_digits()
    train, test = images.train_labels.bincount(), images.test_labels.bincount()
    assert (test.double() / (train + test) - 0.2).abs().max() < 0.005
    assert read_digits().fingerprint() == images.fingerprint()
