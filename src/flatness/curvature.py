"""Eigenvalues, trace and spectral density of a Hessian that is known by its products with vectors.

The matrix is `flatness.hessian.HessianProduct`, or `ScaledProduct` for that in units of the filters' norms.
Vectors are flat [P] in the parameters' type, whatever the caller's autocast; numbers that come out are
float64. A product that is not finite raises Unmeasurable.
"""

from dataclasses import dataclass
from math import isfinite, nan, sqrt

import numpy as np
import torch
from torch import Tensor

from flatness.execution import without_autocast
from flatness.hessian import HessianProduct, Product, ScaledProduct, length
from flatness.quadrature import SpectralQuadrature
from flatness.seeds import generator
from flatness.unmeasurable import Unmeasurable

Matrix = HessianProduct | ScaledProduct
START, SIGNS, QUADRATURE = range(3)  # what a random vector is for: each has a stream of its own
BREAKDOWN = 1e-6  # of the largest coefficient: a Lanczos remainder below it has no direction of its own


class Lanczos:
    """The Lanczos process with full reorthogonalisation: Q H Q^T = T, rows q_1 ... q_k of Q [k, P] orthonormal.

    T is tridiagonal with `diagonal` [k] and `beyond` [k], the norm of the remainder after each step, whose
    first k - 1 entries are T's off-diagonal (Golub and Van Loan 2013, section 10.1). Raises Unmeasurable for a
    start of length 0.
    """

    def __init__(self, product: Product, start: Tensor):
        self.product = product
        self.basis: list[Tensor] = []
        self.diagonal: list[float] = []
        self.beyond: list[float] = []
        if length(start) == 0:
            raise Unmeasurable(
                "expected a start vector that is not zero, found length 0, as where all scales are 0; "
                "take scales of which some move the weights"
            )
        self.next: Tensor | None = start / length(start)

    @property
    def finished(self) -> bool:
        """Whether the basis spans an invariant subspace, so that T's eigenvalues are H's."""
        return self.next is None

    @without_autocast()
    def step(self) -> None:
        """One more product; nothing once finished."""
        if self.next is None:
            return
        self.basis.append(self.next)
        image = finite(self.product(self.next))
        self.diagonal.append(float(image.double() @ self.next.double()))
        basis = torch.stack(self.basis)  # [k, P]
        for _ in range(2):  # once is not enough in floating point (Parlett 1998, section 6.9)
            image = image - basis.T @ (basis @ image)
        self.beyond.append(length(image))
        scale = max(map(abs, self.diagonal + self.beyond))
        done = self.beyond[-1] <= BREAKDOWN * scale or len(self.basis) == len(image)
        self.next = None if done else image / length(image)

    def ritz(self, steps: int | None = None) -> tuple[Tensor, Tensor]:
        """T's eigenvalues [k], ascending, and its eigenvectors as columns [k, k], float64; T after `steps` or all."""
        diagonal, beyond = (
            torch.tensor(entries[:steps], dtype=torch.float64) for entries in (self.diagonal, self.beyond)
        )
        off = torch.diag(beyond[:-1], 1)
        return torch.linalg.eigh(torch.diag(diagonal) + off + off.T)

    @without_autocast()
    def vector(self, coefficients: Tensor) -> Tensor:
        """The Ritz vector [P] of T's eigenvector [k]."""
        return torch.stack(self.basis).T @ coefficients.to(self.basis[0])


@dataclass(frozen=True)
class Eigenpair:
    """An eigenvalue (nats per squared unit of weight), its unit vector [P] and ||H v - value v||, as computed."""

    value: float
    vector: Tensor
    residual: float


@dataclass(frozen=True)
class Extremes:
    """The ends of the spectrum by algebraic order, and the number of products taken to find them."""

    largest_algebraic: Eigenpair
    smallest_algebraic: Eigenpair
    products: int


def extreme_eigenvalues(
    product: Matrix, tolerance: float = 1e-3, most_steps: int = 100, seed: int = 0
) -> Extremes:
    """The largest and the smallest algebraic eigenvalue by one Lanczos process from a random start.

    It stops as `lanczos_process` does; each pair's residual is then computed by a product of its own and says how far it
    is to be trusted. A Ritz value lies within its residual of an eigenvalue.
    """
    return ends_of(lanczos_process(product, tolerance, most_steps, seed))


def lanczos_process(
    product: Matrix, tolerance: float, most_steps: int, seed: int = 0, each: bool = False
) -> Lanczos:
    """A process from a Gaussian start, run until both ends of the spectrum are found or for `most_steps`.

    They are found once both residuals, estimated as beyond_k |s_k| (Parlett 1998, section 13.2), are at most `tolerance`
    times the largest |eigenvalue|, or with `each` times the |eigenvalue| that they belong to: where one end is far larger,
    the other is else hardly resolved.
    """
    process = Lanczos(product, random_vector(product, START, seed, 0))
    for _ in range(most_steps):
        process.step()
        values, vectors = process.ritz()
        estimates = process.beyond[-1] * vectors[-1, [0, -1]].abs()
        sizes = values[[0, -1]].abs()
        if process.finished or (estimates <= tolerance * (sizes if each else sizes.max())).all():
            break
    return process


