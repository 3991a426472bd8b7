"""Which residual and plain networks are set side by side."""

from dataclasses import dataclass

from experiment.reporting.latex import typewriter
from flatness.names import Architecture, parse_name


@dataclass(frozen=True)
class Pair:
    """A residual network and the plain one that differs from it by the shortcut."""

    residual: str
    plain: str
    depth: int

    @property
    def label(self) -> str:
        """`depth 56`, or both names where the residual network is a variant."""
        if self.residual == f"resnet{self.depth}":
            return f"depth {self.depth}"
        return f"{typewriter(self.residual)} and {typewriter(self.plain)}"


def pairs(networks: list[str]) -> list[Pair]:
    """Every declared residual network with the declared plain one of the same depth, width and activation."""
    architectures = [parse_name(network) for network in networks]
    plains = {apart_from_shortcut(a): a.name for a in architectures if a.family == "plain"}
    found = [
        Pair(a.name, plains[apart_from_shortcut(a)], a.depth)
        for a in architectures
        if a.family == "resnet" and apart_from_shortcut(a) in plains
    ]
    return sorted(found, key=lambda pair: pair.depth)


def residual_counterpart(networks: list[str], plain: str) -> str | None:
    """The residual network of `networks` that differs from a plain one, declared or not, by the shortcut alone."""
    found = [pair.residual for pair in pairs([*networks, plain]) if pair.plain == plain]
    return found[0] if found else None


def apart_from_shortcut(architecture: Architecture) -> tuple:
    """All that a name tells but the shortcut: networks that differ by it alone have the same."""
    return architecture.depth, architecture.width, architecture.activation, architecture.normalised
