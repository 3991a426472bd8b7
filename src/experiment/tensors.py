"""Tensors on disk: weights, checkpoints and the state of unfinished work, written as `storage` writes."""

import errno
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from experiment.storage import replacing


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


def weights_hash(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 of a network's weights, in hexadecimal: what is measured about them belongs to them."""
    return hashlib.sha256(b"".join(value.numpy().tobytes() for value in weights.values())).hexdigest()


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
