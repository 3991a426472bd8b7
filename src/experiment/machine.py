"""Machine settings, from the environment alone: they must not change a result's identity."""

import os
import sys

import torch

from flatness.execution import Execution, choose_execution

DEVICE_VARIABLE = "FLATNESS_DEVICE"  # cpu, cuda, cuda:1, ...
PRECISION_VARIABLE = "FLATNESS_PRECISION"  # float32 or bfloat16


def execution() -> Execution:
    """The machine's best device and precision, unless the environment names others, set up to repeat its results."""
    try:
        chosen = choose_execution(os.environ.get(DEVICE_VARIABLE), os.environ.get(PRECISION_VARIABLE))
    except ValueError as fault:
        sys.exit(f"{fault} ({DEVICE_VARIABLE} and {PRECISION_VARIABLE} name them; unset, the best is taken)")
    if chosen.device.type == "cuda":
        make_cuda_repeatable()
    return chosen


def make_cuda_repeatable() -> None:
    """Deterministic kernels where CUDA has them (it warns where not), and float32 that is float32 (no TF32)."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
