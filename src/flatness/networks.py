"""Residual and plain image networks, built from one name by one constructor; `flatness.names` has the grammar."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from flatness.convolution import convolved, convolved_beside
from flatness.fusion import rectified_norm, subsampled
from flatness.names import Architecture, parse_name

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": partial(nn.ReLU, inplace=True),
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "sigmoid": nn.Sigmoid,
}


class Block(nn.Module):
    """Two 3 x 3 convolutions F and a shortcut: y = act(F(x) + B s(x)); x [N, C, H, W]."""

    def __init__(self, inputs: int, outputs: int, stride: int, architecture: Architecture):
        super().__init__()
        self.conv1 = _convolution(inputs, outputs, 3, stride, architecture)
        self.norm1 = _norm(outputs, architecture)
        self.conv2 = _convolution(outputs, outputs, 3, 1, architecture)
        self.norm2 = _norm(outputs, architecture)
        self.activation = ACTIVATIONS[architecture.activation]()
        self.scale = architecture.shortcut
        self.stride = stride
        self.added_channels = outputs - inputs
        changes_shape = stride != 1 or self.added_channels != 0
        self.projection = None
        if architecture.projection and changes_shape:
            self.projection = nn.Sequential(
                _convolution(inputs, outputs, 1, stride, architecture), _norm(outputs, architecture)
            )

    def forward(self, x: Tensor) -> Tensor:
        y, x = convolved_beside(self.conv1, x)
        y = convolved(self.conv2, rectified_norm(self.norm1, self.activation, y))
        if self.scale == 0:
            return rectified_norm(self.norm2, self.activation, y)
        shortcut = self.shortcut(x)
        added = shortcut if self.scale == 1 else self.scale * shortcut
        return rectified_norm(self.norm2, self.activation, y, added)

    def shortcut(self, x: Tensor) -> Tensor:
        """Identity, option A (subsample, pad channels with zeros on both sides) or a projection."""
        if self.projection is not None:
            return self.projection(x)
        if self.stride == 1 and self.added_channels == 0:
            return x
        before = self.added_channels // 2
        padding = (0, 0, 0, 0, before, self.added_channels - before)
        return functional.pad(subsampled(x, self.stride), padding)


class ImageNetwork(nn.Module):
    """Stem, three stages of blocks, global average pool, linear head: [N, C, H, W] -> logits [N, classes]."""

    def __init__(self, architecture: Architecture, channels: int, classes: int):
        super().__init__()
        widths = [factor * architecture.width for factor in (16, 32, 64)]
        self.conv = _convolution(channels, widths[0], 3, 1, architecture)
        self.norm = _norm(widths[0], architecture)
        self.activation = ACTIVATIONS[architecture.activation]()
        self.stages = nn.Sequential()
        inputs = widths[0]
        for stage, outputs in enumerate(widths):
            blocks = nn.Sequential()
            for block in range(architecture.blocks_per_stage):
                blocks.append(Block(inputs, outputs, 2 if stage > 0 and block == 0 else 1, architecture))
                inputs = outputs
            self.stages.append(blocks)
        self.head = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        y = rectified_norm(self.norm, self.activation, self.conv(x))
        return self.head(self.stages(y).mean((2, 3)))


def build_network(name: str, seed: int, channels: int = 3, classes: int = 10) -> ImageNetwork:
    """Build the named network with initial values drawn from `seed` alone, on the CPU.

    Convolutions: N(0, 2 / fan_out) (He et al. 2015), as in the reference implementations; linear head:
    U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for weight and bias; batch norm: scale 1, shift 0. The global
    random state is left as it was.
    """
    architecture = parse_name(name)
    with torch.random.fork_rng(devices=[]):
        network = ImageNetwork(architecture, channels, classes)
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            bound = module.in_features**-0.5
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            nn.init.uniform_(module.bias, -bound, bound, generator=generator)
    return network


def _convolution(
    inputs: int, outputs: int, kernel: int, stride: int, architecture: Architecture
) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=not architecture.normalised)


def _norm(channels: int, architecture: Architecture) -> nn.Module:
    return nn.BatchNorm2d(channels) if architecture.normalised else nn.Identity()
