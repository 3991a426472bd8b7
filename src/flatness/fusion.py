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

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from flatness.compiling import compiled

SPAN = 64  # numbers that the kernel reads at once: a multiple of the channels, or dividing them
MOST_CHANNELS = 1024  # the kernel keeps rows of per-channel values on its stack
DEFINITIONS = {torch.bfloat16: ("BFLOAT16",), torch.float32: ()}

_is_fused = False


def kernel(precision: torch.dtype) -> ctypes.CDLL | None:
    """The compiled kernel for numbers of this type; None where this machine cannot have it."""
    return compiled("fusion.c", *DEFINITIONS[precision]) if precision in DEFINITIONS else None


@contextmanager
def fused_operations(fused: bool = True) -> Iterator[None]:
    """Forward passes herein are fused where the kernel fits, for a training loop.

    They can be differentiated once, and gradients are overwritten on their way: no hook may keep them.
    """
    global _is_fused
    before, _is_fused = _is_fused, fused
    try:
        yield
    finally:
        _is_fused = before


def rectified_norm(norm: nn.Module, activation: nn.Module, x: Tensor, added: Tensor | None = None) -> Tensor:
    """activation(norm(x) + added); x [N, C, H, W]. By the kernel in `fused_operations`, if it fits; else module by module."""
    if _is_fused and _fits(norm, activation, x, added):
        return _RectifiedNorm.apply(x, added, norm.weight, norm.bias, norm)
    y = norm(x)
    if added is not None:
        y += added
    return activation(y)


def subsampled(x: Tensor, stride: int) -> Tensor:
    """x[:, :, ::stride, ::stride] of x [N, C, H, W]. In `fused_operations` as a pooling, whose gradient lies as x does."""
    return functional.avg_pool2d(x, 1, stride) if _is_fused else x[:, :, ::stride, ::stride]


def _fits(norm: nn.Module, activation: nn.Module, x: Tensor, added: Tensor | None) -> bool:
    """Whether the kernel computes just what the modules would, for tensors as it reads them."""
    modules = (
        type(norm) is nn.BatchNorm2d
        and type(activation) is nn.ReLU
        and (norm.training and norm.affine and norm.track_running_stats and norm.momentum is not None)
        and norm.weight.dtype == torch.float32
        and not any(
            (m._forward_hooks or m._forward_pre_hooks or m._backward_hooks) for m in (norm, activation)
        )
    )
    if not modules or x.device.type != "cpu" or x.dtype not in DEFINITIONS:
        return False
    channels = x.shape[1]
    shapes = (
        (SPAN % channels == 0 or channels % SPAN == 0)
        and channels <= MOST_CHANNELS
        and x.numel() % max(SPAN, channels) == 0
        and x.numel() > channels
        and x.is_contiguous(memory_format=torch.channels_last)
    )
    like = added is None or (added.shape == x.shape and added.dtype == x.dtype)
    return shapes and like and kernel(x.dtype) is not None


class _RectifiedNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx, x: Tensor, added: Tensor | None, weight: Tensor, bias: Tensor, norm: nn.BatchNorm2d
    ) -> Tensor:
        channels, threads = x.shape[1], torch.get_num_threads()
        added = None if added is None else added.contiguous(memory_format=torch.channels_last)
        z, kept, sums = torch.empty_like(x), torch.empty(4, channels), _room(threads, channels)
        norm.num_batches_tracked.add_(1)
        kernel(x.dtype).forward(
            *map(_pointer, (x, added, z)),
            *map(ctypes.c_int64, (x.numel(), channels)),
            *map(_pointer, (weight, bias)),
            *map(ctypes.c_float, (norm.eps, norm.momentum)),
            *map(_pointer, (norm.running_mean, norm.running_var, kept, sums)),
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
        if gradient.stride() != x.stride() or gradient.dtype != x.dtype:  # one number per channel, if pooled
            gradient = torch.empty_like(x).copy_(gradient)
        of_x = torch.empty_like(x) if ctx.is_sum else gradient
        of_weight, of_bias, sums = torch.empty(channels), torch.empty(channels), _room(threads, channels)
        kernel(x.dtype).backward(
            *map(_pointer, (gradient, x, z[0] if z else None, of_x)),
            *map(ctypes.c_int64, (x.numel(), channels)),
            *map(_pointer, (kept, of_weight, of_bias, sums)),
            threads,
        )
        return of_x, gradient if ctx.is_sum else None, of_weight, of_bias, None


def _room(threads: int, channels: int) -> Tensor:
    """Where the kernel adds up: two sums per thread and channel."""
    return torch.empty(threads, 2, channels, dtype=torch.float64)


def _pointer(tensor: Tensor | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(None if tensor is None else tensor.data_ptr())
