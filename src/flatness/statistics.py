"""Batch-norm statistics recomputed for the weights a network has now."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from flatness.data import ImageSet


@torch.no_grad()
def recompute_batch_norm(
    network: nn.Module, data: ImageSet, batch_size: int = 500, context: AbstractContextManager | None = None
) -> None:
    """Set running means and variances to those of `data`, un-augmented, at the network's present weights.

    Each becomes the average over batches of the batch's mean and unbiased variance; a last batch smaller than
    `batch_size` is left out unless it is the only one. Modes and momenta are put back, after an error too,
    which may leave the statistics part done. `context` is a
    precision context, such as `Execution.autocast()`.
    """
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    if not norms:
        return
    data = data.for_network(network)
    size = min(batch_size, len(data))
    training = {module: module.training for module in network.modules()}
    momenta = {norm: norm.momentum for norm in norms}
    try:
        network.eval()
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # cumulative average
            norm.train()
        with context or nullcontext():
            for start in range(0, len(data) - size + 1, size):
                network(data.batch(slice(start, start + size))[0])
    finally:
        for norm, momentum in momenta.items():
            norm.momentum = momentum
        for module, mode in training.items():
            module.training = mode
