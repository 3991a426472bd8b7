"""Independent random streams from one declared seed."""

import numpy as np
import torch


def derived_seed(*keys: int) -> int:
    """A 63-bit seed that is a fixed function of the keys, non-negative integers (NumPy's SeedSequence).

    Streams are told apart by keys of the same number; SeedSequence does not tell (0,) from (0, 0).
    """
    return int(np.random.SeedSequence(keys).generate_state(1, np.uint64)[0] >> np.uint64(1))


def generator(device: torch.device | str, *keys: int) -> torch.Generator:
    """A torch generator on `device`, seeded by `derived_seed(*keys)`."""
    return torch.Generator(device).manual_seed(derived_seed(*keys))
