"""3 x 3 convolutions of residual networks by a kernel of ours: for training on a CPU that multiplies bfloat16 in vectors.

With stride 1 it is Winograd's minimal filtering F(2 x 2, 3 x 3) (Winograd 1980; Lavin and Gray 2016, arXiv:1509.09308),
which multiplies 16 times where there are 36 products; with stride 2 the gradients alone are the kernel's. `convolution.c`
has the formulas. Weights are read, and their gradients written, in float32. What is multiplied is rounded to bfloat16 after
it is transformed, so that with stride 1 results and gradients differ from exact ones by some 0.4 % (root mean square), where
those of a direct convolution in bfloat16 differ by 0.2 %.

Where a processor multiplies bfloat16 in tiles (AMX), torch's own convolutions are faster, and stay.
"""

import ctypes
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from flatness.compiling import compiled
from flatness.fusion import are_fused, are_watched, pointer

SOURCE = "convolution.c"

LANES = 16  # channels that the kernel reads at once
WIDTHS = (4, 8, 16, 32)  # pixels in a row, of which the kernel's blocks hold whole rows
STRIDES = (1, 2)
TENSORS = (Tensor, nn.Parameter)  # not their subclasses, whose numbers may be elsewhere


@cache
def kernel(inputs: int, outputs: int, stride: int) -> ctypes.CDLL | None:
    """The kernel for so many channels, compiled; None where this machine cannot have it, or is faster without."""
    definitions = f"INPUTS={inputs}", f"OUTPUTS={outputs}", f"STRIDE={stride}"
    return compiled(SOURCE, *definitions) if _has_vectors_alone() else None


def is_available() -> bool:
    """Whether this machine has the kernel."""
    return kernel(LANES, LANES, 1) is not None


def convolved(convolution: nn.Module, x: Tensor) -> Tensor:
    """convolution(x); x [N, C, H, W]. By the kernel in `fusion.fused_operations`, if it fits; else by the module.

    Results differ from the module's by rounding; what is infinite makes the numbers of its tile none, not those alone
    that a filter reaches.
    """
    if are_fused() and _fits(convolution, x):
        return _Convolution.apply(x, convolution.weight, convolution.stride[0])[0]
    return convolution(x)


def convolved_beside(convolution: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """convolution(x), and x for a shortcut beside it, whose gradient the kernel adds to the convolution's in one pass.

    The second must not be changed in place.
    """
    if are_fused() and _fits(convolution, x):
        return _Convolution.apply(x, convolution.weight, convolution.stride[0])
    return convolution(x), x


def _has_vectors_alone() -> bool:
    features = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    vectors, tiles = (getattr(torch.cpu, feature, lambda: False)() for feature in features)
    return vectors and not tiles


def _fits(convolution: nn.Module, x: Tensor) -> bool:
    """Whether the kernel computes what the module would; what it cannot read is left to it, errors included."""
    return (
        _is_plain(convolution)
        and _lies_well(x)
        and _are_filters_of(convolution.weight, x)
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
        and _kernel_of(convolution.weight, convolution.stride[0]) is not None
    )


def _is_plain(convolution: nn.Module) -> bool:
    """Whether the module, if its filters are 3 x 3, keeps or halves height and width, and nobody looks at it."""
    return (
        type(convolution) is nn.Conv2d
        and convolution.bias is None
        and convolution.padding == (1, 1)
        and convolution.padding_mode == "zeros"
        and convolution.stride in [(stride, stride) for stride in STRIDES]
        and convolution.dilation == (1, 1)
        and convolution.groups == 1
        and not are_watched(convolution)
    )


def _lies_well(x: Tensor) -> bool:
    """Whether x is bfloat16 and lies channels last on the CPU, in rows that the kernel's blocks hold."""
    return (
        type(x) in TENSORS
        and x.device.type == "cpu"
        and x.dtype == torch.bfloat16
        and x.ndim == 4
        and x.numel() > 0
        and x.shape[2] % 2 == 0
        and x.shape[3] in WIDTHS
        and x.is_contiguous(memory_format=torch.channels_last)
    )


def _are_filters_of(weight: Tensor, x: Tensor) -> bool:
    """Whether the weight is float32 and lies channels last on the CPU: filters of 3 x 3 for as many channels as x has."""
    return (
        type(weight) in TENSORS
        and weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and weight.shape[1:] == (x.shape[1], 3, 3)
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
            return functional.conv2d(x, weight.to(x.dtype), None, stride, 1), x
        y = _channels_last(x.shape[0], weight.shape[0], *x.shape[2:])
        _call(_kernel_of(weight, stride).forward, x, x, weight, y)
        return y, x

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor | None, beside: Tensor | None):
        x, weight = ctx.saved_tensors
        if gradient is None:
            return beside, None, None
        if not (_lies_well(x) and _are_filters_of(weight, x)):
            raise RuntimeError(
                "gradient of a convolution: expected its input and weight as they lay in the forward pass, found another type or "
                "layout; move or convert a network before or after a step, not within"
            )
        of_x, of_weight, kernel_here = None, None, _kernel_of(weight, ctx.stride)
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        if ctx.needs_input_grad[0]:
            of_x = torch.empty_like(x)
            added = None if beside is None else beside.contiguous(memory_format=torch.channels_last)
            _call(kernel_here.pixel_gradient, x, gradient, weight, added, of_x)
        if ctx.needs_input_grad[1]:
            of_weight = torch.empty_like(weight)
            _call(kernel_here.filter_gradient, x, x, gradient, of_weight)
        return of_x, of_weight, None


def _channels_last(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.bfloat16, device="cpu", memory_format=torch.channels_last)


def _kernel_of(weight: Tensor, stride: int) -> ctypes.CDLL | None:
    outputs, inputs = weight.shape[:2]
    return kernel(inputs, outputs, stride)


def _call(function: Callable[..., int], x: Tensor, *arrays: Tensor | None) -> None:
    """One of a kernel's functions, for images of x's number and size; MemoryError where there is no room for matrices."""
    images, _, height, width = x.shape
    sizes = map(ctypes.c_int64, (images, height, width))
    if function(*map(pointer, arrays), *sizes, torch.get_num_threads()):
        raise MemoryError(
            f"{SOURCE}: expected memory for the matrices of a convolution, found none; free some, or train with smaller batches"
        )
