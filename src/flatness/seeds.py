"""Random streams by keys, from one declared seed."""

import numpy as np
import torch


def derived_seed(*keys: int) -> int:
    """A seed below 2^63 that is a fixed function of the keys, non-negative integers (NumPy's SeedSequence).

    Keys that differ have seeds that differ but for chance, with these exceptions. SeedSequence ignores zeros
    at the end: (5,), (5, 0) and (5, 0, 0) are one seed, so that draws with different numbers of keys may
    share a stream. And it takes a key in words of 32 bits, the lowest first: (5 + 2^32,) is (5, 1).
    """
    return int(np.random.SeedSequence(keys).generate_state(1, np.uint64)[0] >> np.uint64(1))


def generator(device: torch.device | str, *keys: int) -> torch.Generator:
    """A torch generator on `device`, seeded by `derived_seed(*keys)`.

    On the CPU it has one of 2^32 streams, since the Mersenne Twister takes the seed's lowest 32 bits alone.
    """
    return torch.Generator(device).manual_seed(derived_seed(*keys))
