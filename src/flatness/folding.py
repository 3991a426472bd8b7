"""Batch norm folded into the convolutions before it: the same function with fewer passes over memory.

In evaluation mode batch norm is affine, y = g (conv(x) - m) / sqrt(v + eps) + b, so that
w' = w g / sqrt(v + eps) and b' = b + (c - m) g / sqrt(v + eps) give one convolution, with c its own bias
(Jacob et al. 2018, section 3.2).
"""

import copy
from collections import Counter
from typing import Any

import torch
from torch import Tensor, fx, nn

from flatness.directions import put_back, registered_buffers


def foldable_pairs(network: nn.Module) -> list[tuple[str, str]]:
    """Names of (convolution, batch norm) where the norm alone reads the convolution, both used once and by that alone.

    In evaluation mode, whatever the network's. Empty where the network cannot be traced or has none: such a
    network is evaluated as it is.
    """
    try:  # a copy, as tracing runs the forward
        graph = fx.symbolic_trace(copy.deepcopy(network).eval()).graph
    except Exception:  # a forward with data-dependent control flow raises what it likes
        return []
    modules, owners = dict(network.named_modules()), _owners(network)
    calls = [node.target for node in graph.nodes if node.op == "call_module"]
    read = {node.target.rpartition(".")[0] for node in graph.nodes if node.op == "get_attr"}
    pairs = []
    for node in graph.nodes:
        if node.op != "call_module" or not _is_plain(modules[node.target], nn.BatchNorm2d, owners):
            continue
        source = _input_of(node)
        alone = isinstance(source, fx.Node) and source.op == "call_module" and len(source.users) == 1
        if not alone or not _is_plain(modules[source.target], nn.Conv2d, owners):
            continue
        once = (
            calls.count(source.target) == calls.count(node.target) == 1
            and not {source.target, node.target} & read
        )
        if once and modules[node.target].track_running_stats:
            pairs.append((source.target, node.target))
    return pairs


def _owners(network: nn.Module) -> Counter:
    """By identity, of each module the number of its names and of each parameter that of its modules."""
    names = Counter(id(module) for _, module in network.named_modules(remove_duplicate=False))
    holders = Counter(
        id(parameter) for module in network.modules() for parameter in module.parameters(recurse=False)
    )
    return names + holders


def _is_plain(module: nn.Module, kind: type[nn.Module], owners: Counter) -> bool:
    """Whether a module is just of this kind: no subclass, hook or parametrisation, and shared with no other.

    A module of two names is shared, as only one of them is traced: replacing that would leave the other.
    """
    shared = any(owners[id(part)] > 1 for part in (module, *module.parameters()))
    return type(module) is kind and not module._forward_hooks and not module._forward_pre_hooks and not shared


def _input_of(node: fx.Node) -> Any:
    """What a module that takes one `input` is called with, by position or by name."""
    return node.args[0] if node.args else node.kwargs.get("input")


class FoldedTwin:
    """A copy of a network in evaluation mode with foldable batch norms folded; the network is not touched.

    `load` takes over the network's present weights and statistics; calling evaluates images [B, C, H, W].
    """

    def __init__(self, network: nn.Module):
        self.pairs = foldable_pairs(network)
        self.twin = copy.deepcopy(network).eval().requires_grad_(False)
        for convolution, norm in self.pairs:
            module = self.twin.get_submodule(convolution)
            if module.bias is None:
                module.bias = nn.Parameter(torch.zeros_like(module.weight[:, 0, 0, 0]), requires_grad=False)
            parent, _, child = norm.rpartition(".")
            setattr(self.twin.get_submodule(parent), child, nn.Identity())
        self.buffers = registered_buffers(self.twin)
        self.load(network)

    def __call__(self, images: Tensor) -> Tensor:
        return self.twin(images)

    @torch.no_grad()
    def load(self, network: nn.Module) -> None:
        """Take over the network's weights and statistics as they are now."""
        put_back(self.buffers)
        state, own = tensors_of(network), tensors_of(self.twin)
        for name in own.keys() & state.keys():
            own[name].copy_(state[name])
        for convolution, norm in self.pairs:
            scale, shift = _affine(network.get_submodule(norm))
            source, target = network.get_submodule(convolution), self.twin.get_submodule(convolution)
            target.weight.copy_(source.weight * scale[:, None, None, None])
            target.bias.copy_(shift if source.bias is None else shift + scale * source.bias)


def tensors_of(network: nn.Module) -> dict[str, Tensor]:
    """All parameters and buffers by name, those that `state_dict` leaves out as well."""
    return dict(network.named_parameters()) | dict(network.named_buffers())


def _affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Scale and shift [C] of a batch norm in evaluation mode."""
    scale = torch.rsqrt(norm.running_var + norm.eps)
    if norm.affine:
        scale = scale * norm.weight
    shift = -norm.running_mean * scale
    return scale, shift + norm.bias if norm.affine else shift
