"""Machine settings, from the environment alone: they must not change a result's identity."""

import ctypes
import os
import sys
from itertools import product

import torch

from flatness.execution import Execution, choose_execution

DEVICE_VARIABLE = "FLATNESS_DEVICE"  # cpu, cuda, cuda:1, ...
PRECISION_VARIABLE = "FLATNESS_PRECISION"  # float32 or bfloat16
KERNELS_VARIABLE = "FLATNESS_KERNELS"  # of training: compiled or torch
VARIABLES = (DEVICE_VARIABLE, PRECISION_VARIABLE, KERNELS_VARIABLE)
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # glibc's numbers of its settings (malloc.h)
MEMORY_KEPT = (2**25, 2**30)  # bytes; older releases take the first alone


def execution() -> Execution:
    """The machine's best device, precision and kernels, unless the environment names others, set up to repeat itself."""
    try:
        chosen = choose_execution(*map(os.environ.get, VARIABLES))
    except ValueError as fault:
        sys.exit(f"{fault} ({', '.join(VARIABLES)} name them; unset, the best is taken)")
    if chosen.device.type == "cuda":
        make_cuda_repeatable()
    else:
        keep_freed_memory()
    return chosen


def keep_freed_memory() -> None:
    """Let glibc, where it is the system's, keep what tensors free for the next ones.

    By default it hands their pages back and takes them anew at every step: a tenth of training's time. What the
    environment says of memory (MALLOC_...) stands.
    """
    if sys.platform != "linux" or any(name.startswith("MALLOC_") for name in os.environ):
        return
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        for option, kept in product((TRIM_THRESHOLD, MMAP_THRESHOLD), MEMORY_KEPT):
            set_option(option, kept)


def make_cuda_repeatable() -> None:
    """Deterministic kernels where CUDA has them (it warns where not), and float32 that is float32 (no TF32)."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
