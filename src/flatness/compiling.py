"""C sources of this package as libraries, compiled by the machine's own compiler when they are first used.

Compilers are optional: without one, `compiled` returns None and torch's operations do the work.
"""

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path

import torch

COMPILERS = ("gcc", "clang", "cc")
FLAGS = ("-O3", "-march=native", "-fopenmp", "-fPIC", "-shared", "-Wno-psabi")


@cache
def compiled(source: str, *definitions: str) -> ctypes.CDLL | None:
    """The library of a C source beside this file, with macros defined; None where it cannot be had.

    That is on systems other than Linux, without a compiler, or without torch's own OpenMP library, whose threads it
    shares (a second pool of threads would fight with the first). Libraries are kept in the user's cache folder, by
    the hash of all that they are made from; a compiler that fails is a warning.
    """
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    threads = _thread_library()
    if sys.platform != "linux" or compiler is None or threads is None:
        return None
    path = Path(__file__).with_name(source)
    command = [compiler, *FLAGS, *(f"-D{name}" for name in definitions), str(path)]
    try:
        return ctypes.CDLL(str(_library(command, path, threads)))
    except (OSError, subprocess.CalledProcessError) as fault:
        said = getattr(fault, "stderr", None) or str(fault)
        warnings.warn(
            f"{source} was not compiled, so that training is slower: expected {compiler} to compile it, found: "
            f"{said.strip().splitlines()[0]}; mend the compiler or go on without",
            stacklevel=2,
        )
        return None


def _thread_library() -> Path | None:
    """The OpenMP library that torch brings and has loaded."""
    folder = Path(torch.__file__).parent
    found = [*folder.glob("lib/libgomp*.so*"), *folder.parent.glob("torch.libs/libgomp*.so*")]
    return found[0] if found else None


def _library(command: list[str], source: Path, threads: Path) -> Path:
    """The compiled library: as it is kept, or made now and moved into place."""
    version = subprocess.run([command[0], "--version"], capture_output=True, check=True).stdout
    made_from = (
        source.read_bytes(),
        version,
        _processor(),
        str(threads).encode(),
        " ".join(command).encode(),
    )
    name = f"{source.stem}-{hashlib.sha256(b'|'.join(made_from)).hexdigest()[:16]}.so"
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flatness"
    if not (folder / name).exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as unfinished:
            target = Path(unfinished) / name
            subprocess.run(
                [*command, "-o", str(target), "-Wl,--as-needed", str(threads), "-lm"],
                capture_output=True,
                text=True,
                check=True,
            )
            os.replace(target, folder / name)
    return folder / name


def _processor() -> bytes:
    """What `-march=native` depends on."""
    lines = Path("/proc/cpuinfo").read_bytes().splitlines()
    kept = (b"model name", b"flags", b"Features", b"CPU part")
    return b"\n".join(sorted({line for line in lines if line.startswith(kept)}))
