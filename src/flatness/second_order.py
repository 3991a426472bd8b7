"""Networks made ready to be differentiated twice: the same function with cheaper second derivatives.

Two things make a product with the Hessian slow. In evaluation mode batch norm is affine, but differentiating it twice
passes over its activations many times: folded into the convolution before it, it is a factor of the weights
(Jacob et al. 2018, section 3.2). And PyTorch's own second derivative of a convolution takes the weight's gradient by a
convolution with a kernel as large as the image: here each term is one call of the convolution's forward or backward.
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.func import functional_call
from torch.nn import functional

from flatness.folding import foldable_pairs, tensors_of

Geometry = tuple[list[int], list[int], list[int], int]  # stride, padding, dilation, groups
NAMED = ("same", "valid")  # paddings by name, left to PyTorch


def convolution_gradients(
    slope: Tensor, inputs: Tensor, weight: Tensor, geometry: Geometry, wanted: tuple[bool, bool]
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of <slope, inputs * weight> in inputs and in weight, those that are wanted."""
    stride, padding, dilation, groups = geometry
    found = torch.ops.aten.convolution_backward(
        slope, inputs, weight, None, stride, padding, dilation, False, [0, 0], groups, [*wanted, False]
    )
    return found[0], found[1]


class _Convolve(Function):
    """x, w, b -> x * w + b."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        ctx.geometry, ctx.has_bias = geometry, bias is not None
        return functional.conv2d(inputs, weight, bias, *geometry)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple:
        inputs, weight = ctx.saved_tensors
        found = _Gradients.apply(slope, inputs, weight, ctx.geometry, ctx.needs_input_grad[0])
        return *found[:2], found[2] if ctx.has_bias else None, None


class _Gradients(Function):
    """Gradients g_x, g_w and g_b of <slope, x * w + b>; differentiable once, in slope, x and w."""

    @staticmethod
    def forward(ctx: Any, slope: Tensor, inputs: Tensor, weight: Tensor, geometry: Geometry, inner: bool):
        ctx.save_for_backward(slope, inputs, weight)
        ctx.geometry, ctx.inner = geometry, inner  # inner: the inputs depend on parameters
        found = convolution_gradients(slope, inputs, weight, geometry, (inner, True))
        return *found, slope.sum((0, 2, 3))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, along_inputs: Tensor | None, along_weight: Tensor, along_bias: Tensor) -> tuple:
        """Of <g_x, a_x> + <g_w, a_w> + <g_b, a_b> = <slope, a_x * w + x * a_w + a_b>."""
        slope, inputs, weight = ctx.saved_tensors
        in_slope = functional.conv2d(inputs, along_weight, along_bias, *ctx.geometry)
        if not ctx.inner:
            return in_slope, None, None, None, None
        in_slope += functional.conv2d(along_inputs, weight, None, *ctx.geometry)
        in_inputs, _ = convolution_gradients(slope, inputs, along_weight, ctx.geometry, (True, False))
        _, in_weight = convolution_gradients(slope, along_inputs, weight, ctx.geometry, (False, True))
        return in_slope, in_inputs, in_weight, None, None


class _Convolution(nn.Conv2d):
    def forward(self, input: Tensor) -> Tensor:  # the name that a caller may use
        geometry = (list(self.stride), list(self.padding), list(self.dilation), self.groups)
        return _Convolve.apply(input, self.weight, self.bias, geometry)


class SecondOrderTwin:
    """A network's function in evaluation mode, images [B, C, H, W] -> logits, differentiable twice in its parameters.

    Always with the network's present parameters and statistics; the network is not touched. What cannot be folded
    or is no plain convolution is evaluated as it is.
    """

    def __init__(self, network: nn.Module):
        self.network = network
        self.pairs = foldable_pairs(network)
        self.twin = copy.deepcopy(network).eval().requires_grad_(False)
        for module in self.twin.modules():
            if type(module) is nn.Conv2d and module.padding_mode == "zeros" and module.padding not in NAMED:
                module.__class__ = _Convolution
        for convolution, norm in self.pairs:
            module = self.twin.get_submodule(convolution)
            module.bias = nn.Parameter(torch.zeros_like(module.weight[:, 0, 0, 0]), requires_grad=False)
            parent, _, child = norm.rpartition(".")
            setattr(self.twin.get_submodule(parent), child, nn.Identity())
        self.names = set(tensors_of(self.twin))

    def __call__(self, images: Tensor) -> Tensor:
        # A forward may change buffers: it gets copies.
        buffers = {name: buffer.clone() for name, buffer in self.network.named_buffers()}
        values = dict(self.network.named_parameters()) | buffers
        for convolution, norm in self.pairs:
            weight, bias = self._folded(convolution, norm)
            values |= {f"{convolution}.weight": weight, f"{convolution}.bias": bias}
        return functional_call(
            self.twin, {name: values[name] for name in self.names & values.keys()}, (images,)
        )

    def _folded(self, convolution: str, norm: str) -> tuple[Tensor, Tensor]:
        """w s and b + (c - m) s with s = g / sqrt(v + eps), as functions of the parameters w, c, g and b."""
        source, affine = self.network.get_submodule(convolution), self.network.get_submodule(norm)
        scale = torch.rsqrt(affine.running_var + affine.eps)
        scale = scale if affine.weight is None else scale * affine.weight
        shift = -affine.running_mean if source.bias is None else source.bias - affine.running_mean
        bias = shift * scale if affine.bias is None else affine.bias + shift * scale
        return source.weight * scale[:, None, None, None], bias
