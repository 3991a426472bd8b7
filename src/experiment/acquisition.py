"""The images that the section `dataset` declares, read from wherever their source says.

Which way they came leaves no trace in what is returned, so that a mirror or a local copy gives the same results, byte
for byte. torchvision and scikit-learn take seconds to load: each where it is needed.
"""

from contextlib import nullcontext

from experiment.archives import unpacked
from experiment.image_folders import read_image_folder
from experiment.labelled_images import LabelledImages
from experiment.parameters.dataset import Dataset
from experiment.sources import DOWNLOADS, OFFICIAL, SourceError, chosen_source, is_address, local_path


def acquire(dataset: Dataset) -> LabelledImages:
    """The declared images; SourceError where they cannot be had as declared."""
    if dataset.name == "digits":
        from experiment.digits import read_digits

        return read_digits()
    if dataset.name == "images":
        return read_images(chosen_source(dataset.source))
    from experiment.cifar import KINDS, read_cifar

    return read_cifar(KINDS[dataset.name], chosen_source(dataset.source))


def read_images(source: str) -> LabelledImages:
    """Images of one's own: a folder or archive of train/CLASS/ and test/CLASS/ with PNG or JPEG files."""
    if source == OFFICIAL or is_address(source):
        raise SourceError(
            f"images: expected the path of a folder or archive, found {source!r}; download it, name its path"
        )
    place = local_path(source)
    with nullcontext(place) if place.is_dir() else unpacked(place, DOWNLOADS) as folder:
        try:
            return read_image_folder(folder)
        except SourceError as fault:
            raise SourceError(f"{place}: {fault}") from None
