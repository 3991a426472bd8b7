"""The images that the section `dataset` declares, read from wherever their source says.

Only files with the published checksums are ever unpickled. Which way they came leaves no trace in what is
returned, so that a mirror or a local copy gives the same results, byte for byte.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor
from torch.nn import functional
from torchvision.datasets import CIFAR10, CIFAR100

from experiment.archives import is_archive, unpacked
from experiment.image_folders import read_image_folder
from experiment.labelled_images import LabelledImages
from experiment.parameters.dataset import Dataset
from experiment.sources import (
    OFFICIAL,
    REMEDY,
    SourceError,
    check_file,
    chosen_source,
    download,
    holds,
    is_address,
    local_path,
)

DOWNLOADS = Path("data/download")
DIGITS_SEED = 0  # of the split into training and test set
DIGITS_TEST_SHARE = 0.2


def acquire(dataset: Dataset) -> LabelledImages:
    """The declared images; SourceError where they cannot be had as declared."""
    readers = {
        "cifar10": lambda: read_cifar(CIFAR10, chosen_source(dataset.source)),
        "cifar100": lambda: read_cifar(CIFAR100, chosen_source(dataset.source)),
        "digits": read_digits,
        "images": lambda: read_images(chosen_source(dataset.source)),
    }
    return readers[dataset.name]()


def read_cifar(kind: type[CIFAR10], source: str) -> LabelledImages:
    """CIFAR-10 or CIFAR-100 (Krizhevsky 2009), its files checked against the MD5s that torchvision lists.

    `source`: `official`; a mirror's address of the archive, or of the folder it lies in; a folder that
    holds the files or the archive; or the archive. Downloads stay in data/download and serve again.
    """
    with _cifar_files(kind, source) as folder:
        for name, md5 in _published(kind):
            check_file(folder / name, md5)
        within = type(kind.__name__, (kind,), {"base_folder": ""})  # the files lie in `folder` itself
        train, test = within(folder, train=True), within(folder, train=False)
    return LabelledImages(
        list(train.classes), *_tensors_of(train), *_tensors_of(test), source=kind.url, verified=True
    )


def _tensors_of(part: CIFAR10) -> tuple[Tensor, Tensor]:
    """Images uint8 [N, 3, 32, 32] and labels int64 [N]."""
    return torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(part.targets)


@contextmanager
def _cifar_files(kind: type[CIFAR10], source: str) -> Iterator[Path]:
    """The folder in which the files of CIFAR lie, unchecked."""
    place = _downloaded(kind, source) if source == OFFICIAL or is_address(source) else local_path(source)
    if place.is_dir():
        folder = _holding(kind, place)
        if folder is not None:
            yield folder
            return
        place = place / kind.filename
        if not place.is_file():
            raise SourceError(
                f"{place.parent}: expected the files of {kind.base_folder} or {kind.filename}, "
                f"found neither; {REMEDY}"
            )
    check_file(place, kind.tgz_md5)
    with unpacked(place, DOWNLOADS) as folder:
        yield folder / kind.base_folder


def _downloaded(kind: type[CIFAR10], source: str) -> Path:
    """The files as an earlier run or the user left them in data/download, or the archive, downloaded now."""
    folder, archive = DOWNLOADS / kind.base_folder, DOWNLOADS / kind.filename
    if all(holds(folder / name, md5) for name, md5 in _published(kind)):
        return folder
    if not holds(archive, kind.tgz_md5):
        download(kind.url if source == OFFICIAL else _address(kind, source), archive, kind.tgz_md5)
    return archive


def _address(kind: type[CIFAR10], mirror: str) -> str:
    """The archive's address on a mirror, which may be named by its folder alone."""
    return mirror if is_archive(Path(urlsplit(mirror).path)) else f"{mirror.rstrip('/')}/{kind.filename}"


def _holding(kind: type[CIFAR10], place: Path) -> Path | None:
    """`place`, or the folder in it, whichever has files of CIFAR."""
    for folder in (place / kind.base_folder, place):
        if any((folder / name).is_file() for name, _ in kind.train_list):
            return folder
    return None


def _published(kind: type[CIFAR10]) -> list[tuple[str, str]]:
    """(file, MD5) of all that is read."""
    return [*map(tuple, kind.train_list + kind.test_list), (kind.meta["filename"], kind.meta["md5"])]


def read_digits() -> LabelledImages:
    """Scikit-learn's 1,797 handwritten digits, which come inside the package, as images of CIFAR's shape.

    8 x 8 values v in 0..16 become round(255 v / 16), each pixel a square of 3 x 3, in a black border of 4:
    32 x 32, three equal channels. Enlarged, because the networks halve the image twice, and 8 x 8 pixels in
    a wide border would shrink to 2 x 2; the border lets random crops of 4 pixels lose nothing. The split
    into 1,437 training and 360 test images is stratified by class, from the seed DIGITS_SEED.
    """
    digits = load_digits()
    values = torch.from_numpy(digits.images).long()  # [N, 8, 8]
    pixels = ((values * 255 + 8) // 16).to(torch.uint8)
    enlarged = pixels.repeat_interleave(3, 1).repeat_interleave(3, 2)  # [N, 24, 24]
    images = functional.pad(enlarged, (4, 4, 4, 4))[:, None].repeat(1, 3, 1, 1)  # [N, 3, 32, 32]
    labels = torch.from_numpy(digits.target).long()
    train, test = _split(labels)
    return LabelledImages(
        [str(name) for name in digits.target_names],
        *(images[train], labels[train], images[test], labels[test]),
        source="sklearn.datasets.load_digits",
        verified=False,
    )


def _split(labels: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Indices of training and test images."""
    return train_test_split(
        np.arange(len(labels)), test_size=DIGITS_TEST_SHARE, random_state=DIGITS_SEED, stratify=labels.numpy()
    )


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
