"""The Hessian of the mean loss, known by its products with vectors: eigenvalues, trace, spectral density.

H = (1/N) sum_n Hess l_n(w), l_n the cross-entropy of image n in nats with the network in evaluation mode, w its P
trainable parameters in their order. Sums over batches are divided by N once, so that no value depends on the batch
size. Vectors are flat [P] in the parameters' type; numbers that come out are float64.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

from flatness.data import ImageSet
from flatness.seeds import generator

Product = Callable[[Tensor], Tensor]  # v [P] -> H v [P]
START, SIGNS, QUADRATURE = range(3)  # what a random vector is for: each has a stream of its own
BREAKDOWN = 1e-6  # of the largest coefficient: a Lanczos remainder below it has no direction of its own


class HessianProduct:
    """v -> H v by differentiating the gradient's product with v (Pearlmutter 1994), on all images of `data`.

    With `keep_graphs` the gradient's graph is built once and each product is one backward pass through it; this
    takes memory for all images at once (some 10 MB an image at 20 layers of 32 x 32). Without, each product
    builds the graph of a batch anew. The network must keep its weights meanwhile if graphs are kept.
    """

    def __init__(self, network: nn.Module, data: ImageSet, batch_size: int = 250, keep_graphs: bool = True):
        self.network = network.eval()
        self.parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self.size = sum(parameter.numel() for parameter in self.parameters)
        self.data, self.batch_size = data.to(self.parameters[0].device), batch_size
        self.kept = list(self._gradients()) if keep_graphs else None

    def __call__(self, vector: Tensor) -> Tensor:
        """H v; both [P]."""
        total = torch.zeros_like(vector)
        for gradient in self._gradients() if self.kept is None else self.kept:
            products = torch.autograd.grad(
                gradient, self.parameters, vector, retain_graph=self.kept is not None
            )
            total += flat(products)
        return total

    def _gradients(self) -> Iterator[Tensor]:
        """Each batch's share of the mean loss's gradient [P], with its graph."""
        for start in range(0, len(self.data), self.batch_size):
            images, labels = self.data.batch(slice(start, start + self.batch_size))
            logits = self.network(images.to(self.parameters[0].dtype))
            loss = functional.cross_entropy(logits, labels, reduction="sum") / len(self.data)
            yield flat(torch.autograd.grad(loss, self.parameters, create_graph=True))


def flat(tensors: tuple[Tensor, ...]) -> Tensor:
    """Tensors one after the other as one vector [P]."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def length(vector: Tensor) -> float:
    """L2 norm of a vector [P], summed in float64."""
    return float(torch.linalg.vector_norm(vector, dtype=torch.float64))


class Lanczos:
    """The Lanczos process with full reorthogonalisation: Q H Q^T = T, rows q_1 ... q_k of Q [k, P] orthonormal.

    T is tridiagonal with `diagonal` [k] and `beyond` [k], the norm of the remainder after each step, whose first
    k - 1 entries are T's off-diagonal (Golub and Van Loan 2013, section 10.1).
    """

    def __init__(self, product: Product, start: Tensor):
        self.product = product
        self.basis: list[Tensor] = []
        self.diagonal: list[float] = []
        self.beyond: list[float] = []
        self.next: Tensor | None = start / length(start)

    @property
    def finished(self) -> bool:
        """Whether the basis spans an invariant subspace, so that T's eigenvalues are H's."""
        return self.next is None

    def step(self) -> None:
        """One more product; nothing once finished."""
        if self.next is None:
            return
        self.basis.append(self.next)
        image = self.product(self.next)
        self.diagonal.append(float(image.double() @ self.next.double()))
        basis = torch.stack(self.basis)  # [k, P]
        for _ in range(2):  # once is not enough in floating point (Parlett 1998, section 6.9)
            image = image - basis.T @ (basis @ image)
        self.beyond.append(length(image))
        scale = max(map(abs, self.diagonal + self.beyond))
        done = self.beyond[-1] <= BREAKDOWN * scale or len(self.basis) == len(image)
        self.next = None if done else image / length(image)

    def ritz(self) -> tuple[Tensor, Tensor]:
        """T's eigenvalues [k], ascending, and its eigenvectors as columns [k, k], float64."""
        diagonal, beyond = (
            torch.tensor(entries, dtype=torch.float64) for entries in (self.diagonal, self.beyond)
        )
        off = torch.diag(beyond[:-1], 1)
        return torch.linalg.eigh(torch.diag(diagonal) + off + off.T)

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
    product: HessianProduct, tolerance: float = 1e-3, most_steps: int = 100, seed: int = 0
) -> Extremes:
    """The largest and the smallest algebraic eigenvalue by the Lanczos process from a random start.

    Stops once both residuals, estimated as beyond_k |s_k| (Parlett 1998, section 13.2), are at most `tolerance` times
    the largest |eigenvalue|, or after `most_steps`; each pair's residual is then computed by a product of its own
    and says how far it is to be trusted. A Ritz value lies within its residual of an eigenvalue. Raises
    ValueError where a product is not finite.
    """
    process = Lanczos(product, random_vector(product, START, seed, 0))
    for _ in range(most_steps):
        process.step()
        if not torch.isfinite(torch.tensor(process.diagonal[-1])):
            raise ValueError("a product of the Hessian is not finite: expected finite weights and losses")
        values, vectors = process.ritz()
        estimates = process.beyond[-1] * vectors[-1, [0, -1]].abs()
        if process.finished or estimates.max() <= tolerance * values.abs().max():
            break
    smallest, largest = (_eigenpair(product, process, vectors[:, index]) for index in (0, -1))
    return Extremes(largest, smallest, len(process.basis) + 2)


