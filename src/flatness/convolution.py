"""3 x 3 convolutions of residual networks by a kernel of ours: for training on a CPU that multiplies bfloat16 in vectors.

With stride 1 it is Winograd's minimal filtering F(2 x 2, 3 x 3) (Winograd 1980; Lavin and Gray 2016, arXiv:1509.09308),
which multiplies 16 times where there are 36 products; with stride 2 the gradients alone are the kernel's. `convolution.c`
has the formulas. Weights are read, and their gradients written, in float32; what is transformed is rounded to bfloat16
once, so that results differ from exact ones by some 0.4 % (root mean square), half of which any result in bfloat16 does.

Where a processor multiplies bfloat16 in tiles (AMX), torch's own convolutions are faster, and stay.
"""

import ctypes
from functools import cache

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from flatness.compiling import compiled
from flatness.fusion import are_fused, has_hooks, pointer

SOURCE = "convolution.c"

LANES = 16  # channels that the kernel reads at once
WIDTHS = (4, 8, 16, 32)  # pixels in a row, of which the kernel's blocks hold whole rows
STRIDES = (1, 2)


@cache
def kernel(inputs: int, outputs: int, stride: int) -> ctypes.CDLL | None:
    """The kernel for so many channels, compiled; None where this machine cannot have it, or is faster without."""
    definitions = f"INPUTS={inputs}", f"OUTPUTS={outputs}", f"STRIDE={stride}"
    return compiled(SOURCE, *definitions) if _has_vectors_alone() else None


def is_available() -> bool:
    """Whether this machine has the kernel."""
    return kernel(LANES, LANES, 1) is not None


def convolved(convolution: nn.Module, x: Tensor) -> Tensor:
    """convolution(x); x [N, C, H, W]. By the kernel in `fusion.fused_operations`, if it fits; else by the module."""
    if are_fused() and _fits(convolution, x):
        return _Convolution.apply(x, convolution.weight, convolution.stride[0])[0]
    return convolution(x)


def convolved_beside(convolution: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """convolution(x), and x for a shortcut beside it, whose gradient the kernel adds to the convolution's in one pass."""
    if are_fused() and _fits(convolution, x):
        return _Convolution.apply(x, convolution.weight, convolution.stride[0])
    return convolution(x), x


def _has_vectors_alone() -> bool:
    features = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    vectors, tiles = (getattr(torch.cpu, feature, lambda: False)() for feature in features)
    return vectors and not tiles


def _fits(convolution: nn.Module, x: Tensor) -> bool:
    """Whether the kernel computes just what the module would; what it cannot read is left to it, errors included."""
    return (
        _is_plain(convolution)
        and _lies_well(x)
        and x.shape[1] == convolution.in_channels
        and _are_filters(convolution.weight)
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
        and _kernel_of(convolution.weight, convolution.stride[0]) is not None
    )


def _is_plain(convolution: nn.Module) -> bool:
    """Whether the module is a 3 x 3 convolution that keeps or halves height and width, with no hook on it."""
    return (
        type(convolution) is nn.Conv2d
        and convolution.bias is None
        and convolution.kernel_size == (3, 3)
        and convolution.padding == (1, 1)
        and convolution.padding_mode == "zeros"
        and convolution.stride in [(stride, stride) for stride in STRIDES]
        and convolution.dilation == (1, 1)
        and convolution.groups == 1
        and not has_hooks(convolution)
    )


def _lies_well(x: Tensor) -> bool:
    """Whether x is bfloat16 and lies channels last on the CPU, in rows that the kernel's blocks hold."""
    return (
        x.device.type == "cpu"
        and x.dtype == torch.bfloat16
        and x.ndim == 4
        and x.numel() > 0
        and x.shape[2] % 2 == 0
        and x.shape[3] in WIDTHS
        and x.is_contiguous(memory_format=torch.channels_last)
    )


def _are_filters(weight: Tensor) -> bool:
    return (
        weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and weight.shape[0] % LANES == weight.shape[1] % LANES == 0
        and weight.is_contiguous(memory_format=torch.channels_last)
    )


class _Convolution(torch.autograd.Function):
    """The convolution of x, and x."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, stride: int) -> tuple[Tensor, Tensor]:
        ctx.stride = stride
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, weight)
        if stride != 1:
            return functional.conv2d(x, weight, None, stride, 1), x
        y = _channels_last(x.shape[0], weight.shape[0], *x.shape[2:])
        _call("forward", x, weight, stride, x, weight, y)
        return y, x

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor | None, beside: Tensor | None):
        x, weight = ctx.saved_tensors
        if gradient is None:
            return beside, None, None
        of_x = of_weight = None
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        if ctx.needs_input_grad[0]:
            of_x = torch.empty_like(x)
            added = None if beside is None else beside.contiguous(memory_format=torch.channels_last)
            _call("pixel_gradient", x, weight, ctx.stride, gradient, weight, added, of_x)
        if ctx.needs_input_grad[1]:
            of_weight = torch.empty_like(weight)
            _call("filter_gradient", x, weight, ctx.stride, x, gradient, of_weight)
        return of_x, of_weight, None


def _channels_last(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.bfloat16, device="cpu", memory_format=torch.channels_last)


def _kernel_of(weight: Tensor, stride: int) -> ctypes.CDLL | None:
    outputs, inputs = weight.shape[:2]
    return kernel(inputs, outputs, stride)


def _call(function: str, x: Tensor, weight: Tensor, stride: int, *arrays: Tensor | None) -> None:
    """One of the kernel's functions; MemoryError where there is no room for its matrices."""
    images, _, height, width = x.shape
    failed = getattr(_kernel_of(weight, stride), function)(
        *map(pointer, arrays), *map(ctypes.c_int64, (images, height, width)), torch.get_num_threads()
    )
    if failed:
        raise MemoryError(
            f"{SOURCE}: expected memory for the matrices of a convolution, found none; free some, or train with smaller batches"
        )
