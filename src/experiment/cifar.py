"""CIFAR-10 and CIFAR-100 from wherever their source says; only files with the published checksums are ever unpickled."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import torch
from torch import Tensor
from torchvision.datasets import CIFAR10, CIFAR100

from experiment.archives import is_archive, unpacked
from experiment.labelled_images import LabelledImages
from experiment.sources import (
    DOWNLOADS,
    OFFICIAL,
    REMEDY,
    SourceError,
    check_file,
    download,
    holds,
    is_address,
    local_path,
)

KINDS = {"cifar10": CIFAR10, "cifar100": CIFAR100}


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