def _eigenpair(product: Product, process: Lanczos, coefficients: Tensor) -> Eigenpair:
    vector = process.vector(coefficients)
    vector = vector / length(vector)
    image = product(vector)
    value = float(image.double() @ vector.double())
    return Eigenpair(value, vector, length(image - value * vector))


@dataclass(frozen=True)
class Estimate:
    """A mean over `draws` independent draws and its standard error."""

    value: float
    standard_error: float
    draws: int


def hutchinson_trace(product: HessianProduct, draws: int, seed: int = 0) -> Estimate:
    """trace(H) as the mean of z^T H z over random signs z (Hutchinson 1990); at least two draws."""
    if draws < 2:
        raise ValueError(f"expected at least 2 draws for a standard error, found {draws}")
    products = []
    for draw in range(draws):
        signs = random_vector(product, SIGNS, seed, draw).sign()
        products.append(float(signs.double() @ product(signs).double()))
    values = torch.tensor(products, dtype=torch.float64)
    return Estimate(float(values.mean()), float(values.std()) / sqrt(draws), draws)


@dataclass(frozen=True)
class SpectralQuadrature:
    """Nodes [D, K] and weights [D, K] of D draws: the mean of f over H's eigenvalues is the mean over draws of
    sum_k weight f(node). Where the process ended before K steps, weight 0 at node 0 fills up."""

    nodes: Tensor
    weights: Tensor

    def density(self, values: Tensor, width: float) -> Tensor:
        """The spectrum's density [M] at `values` [M], smoothed by a Gaussian of standard deviation `width`."""
        distances = (values[:, None] - self.nodes.flatten()) / width  # [M, D K]
        bells = torch.exp(-(distances**2) / 2) / (width * sqrt(2 * torch.pi))
        return bells @ self.weights.flatten() / len(self.nodes)


def spectral_quadrature(product: HessianProduct, draws: int, steps: int, seed: int = 0) -> SpectralQuadrature:
    """Stochastic Lanczos quadrature (Ubaru et al. 2017; Ghorbani et al. 2019) from Gaussian unit vectors.

    Nodes are T's eigenvalues after `steps` steps, weights the squared first components of its eigenvectors.
    """
    nodes, weights = torch.zeros(2, draws, steps, dtype=torch.float64)
    for draw in range(draws):
        process = Lanczos(product, random_vector(product, QUADRATURE, seed, draw))
        for _ in range(steps):
            process.step()
        values, vectors = process.ritz()
        nodes[draw, : len(values)], weights[draw, : len(values)] = values, vectors[0] ** 2
    return SpectralQuadrature(nodes, weights)


def random_vector(product: HessianProduct, purpose: int, seed: int, draw: int) -> Tensor:
    """A Gaussian vector [P], drawn on the CPU: the same keys give the same vector on every device."""
    parameter = product.parameters[0]
    drawn = torch.randn(product.size, generator=generator("cpu", purpose, seed, draw), dtype=parameter.dtype)
    return drawn.to(parameter.device)
