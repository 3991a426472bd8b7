"""The Hessian of the mean loss, known by its products with vectors, in units of the weights or of their filters.

H = (1/N) sum_n Hess l_n(w), l_n the cross-entropy of image n in nats with the network in evaluation mode, w
its P trainable parameters in their order. Sums over batches are divided by N once, so that no value depends
on the batch size. Vectors are flat [P] in the parameters' type, and all is computed in that type, whatever
the caller's autocast.
"""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from flatness.data import ImageSet
from flatness.directions import trainable_parameters
from flatness.execution import without_autocast
from flatness.folding import tensors_of
from flatness.second_order import SecondOrderTwin

Product = Callable[[Tensor], Tensor]  # v [P] -> H v [P]


class HessianProduct:
    """v -> H v by differentiating the gradient's product with v (Pearlmutter 1994), on all images of `data`.

    With `keep_graphs` the gradient's graph is built at the first product, and each is one backward pass
    through it; this takes memory for all images at once (some 4 MB an image at 20 layers of 32 x 32). It is
    built anew once the network's weights or statistics were written to, be it with the same values. Without,
    each product builds the graph of a batch anew, which takes half as long again. By default graphs are kept
    where one batch holds all images, so that `batch_size` bounds the memory. Raises ValueError for a network
    without trainable parameters.
    """

    def __init__(
        self, network: nn.Module, data: ImageSet, batch_size: int = 250, keep_graphs: bool | None = None
    ):
        named = trainable_parameters(network)
        self.network = SecondOrderTwin(network)
        self.names, self.parameters = list(named), list(named.values())
        self.size = sum(parameter.numel() for parameter in self.parameters)
        self.data, self.batch_size = data.for_network(network), batch_size
        self.keep_graphs = len(data) <= batch_size if keep_graphs is None else keep_graphs
        self.kept: list[Tensor] = []
        self.kept_versions: list[int] = []
        self.taken = 0  # products so far

    @without_autocast()
    def __call__(self, vector: Tensor) -> Tensor:
        """H v; both [P]."""
        self.taken += 1
        total = torch.zeros_like(vector)
        for gradient in self._kept_gradients() if self.keep_graphs else self._gradients():
            total += flat(
                torch.autograd.grad(
                    gradient, self.parameters, vector, retain_graph=self.keep_graphs, materialize_grads=True
                )
            )
        return total

    def restricted(self, vector: Tensor) -> Tensor:
        """The part of a vector [P] in the coordinates that the matrix is about: all of it."""
        return vector

    def _kept_gradients(self) -> list[Tensor]:
        """All batches' `_gradients`, those made before unless the network was written to since."""
        versions = versions_of(self.network.network)
        if not self.kept or versions != self.kept_versions:
            self.kept = []  # its memory first
            self.kept, self.kept_versions = list(self._gradients()), versions
        return self.kept

    def _gradients(self) -> Iterator[Tensor]:
        """Each batch's share of the mean loss's gradient [P], with its graph."""
        for start in range(0, len(self.data), self.batch_size):
            images, labels = self.data.batch(slice(start, start + self.batch_size))
            loss = functional.cross_entropy(self.network(images), labels, reduction="sum") / len(self.data)
            yield flat(torch.autograd.grad(loss, self.parameters, create_graph=True, materialize_grads=True))


class ScaledProduct:
    """v -> S H S v, S diagonal: the Hessian in coordinates v of which a unit moves the weights by S.

    `scales` has S by parameter, as `flatness.sharpness.filter_scales` makes it; there a unit moves a filter by its own
    norm, and multiplying a batch-normed filter by a constant leaves the matrix as it is. Coordinates of scale 0 take
    no part: their eigenvalues, 0, are not looked for.
    """

    def __init__(self, product: HessianProduct, scales: Mapping[str, Tensor]):
        self.product, self.parameters, self.size = product, product.parameters, product.size
        self.scales = flat(tuple(scales[name] for name in product.names))

    def __call__(self, vector: Tensor) -> Tensor:
        """S H S v; both [P]."""
        return self.scales * self.product(self.scales * vector)

    def restricted(self, vector: Tensor) -> Tensor:
        """A vector [P] without its part in coordinates of scale 0."""
        return torch.where(self.scales != 0, vector, 0)


def versions_of(network: nn.Module) -> list[int]:
    """Times each parameter and buffer was written to, by autograd's count, which inference tensors lack."""
    tensors = tensors_of(network).values()
    return [tensor._version for tensor in tensors if not tensor.is_inference()]


def flat(tensors: tuple[Tensor, ...]) -> Tensor:
    """Tensors one after the other as one vector [P]."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def length(vector: Tensor) -> float:
    """L2 norm of a vector [P], summed in float64."""
    return float(torch.linalg.vector_norm(vector, dtype=torch.float64))
