import pytest
import torch
from toys import random_images

from flatness.data import Augmentation, image_set


def test_batches_are_normalised_and_channels_last():
    data = random_images(6)
    images, labels = data.batch(slice(1, 4))
    expected = (data.images[1:4].permute(0, 3, 1, 2) / 255 - 0.5) / 0.25
    torch.testing.assert_close(images, expected)
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(labels, data.labels[1:4])


def test_augmentation_gives_a_crop_of_the_padded_image_or_its_mirror_for_each_image_on_its_own():
    data, padding = random_images(40), 2
    augmented, labels = Augmentation(data, padding, flip=True).batch(
        torch.arange(40), torch.Generator().manual_seed(0)
    )
    black = data.normalise(torch.zeros(1, 1, 1, 3, dtype=torch.uint8))
    found = []
    for number in range(40):
        padded = black.expand(1, 3, 12, 12).clone()
        padded[:, :, 2:10, 2:10] = data.batch(slice(number, number + 1))[0]
        crops = {
            (row, column, flip): crop.flip(2) if flip else crop
            for row in range(5)
            for column in range(5)
            for flip in (False, True)
            for crop in [padded[0, :, row : row + 8, column : column + 8]]
        }
        found += [
            place for place, crop in crops.items() if torch.allclose(crop, augmented[number], atol=1e-6)
        ]
    assert len(found) == 40
    assert len({place[:2] for place in found}) > 10 and {place[2] for place in found} == {False, True}
    assert torch.equal(labels, data.labels)


def test_augmentation_is_a_function_of_its_generator():
    augmentation = Augmentation(random_images(8), 2, flip=True)
    first, again, other = (
        augmentation.batch(torch.arange(8), torch.Generator().manual_seed(seed))[0] for seed in (1, 1, 2)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_without_padding_and_flip_nothing_changes():
    data = random_images(5)
    augmented, _ = Augmentation(data, 0, flip=False).batch(torch.arange(5), torch.Generator())
    assert torch.equal(augmented, data.batch(slice(None))[0])


def test_wrong_images_are_refused():
    with pytest.raises(ValueError, match="expected images uint8"):
        image_set(torch.zeros(2, 3, 8, 8), torch.zeros(2), torch.zeros(3), torch.ones(3))
    with pytest.raises(ValueError, match="expected mean and std of 8 channels"):
        image_set(torch.zeros(2, 8, 8, 3, dtype=torch.uint8), torch.zeros(2), torch.zeros(3), torch.ones(3))


def test_a_constant_channel_is_centred_and_stays_finite():
    images = torch.randint(0, 256, (5, 3, 4, 4), dtype=torch.uint8)
    images[:, 2] = 51
    data = image_set(images, torch.zeros(5), torch.tensor([0.5, 0.5, 0.2]), torch.tensor([0.3, 0.3, 0.0]))
    batch, _ = data.batch(slice(None))
    assert batch.isfinite().all() and batch[:, 2].abs().max() < 1e-6


def test_batches_have_the_type_of_the_network():
    data, network = random_images(6), torch.nn.Linear(1, 1).double()
    images, labels = data.for_network(network).batch(slice(None))
    plain, _ = data.batch(slice(None))
    assert images.dtype == torch.float64 and labels.dtype == torch.int64 and plain.dtype == torch.float32
    torch.testing.assert_close(images, plain.double(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("std", [-0.1, float("nan"), float("inf")])
def test_a_std_that_is_none_is_refused(std):
    images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    with pytest.raises(ValueError, match="expected a std of 0 or more in every channel, found"):
        image_set(images, torch.zeros(2), torch.zeros(3), torch.tensor([0.2, std, 0.0]))
