"""C sources of this package as libraries, compiled by the machine's gcc when they are first used.

A compiler is optional: without one torch's operations do the work.
"""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch

COMPILER = "gcc"  # clang's OpenMP has threads of its own beside torch's
FLAGS = ("-O3", "-march=native", "-fopenmp", "-fPIC", "-shared", "-Wno-psabi")
PROCESSORS = ("x86_64", "aarch64")
SECONDS = 120  # for the compiler


def compiled(source: str, *definitions: str) -> ctypes.CDLL | None:
    """The library of a C source beside this file, with macros defined; None where it cannot be had.

    That is on systems other than Linux, without gcc, and without torch's own OpenMP library, whose threads it shares (a
    second pool of threads would fight with the first); `why_not` tells. A compiler that is there and fails is a
    warning. Libraries are kept in the user's cache folder, by the hash of all that they are made from.
    """
    library = _library_or_reason(source, *definitions)
    return None if isinstance(library, str) else library


def why_not(source: str, *definitions: str) -> str | None:
    """Why `compiled` has no library."""
    library = _library_or_reason(source, *definitions)
    return library if isinstance(library, str) else None


@cache
def _library_or_reason(source: str, *definitions: str) -> ctypes.CDLL | str:
    if sys.platform != "linux" or platform.machine() not in PROCESSORS:
        return f"{sys.platform} on {platform.machine()}"
    compiler, threads = shutil.which(COMPILER), _thread_library()
    if compiler is None:
        return f"no {COMPILER}"
    if threads is None:
        return "no libgomp in torch's folder"
    try:
        return _library(compiler, Path(__file__).with_name(source), definitions, threads)
    except (OSError, subprocess.SubprocessError) as fault:
        said = _fault_line(fault)
        warnings.warn(
            f"{source} was not compiled, so that training is slower: expected {compiler} to make a library that loads, found: "
            f"{said}; mend that, or go on without",
            stacklevel=2,
        )
        return said


def _library(compiler: str, source: Path, definitions: tuple[str, ...], threads: Path) -> ctypes.CDLL:
    """Loaded as it is kept, or made now, loaded and kept for the next process."""
    command = [compiler, *FLAGS, *(f"-D{name}" for name in definitions)]
    version = subprocess.run([compiler, "--version"], **_captured()).stdout
    made_from = (source.read_text(), version, _processor(), str(threads), *command)
    name = f"{source.stem}-{hashlib.sha256('|'.join(made_from).encode()).hexdigest()[:16]}.so"
    kept = _cache_folder() / name
    if kept.exists():
        with suppress(OSError):  # damaged, so made anew
            return ctypes.CDLL(str(kept))
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, name)
        ends = ["-o", str(made), str(source), "-Wl,--as-needed", str(threads), "-lm"]
        subprocess.run([*command, *ends], **_captured())
        library = ctypes.CDLL(str(made))
        with suppress(OSError):  # a cache that cannot be written costs a second at the next start
            _keep(made, kept)
    return library


def _captured() -> dict:
    return {"capture_output": True, "check": True, "text": True, "errors": "replace", "timeout": SECONDS}


def _keep(made: Path, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        os.replace(shutil.copy(made, folder), kept)


def _cache_folder() -> Path:
    """That of the user, who may have no home: then one that cannot be made."""
    home = os.path.expanduser("~")
    cache = os.environ.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home != "~" else os.devnull)
    return Path(cache, "flatness").absolute()


def _thread_library() -> Path | None:
    """The OpenMP library that torch brings and loads."""
    folder = Path(torch.__file__).parent
    found = [*folder.glob("lib/libgomp*.so*"), *folder.parent.glob("torch.libs/libgomp*.so*")]
    return found[0] if len(found) == 1 else None


def _processor() -> str:
    """What `-march=native` depends on."""
    lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    kept = ("model name", "flags", "Features", "CPU implementer", "CPU part")
    return "\n".join(sorted({line for line in lines if line.startswith(kept)}))


def _fault_line(fault: OSError | subprocess.SubprocessError) -> str:
    """The compiler's first line about an error, or its last; or what the system says."""
    lines = (getattr(fault, "stderr", None) or str(fault)).strip().splitlines()
    return next((line for line in lines if "error" in line), lines[-1] if lines else type(fault).__name__)
