"""What stochastic Lanczos quadrature (Ubaru et al. 2017; Ghorbani et al. 2019) leaves of a spectrum, and its density."""

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np


@dataclass(frozen=True)
class SpectralQuadrature:
    """Nodes [D, K] and weights [D, K] of D draws: the mean of f over H's eigenvalues is the mean over draws of
    sum_k weight f(node). Nodes are in the eigenvalues' unit, a draw's weights sum to 1. Where the process ended before
    K steps, weight 0 at node 0 fills up."""

    nodes: np.ndarray
    weights: np.ndarray

    def density(self, values: np.ndarray, width: float) -> np.ndarray:
        """The spectrum's density [M] at `values` [M], smoothed by a Gaussian of standard deviation `width`."""
        distances = (values[:, None] - self.nodes.ravel()) / width  # [M, D K]
        bells = np.exp(-(distances**2) / 2) / (width * sqrt(2 * pi))
        return bells @ self.weights.ravel() / len(self.nodes)
