"""Where a run's files lie, and how they are written: to a temporary name, then moved into place."""

import csv
import errno
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

IMAGES = Path("data/images.safetensors")
DATASET = Path("results/dataset.json")
NETWORKS = Path("results/networks.json")
PROGRESS = Path(".progress")
KEY = 16  # hexadecimal digits of its files' keys


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


def write_json(path: Path, content: Any) -> None:
    """Readable JSON; what is not finite is written as null, since JSON has neither NaN nor infinity."""
    with replacing(path) as temporary:
        temporary.write_text(
            json.dumps(_finite_or_null(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        )


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())


def has_diverged(network: str, seed: int) -> bool:
    """Whether the run's training ended in losses or weights that are not finite."""
    return read_json(training_path(network, seed))["diverged_epoch"] is not None


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """A CSV file with one line per row; columns are the first row's keys, floats in full precision."""
    rows = list(rows)
    with replacing(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def parameters_hash(parameters: Any) -> str:
    """SHA-256 of parameters (plain values), independent of the order of their keys."""
    return hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()


def progress_path(stage: str, *depends_on: Any) -> Path:
    """The stage's crash-safe progress file, its name a hash of all that the work depends on, code included.

    `stage` names the work, run included. Says so where there is progress of the same work that cannot be gone on with.
    """
    parts = [stage, code_hash(), *depends_on]
    key = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
    path = PROGRESS / f"{stage}-{key[:KEY]}"
    others = [] if path.exists() else [*PROGRESS.glob(f"{stage}-{'[0-9a-f]' * KEY}")]
    for other in others:
        print(
            f"{other} holds unfinished work of other parameters, code, data or software, or of another machine or number of "
            "threads: begun anew. Bring those back to go on with it, or delete it.",
            file=sys.stderr,
        )
    return path


def code_hash() -> str:
    """SHA-256 of the study's source that this process runs, so that no work goes on with another than it was begun with.

    That is all it has imported of what lies beside this package, and the C sources that are compiled by the Python
    files of their names.
    """
    home = Path(__file__).parents[1]
    imported = {Path(m.__file__) for m in list(sys.modules.values()) if getattr(m, "__file__", None)}
    own = {file for file in imported if file.is_relative_to(home)}
    compiled = {source for file in own if (source := file.with_suffix(".c")).exists()}
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(own | compiled))).hexdigest()


def _finite_or_null(value: Any) -> Any:
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite_or_null(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite_or_null(entry) for entry in value]
    return value
