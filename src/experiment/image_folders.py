"""Images of one's own: a folder with train/CLASS/*.png and test/CLASS/*.png (or .jpg, .jpeg)."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from experiment.labelled_images import LabelledImages
from experiment.sources import SourceError

SUFFIXES = (".png", ".jpg", ".jpeg")
MULTIPLE = 4  # the networks halve height and width twice
LAYOUT = f"expected train/CLASS/*.png and test/CLASS/*.png (also {', '.join(SUFFIXES[1:])})"
_EIGHT_BIT = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")  # Pillow's modes of 8 bits or fewer


def read_image_folder(folder: Path) -> LabelledImages:
    """All images of a folder or of its only sub-folder, as RGB; classes and files in order of their names.

    Names that start with a dot are passed over. SourceError, naming the file or folder within the data set,
    where a class is missing in one of the sets or empty, an image is unreadable or of another size than the
    first, the size is no multiple of 4, or anything else lies where an image or a class is expected.
    """
    root = _root(folder)
    files = {part: _files_by_class(root / part) for part in ("train", "test")}
    classes = list(files["train"])
    if classes != list(files["test"]):
        lone = ", ".join(sorted(set(classes) ^ set(files["test"])))
        raise SourceError(
            f"expected the same classes in train and test, found in one alone: {lone}; add or remove them"
        )
    if len(classes) < 2:
        raise SourceError(f"expected two classes or more, found {classes}; {LAYOUT}")
    size = _size(files["train"][classes[0]][0], root)
    train, test = (_read(files[part], size, root) for part in ("train", "test"))
    return LabelledImages(classes, *train, *test, source="own images", verified=False)


def _root(folder: Path) -> Path:
    """Where train and test lie: `folder`, or its only sub-folder, as archives often have it."""
    inner = [entry for entry in _visible(folder) if entry.is_dir() and entry.name != "__MACOSX"]
    candidates = [folder, *inner] if len(inner) == 1 else [folder]
    for candidate in candidates:
        if (candidate / "train").is_dir() and (candidate / "test").is_dir():
            return candidate
    raise SourceError(f"{LAYOUT}, found {[entry.name for entry in _visible(folder)][:10]}")


def _visible(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def _files_by_class(part: Path) -> dict[str, list[Path]]:
    """The image files of each class, of which none is empty."""
    files = {}
    for entry in _visible(part):
        if not entry.is_dir():
            raise SourceError(
                f"{_name(entry, part.parent)}: expected a class's folder, found a file; remove or move it"
            )
        files[entry.name] = _visible(entry)
        if not files[entry.name]:
            raise SourceError(
                f"{_name(entry, part.parent)}: expected images, found an empty class; fill or remove it"
            )
        for file in files[entry.name]:
            if not file.is_file() or file.suffix.lower() not in SUFFIXES:
                raise SourceError(
                    f"{_name(file, part.parent)}: expected one of {', '.join(SUFFIXES)}; convert or remove it"
                )
    return files


def _size(first: Path, root: Path) -> tuple[int, int]:
    """Height and width of the first image, which all others must have."""
    height, width, _ = _pixels(first, root).shape
    if height % MULTIPLE or width % MULTIPLE:
        raise SourceError(
            f"{_name(first, root)}: expected height and width to be multiples of {MULTIPLE}, found {height} "
            f"x {width}; scale or pad all images, for example to 32 x 32"
        )
    return height, width


def _read(files: dict[str, list[Path]], size: tuple[int, int], root: Path) -> tuple[Tensor, Tensor]:
    """Images uint8 [N, 3, H, W] and labels int64 [N]."""
    labelled = [(file, label) for label, group in enumerate(files.values()) for file in group]
    images = np.empty((len(labelled), 3, *size), np.uint8)
    for image, (file, _) in zip(images, tqdm(labelled, desc="images", unit="image")):
        pixels = _pixels(file, root)
        if pixels.shape[:2] != size:
            found, expected = (f"{height} x {width}" for height, width in (pixels.shape[:2], size))
            raise SourceError(
                f"{_name(file, root)}: expected {expected} like the first image, found {found}; unify them"
            )
        image[:] = pixels.transpose(2, 0, 1)
    return torch.from_numpy(images), torch.tensor([label for _, label in labelled])


def _pixels(file: Path, root: Path) -> np.ndarray:
    """RGB pixels uint8 [H, W, 3]."""
    try:
        with Image.open(file, formats=("PNG", "JPEG")) as image:
            mode = image.mode
            pixels = np.asarray(image.convert("RGB")) if mode in _EIGHT_BIT else None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as fault:
        raise SourceError(
            f"{_name(file, root)}: unreadable as PNG or JPEG ({fault}); replace or remove it"
        ) from None
    if pixels is None:
        raise SourceError(
            f"{_name(file, root)}: expected 8 bits per channel, found mode {mode}; convert it to RGB"
        )
    return pixels


def _name(path: Path, root: Path) -> str:
    """The path within the data set, which may lie in an archive."""
    return str(path.relative_to(root))