def ends_of(process: Lanczos) -> Extremes:
    """The eigenpairs at both ends of what a process has spanned, by two more products for their residuals."""
    _, vectors = process.ritz()
    smallest, largest = (eigenpair(process, vectors[:, index]) for index in (0, -1))
    return Extremes(largest, smallest, len(process.basis) + 2)


def convexity_ratio(largest: float, smallest: float, residual: float, resolution: float) -> float:
    """|smallest / largest eigenvalue| by algebraic order (Li et al. 2018, section 6).

    The sign is not kept: a small ratio says that the loss is nearly convex, or convex where `smallest` is not
    negative. NaN where it is not resolved: where the `residual`, the larger of the two, exceeds `resolution`
    times |largest|, which is divided by, or where `largest` is 0 or any is not a number.
    """
    return abs(smallest / largest) if residual <= resolution * abs(largest) and largest != 0 else nan


def eigenpair(process: Lanczos, coefficients: Tensor) -> Eigenpair:
    """The Ritz pair of T's eigenvector [k], its residual by a product of its own."""
    vector = process.vector(coefficients)
    vector = vector / length(vector)
    image = finite(process.product(vector))
    value = float(image.double() @ vector.double())
    return Eigenpair(value, vector, length(image - value * vector))


@dataclass(frozen=True)
class Estimate:
    """A mean over `draws` independent draws and its standard error."""

    value: float
    standard_error: float
    draws: int


@without_autocast()
def hutchinson_trace(product: Matrix, draws: int, seed: int = 0, deflated: Lanczos | None = None) -> Estimate:
    """trace(H) as the mean of z^T H z over random signs z (Hutchinson 1990); at least two draws.

    With the basis Q of a process, trace(H) = trace(Q H Q^T) + trace(R H R), R = 1 - Q^T Q: the first is the sum of the
    process's `diagonal`, known exactly, and only the second is estimated, from R z. That leaves the largest eigenvalues,
    which the process has found, out of the error (Meyer et al. 2021, with a Krylov space as sketch).
    """
    if draws < 2:
        raise ValueError(f"expected at least 2 draws for a standard error, found {draws}")
    basis = torch.stack(deflated.basis) if deflated else product.parameters[0].new_zeros(0, product.size)
    products = []
    for draw in range(draws):
        signs = random_vector(product, SIGNS, seed, draw).sign()
        signs -= basis.T @ (basis @ signs)
        products.append(float(signs.double() @ finite(product(signs)).double()))
    values = torch.tensor(products, dtype=torch.float64)
    known = sum(deflated.diagonal) if deflated else 0.0
    return Estimate(known + float(values.mean()), float(values.std()) / sqrt(draws), draws)


def spectral_quadrature(
    product: Matrix, draws: int, steps: int, seed: int = 0, first: Lanczos | None = None
) -> SpectralQuadrature:
    """Stochastic Lanczos quadrature (Ubaru et al. 2017; Ghorbani et al. 2019) from Gaussian unit vectors.

    Nodes are T's eigenvalues after `steps` steps, weights the squared first components of its eigenvectors. A `first`
    process from a Gaussian start, such as that which found the ends of the spectrum, serves as the first draw: what it
    knew after `steps` steps does not depend on when it stopped, and where it stopped before it is taken on.
    """
    nodes, weights = np.zeros((2, draws, steps))
    for draw in range(draws):
        process = first if first and draw == 0 else None
        process = process or Lanczos(product, random_vector(product, QUADRATURE, seed, draw))
        while len(process.basis) < steps and not process.finished:
            process.step()
        values, vectors = process.ritz(steps)
        nodes[draw, : len(values)], weights[draw, : len(values)] = values.numpy(), (vectors[0] ** 2).numpy()
    return SpectralQuadrature(nodes, weights)


def random_vector(product: Matrix, purpose: int, seed: int, draw: int) -> Tensor:
    """A Gaussian vector [P], drawn on the CPU: the same keys give the same vector on every device."""
    parameter = product.parameters[0]
    drawn = torch.randn(product.size, generator=generator("cpu", purpose, seed, draw), dtype=parameter.dtype)
    return product.restricted(drawn.to(parameter.device))


def finite(vector: Tensor) -> Tensor:
    """The vector, if it is finite; Unmeasurable else."""
    if not isfinite(length(vector)):
        raise Unmeasurable("a product of the Hessian is not finite: expected finite weights and losses")
    return vector
