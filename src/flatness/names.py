"""The names of networks: their grammar, and what a name declares. Knows no PyTorch, whose import takes seconds.

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
from dataclasses import dataclass

GRAMMAR = "(resnet|plain)DEPTH[-projection|-shortcutB][-widthK][-tanh|-gelu|-sigmoid][-nonorm]"
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
