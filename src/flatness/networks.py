"""Residual and plain image networks, built from one name by one constructor.

The grammar of a name::

    (resnet|plain)DEPTH[-projection|-shortcutB][-widthK][-tanh|-gelu|-sigmoid][-nonorm]

DEPTH is 6n+2: a stem convolution, three stages of n blocks of two 3 x 3 convolutions (16, 32, 64
channels times the width K), and a linear head (He et al. 2016, section 4.2). `plainN` is `resnetN`
without the shortcut. The default shortcut is He's option A, which has no parameters (subsampling and
zero-padded channels), so that both have the same parameters, names and, from the same seed, initial
values. `-projection` is option B of He et al., used by Li et al. 2018 (a 1 x 1 convolution with batch
norm where the shape changes). `-shortcutB` scales the shortcut: y = F(x) + B x with 0 <= B <= 1.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

GRAMMAR = "(resnet|plain)DEPTH[-projection|-shortcutB][-widthK][-tanh|-gelu|-sigmoid][-nonorm]"
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "sigmoid": nn.Sigmoid,
}
_NAME = re.compile(
    r"(?P<family>resnet|plain)(?P<depth>[1-9]\d*)"
    r"(?P<projection>-projection)?(?:-shortcut(?P<shortcut>\d+(?:\.\d+)?))?(?:-width(?P<width>[1-9]\d*))?"
    r"(?:-(?P<activation>tanh|gelu|sigmoid))?(?P<nonorm>-nonorm)?"
)


@dataclass(frozen=True)
class Architecture:
    """What a network's name declares."""

    name: str
    depth: int
    shortcut: float  # B of y = F(x) + B x; 0 for a plain network
    projection: bool = False
    width: int = 1
    activation: str = "relu"
    normalised: bool = True

    @property
    def family(self) -> str:
        """`resnet` or `plain`, as written in the name."""
        return "plain" if self.name.startswith("plain") else "resnet"

    @property
    def blocks_per_stage(self) -> int:
        return (self.depth - 2) // 6


def parse_name(name: str) -> Architecture:
    """Read an architecture from its name; ValueError with the grammar where the name is not of it."""

    def refuse(reason: str) -> ValueError:
        return ValueError(
            f"network {name!r}: {reason}. Expected {GRAMMAR} with DEPTH = 6n+2 (8, 14, 20, 32, 44, 56, 110, ...), "
            "suffixes in this order, 0 <= B <= 1; for example resnet56, plain20-tanh, resnet56-shortcut0.5-width2"
        )

    match = _NAME.fullmatch(name)
    if match is None:
        raise refuse("not a name of the grammar")
    depth, plain = int(match["depth"]), match["family"] == "plain"
    if depth < 8 or depth % 6 != 2:
        raise refuse(f"depth {depth} is not 6n+2 with n >= 1")
    if plain and (match["projection"] or match["shortcut"]):
        raise refuse("a plain network has no shortcut to project or to scale")
    if match["projection"] and match["shortcut"]:
        raise refuse("a projected shortcut is not scaled")
    shortcut = 0.0 if plain else float(match["shortcut"] or 1)
    if shortcut > 1:
        raise refuse(f"shortcut {shortcut:g} is above 1")
    return Architecture(
        name,
        depth,
        shortcut,
        projection=bool(match["projection"]),
        width=int(match["width"] or 1),
        activation=match["activation"] or "relu",
        normalised=not match["nonorm"],
    )


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
        y = self.activation(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        if self.scale != 0:
            shortcut = self.shortcut(x)
            y += shortcut if self.scale == 1 else self.scale * shortcut
        return self.activation(y)

    def shortcut(self, x: Tensor) -> Tensor:
        """Identity, option A (subsample, pad channels with zeros on both sides) or a projection."""
        if self.projection is not None:
            return self.projection(x)
        if self.stride == 1 and self.added_channels == 0:
            return x
        before = self.added_channels // 2
        padding = (0, 0, 0, 0, before, self.added_channels - before)
        return functional.pad(x[:, :, :: self.stride, :: self.stride], padding)


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
        y = self.activation(self.norm(self.conv(x)))
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
