"""What residual networks do between convolutions, in fewer passes over memory: for training on a CPU.

Batch norm in training mode, an addition and a rectifier are one operation: over the n numbers of a channel in
x [N, C, H, W], with g and b the norm's weight and bias,

    z = max(g h + b + a, 0),  h = (x - m) / s,  m = mean(x),  s = sqrt(mean((x - m)^2) + eps)

(Ioffe and Szegedy 2015, Algorithm 1), and for the gradient d of z, with e = d where z > 0 and 0 elsewhere,

    da = e,  db = sum(e),  dg = sum(e h),  dx = g / s (e - mean(e) - h mean(e h)).

`fusion.c` reads and writes about half as much for it as torch's single operations do.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional
from torch.nn.modules.module import _has_any_global_hook

from flatness.compiling import compiled, why_not

SOURCE = "fusion.c"

SPAN = 64  # numbers that the kernel reads at once: a multiple of the channels, or dividing them
MOST_CHANNELS = 1024  # the kernel keeps rows of per-channel values on its stack
DEFINITIONS = {torch.bfloat16: ("BFLOAT16",), torch.float32: ()}

_is_fused = ContextVar("_is_fused", default=False)


def kernel(precision: torch.dtype) -> ctypes.CDLL | None:
    """The compiled kernel for numbers of this type; None where this machine cannot have it."""
    return compiled(SOURCE, *DEFINITIONS[precision]) if precision in DEFINITIONS else None


def why_no_kernel(precision: torch.dtype) -> str | None:
    """Why `kernel` has none."""
    return why_not(SOURCE, *DEFINITIONS[precision]) if precision in DEFINITIONS else f"{precision}"


@contextmanager
def fused_operations(fused: bool = True) -> Iterator[None]:
    """Forward passes of this thread herein use compiled kernels where these fit, for a training loop.

    They can be differentiated once, not twice.
    """
    before = _is_fused.set(fused)
    try:
        yield
    finally:
        _is_fused.reset(before)


def are_fused() -> bool:
    """Whether forward passes of this thread are inside `fused_operations`."""
    return _is_fused.get()


def are_watched(*modules: nn.Module) -> bool:
    """Whether someone looks at what the modules do, or replaced it: they must not be skipped then."""
    return _has_any_global_hook() or any(
        any(_hooks(module)) or "forward" in vars(module) for module in modules
    )


def rectified_norm(norm: nn.Module, activation: nn.Module, x: Tensor, added: Tensor | None = None) -> Tensor:
    """activation(norm(x) + added); x [N, C, H, W]. By the kernel in `fused_operations`, if it fits; else module by module."""
    if _is_fused.get() and _fits(norm, activation, x, added):
        return _RectifiedNorm.apply(x, added, norm.weight, norm.bias, norm)
    y = norm(x)
    if added is not None:
        y += added
    return activation(y)


def subsampled(x: Tensor, stride: int) -> Tensor:
    """x[:, :, ::stride, ::stride] of x [N, C, H, W]. In `fused_operations` as a pooling, whose gradient lies as x does."""
    return functional.avg_pool2d(x, 1, stride) if _is_fused.get() else x[:, :, ::stride, ::stride]


def _fits(norm: nn.Module, activation: nn.Module, x: Tensor, added: Tensor | None) -> bool:
    """Whether the kernel computes just what the modules would; what it cannot read is left to them, errors included."""
    return (
        _are_plain(norm, activation)
        and x.dtype in DEFINITIONS
        and _lies_well(x)
        and all(_is_of_channels(values, x.shape[1]) for values in _channel_values(norm))
        and (added is None or (added.shape == x.shape and added.dtype == x.dtype))
        and kernel(x.dtype) is not None
    )


def _are_plain(norm: nn.Module, activation: nn.Module) -> bool:
    """Whether the modules are batch norm in training and a rectifier, with no hook on them."""
    return (
        type(norm) is nn.BatchNorm2d
        and type(activation) is nn.ReLU
        and (norm.training and norm.affine and norm.track_running_stats and norm.momentum is not None)
        and not are_watched(norm, activation)
    )


def _hooks(module: nn.Module) -> tuple[dict, ...]:
    return (
        module._forward_hooks,
        module._forward_pre_hooks,
        module._backward_hooks,
        module._backward_pre_hooks,
    )


def _lies_well(x: Tensor) -> bool:
    """Whether x lies channels last on the CPU, in rows and spans that the kernel reads."""
    if x.device.type != "cpu" or x.ndim != 4 or not x.is_contiguous(memory_format=torch.channels_last):
        return False
    channels = x.shape[1]
    return (
        0 < channels <= min(MOST_CHANNELS, x.numel() - 1)
        and (SPAN % channels == 0 or channels % SPAN == 0)
        and x.numel() % max(SPAN, channels) == 0
    )


def _channel_values(norm: nn.BatchNorm2d) -> tuple[Tensor, ...]:
    return norm.weight, norm.bias, norm.running_mean, norm.running_var


def _is_of_channels(values: Tensor, channels: int) -> bool:
    return (
        values.shape == (channels,)
        and values.dtype == torch.float32
        and values.device.type == "cpu"
        and values.is_contiguous()
    )


class _RectifiedNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx, x: Tensor, added: Tensor | None, weight: Tensor, bias: Tensor, norm: nn.BatchNorm2d
    ) -> Tensor:
        channels, threads = x.shape[1], torch.get_num_threads()
        added = None if added is None else added.contiguous(memory_format=torch.channels_last)
        z, kept, sums = torch.empty_like(x), _floats(4, channels), _room(threads, channels)
        norm.num_batches_tracked.add_(1)
        kernel(x.dtype).forward(
            *map(pointer, (x, added, z)),
            *map(ctypes.c_int64, (x.numel(), channels)),
            *map(pointer, (weight, bias)),
            *map(ctypes.c_float, (norm.eps, norm.momentum)),
            *map(pointer, (norm.running_mean, norm.running_var, kept, sums)),
            threads,
        )
        ctx.is_sum = added is not None
        ctx.save_for_backward(x, kept, *([z] if ctx.is_sum else []))
        return z

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        x, kept, *z = ctx.saved_tensors
        channels, threads = x.shape[1], torch.get_num_threads()
        if gradient.stride() != x.stride() or _is_shared(gradient):  # one number per channel, if pooled
            gradient = torch.empty_like(x).copy_(gradient)
        of_x = torch.empty_like(x) if ctx.is_sum else gradient
        of_weight, of_bias, sums = _floats(channels), _floats(channels), _room(threads, channels)
        kernel(x.dtype).backward(
            *map(pointer, (gradient, x, z[0] if z else None, of_x)),
            *map(ctypes.c_int64, (x.numel(), channels)),
            *map(pointer, (kept, of_weight, of_bias, sums)),
            threads,
        )
        return of_x, gradient if ctx.is_sum else None, of_weight, of_bias, None


def _is_shared(tensor: Tensor) -> bool:
    """Whether anyone else holds the tensor or its memory, so that it must not be overwritten; True if torch does not tell.

    A gradient that two nodes receive is, and one that a hook or the caller keeps.
    """
    try:
        holders = torch._C._storage_Use_Count(tensor.untyped_storage()._cdata)
        return tensor._use_count() > 1 or holders > 2  # the tensor, and the storage just asked for
    except AttributeError:
        return True


def _floats(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.float32, device="cpu")


def _room(threads: int, channels: int) -> Tensor:
    """Where the kernel adds up: two sums per thread and channel."""
    return torch.empty(threads, 2, channels, dtype=torch.float64, device="cpu")


def pointer(tensor: Tensor | None) -> ctypes.c_void_p:
    """Where a kernel finds the tensor's numbers."""
    return ctypes.c_void_p(None if tensor is None else tensor.data_ptr())
