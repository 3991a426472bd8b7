"""Where a run's files lie, and how they are written: to a temporary name, then moved into place."""

import csv
import errno
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

import flatness

IMAGES = Path("data/images.safetensors")
DATASET = Path("results/dataset.json")
NETWORKS = Path("results/networks.json")
PROGRESS = Path(".progress")


def run_name(network: str, seed: int) -> str:
    """`resnet56-0`: the name of a run in file and stage names."""
    return f"{network}-{seed}"


def weights_path(network: str, seed: int) -> Path:
    return Path("models", run_name(network, seed), "weights.safetensors")


def checkpoints_path(network: str, seed: int) -> Path:
    return Path("models", run_name(network, seed), "checkpoints.safetensors")


def epochs_path(network: str, seed: int) -> Path:
    return Path("results/training", f"{run_name(network, seed)}.csv")


def training_path(network: str, seed: int) -> Path:
    return Path("results/training", f"{run_name(network, seed)}.json")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; moved onto it if the block ends well, removed if it does not.

    A full disk and the like are reported with the path; whatever stood there before is kept.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except (OSError, SafetensorError) as fault:
        code = getattr(fault, "errno", None)
        reason = os.strerror(code) if code else str(fault)
        raise OSError(code or errno.EIO, f"could not write {path} ({reason}); {_remedy(code)}") from fault
    finally:
        temporary.unlink(missing_ok=True)


def _remedy(code: int | None) -> str:
    if code in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "make the folder writable and run again: finished work is kept"
    return "free some space and run again: finished work is kept"


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Tensors by name, as safetensors: the same tensors give the same bytes."""
    with replacing(path) as temporary:
        save_file(
            {name: tensor.contiguous() for name, tensor in tensors.items()}, temporary, dict(metadata or {})
        )


def read_tensors(path: Path) -> dict[str, Tensor]:
    return load_file(path)


def write_json(path: Path, content: Any) -> None:
    """Readable JSON; what is not finite is written as null, since JSON has neither NaN nor infinity."""
    with replacing(path) as temporary:
        temporary.write_text(
            json.dumps(_finite_or_null(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        )


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """A CSV file with one line per row; columns are the first row's keys, floats in full precision."""
    rows = list(rows)
    with replacing(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_checkpoints(path: Path, checkpoints: Mapping[float, Mapping[str, Tensor]]) -> None:
    """Weights by epoch in one safetensors file, named `EPOCH/NAME`."""
    write_tensors(
        path,
        {
            f"{epoch:g}/{name}": value
            for epoch, weights in checkpoints.items()
            for name, value in weights.items()
        },
    )


def read_checkpoints(path: Path) -> dict[float, dict[str, Tensor]]:
    """Weights by epoch, in the order of the epochs."""
    checkpoints: dict[float, dict[str, Tensor]] = {}
    for key, value in read_tensors(path).items():
        epoch, name = key.split("/", 1)
        checkpoints.setdefault(float(epoch), {})[name] = value
    return dict(sorted(checkpoints.items()))


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def progress_path(stage: str, *depends_on: Any) -> Path:
    """The stage's crash-safe progress file, its name a hash of all that the work depends on, code included."""
    parts = [stage, instruments_hash(), *depends_on]
    key = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
    return PROGRESS / f"{stage}-{key[:16]}"


def instruments_hash() -> str:
    """SHA-256 of the instruments' source, so that no work goes on with another code than it was begun with."""
    sources = sorted(Path(flatness.__path__[0]).glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def save_progress(path: Path, state: Any) -> None:
    """Keep a stage's state (tensors in dicts and lists) for a later start."""
    with replacing(path) as temporary:
        try:
            torch.save(state, temporary)
        except RuntimeError as fault:  # what torch makes of a full disk
            raise OSError(errno.ENOSPC, str(fault)) from fault


def load_progress(path: Path) -> Any | None:
    """The state kept at `path`, or None where there is none."""
    return torch.load(path, weights_only=True) if path.exists() else None


def _finite_or_null(value: Any) -> Any:
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite_or_null(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite_or_null(entry) for entry in value]
    return value
