"""Hessian-vector products per second, and time to the top eigenvalue, beside PyHessian in the same run.

    uv pip install --target DIR --no-deps pyhessian
    PYTHONPATH=src:DIR python benchmarks/curvature_speed.py [NETWORK ...]      (default: resnet20 resnet56)

Both take the same network, the same images of CIFAR-10's shape as one batch, float32 on the CPU, the same threads,
and keep the gradient's graph between products. PyHessian gets contiguous images, as loaders make them, which is its faster
layout. Each product is of a unit vector; ours is of the mean loss, and so is PyHessian's.

"time" is from nothing, graph included, to a vector of residual ||H v - lambda v|| <= TOLERANCE lambda. PyHessian's power iteration
has no such test: its products are watched, and it is stopped at the first vector that passes, which is to its favour (its own
rule, a small change of the eigenvalue, stops elsewhere). Ours is the Lanczos process, its product for the residual included. Both residuals
are then checked by one and the same float32 product, PyTorch's own derivatives of the untouched network. Rounds alternate
and the median is printed. The networks are first trained on the images for a few steps, as initial ones have an eigenvalue that
stands apart and is found at once.
"""

import copy
import sys
from collections.abc import Callable
from importlib import import_module
from statistics import median
from time import perf_counter

import torch
from surface_speed import calibrate, contiguous
from torch import Tensor, nn
from torch.nn import functional
from training_speed import random_images

from flatness.curvature import START, Lanczos, eigenpair, random_vector
from flatness.data import ImageSet
from flatness.execution import choose_execution
from flatness.hessian import HessianProduct, flat
from flatness.networks import build_network

try:
    peer = import_module("pyhessian.hessian")  # the package has a class of that name
except ImportError:
    peer = None

IMAGES, ROUNDS, MOST_PRODUCTS = 64, 3, 100
TRAINING_STEPS = 20
TOLERANCE = 1e-3  # residual / eigenvalue
Product = Callable[[Tensor], Tensor]
Found = tuple[float, Tensor, int]  # eigenvalue, unit vector [P], products


class _Passed(Exception):
    """The vector at which PyHessian is stopped."""


def our_product(network: nn.Module, data: ImageSet) -> Product:
    return HessianProduct(network, data, batch_size=len(data))


def our_top(network: nn.Module, data: ImageSet) -> Found:
    product = HessianProduct(network, data, batch_size=len(data))
    process = Lanczos(product, random_vector(product, START, 0, 0))
    while len(process.basis) < MOST_PRODUCTS:
        process.step()
        values, vectors = process.ritz()
        if process.beyond[-1] * abs(vectors[-1, -1]) <= TOLERANCE * values[-1]:
            break
    top = eigenpair(process, vectors[:, -1])
    return top.value, top.vector, product.taken


def peers_hessian(network: nn.Module, data: ImageSet):
    return peer.hessian(network, functional.cross_entropy, data=contiguous(data), cuda=False)


def peers_product(network: nn.Module, data: ImageSet) -> Product:
    hessian = peers_hessian(network, data)
    sizes = [parameter.numel() for parameter in hessian.params]

    def product(vector: Tensor) -> Tensor:
        parts = zip(vector.split(sizes), hessian.params, strict=True)
        shaped = [part.view_as(parameter) for part, parameter in parts]
        return flat(peer.hessian_vector_product(hessian.gradsH, hessian.params, shaped))

    return product


def peers_top(network: nn.Module, data: ImageSet) -> Found:
    """Its own power iteration, stopped at the first vector whose residual passes."""
    hessian, original, last = peers_hessian(network, data), peer.hessian_vector_product, {"products": 0}

    def watched(gradients, parameters, vector):
        image = original(gradients, parameters, vector)
        v, hv = flat(vector), flat(image)
        value = float(v @ hv)
        last.update(found=(value, v), products=last["products"] + 1)
        if float((hv - value * v).norm()) <= TOLERANCE * abs(value):
            raise _Passed
        return image

    peer.hessian_vector_product = watched
    try:
        hessian.eigenvalues(maxIter=MOST_PRODUCTS, tol=0)
    except _Passed:
        pass
    finally:
        peer.hessian_vector_product = original
    return *last["found"], last["products"]


def reference_product(network: nn.Module, data: ImageSet) -> Product:
    """PyTorch's own derivatives, the graph kept."""
    images, labels = contiguous(data)
    parameters = list(network.parameters())
    loss = functional.cross_entropy(network(images), labels)
    gradient = flat(torch.autograd.grad(loss, parameters, create_graph=True))
    return lambda vector: flat(torch.autograd.grad(gradient, parameters, vector, retain_graph=True))


def seconds_of(task: Callable[[], object]) -> tuple[float, object]:
    start = perf_counter()
    result = task()
    return perf_counter() - start, result


Way = tuple[Callable[[nn.Module, ImageSet], Product], Callable[[nn.Module, ImageSet], Found]]


def compare(name: str, ways: dict[str, Way], data: ImageSet) -> None:
    network = build_network(name, 0)
    train(network, data)
    calibrate(network, data)
    size = sum(parameter.numel() for parameter in network.parameters())
    vector = functional.normalize(torch.randn(size, generator=torch.Generator().manual_seed(0)), dim=0)
    reference = reference_product(network, data)
    expected = reference(vector)
    rates = {way: product_seconds(make, network, data, vector, expected) for way, (make, _) in ways.items()}
    times: dict[str, list[float]] = {way: [] for way in ways}
    found: dict[str, Found] = {}
    for _ in range(ROUNDS):
        for way, (_, find) in ways.items():
            seconds, found[way] = seconds_of(lambda find=find: find(copy.deepcopy(network), data))
            times[way].append(seconds)
    for way in ways:
        value, top, products = found[way]
        residual = float((reference(top) - value * top).norm()) / abs(value)
        seconds, difference = rates[way]
        print(
            f"{name:10}{way:11}{1 / seconds:10.2f}{difference:12.1e}{median(times[way]):9.2f}{products:10d}"
            f"{value:12.4g}{residual:10.1e}"
        )
    if len(ways) == 2:
        ours, theirs = ways
        print(
            f"{name:10}ratio: products per second {rates[theirs][0] / rates[ours][0]:.2f}, "
            f"time to the eigenvalue {median(times[theirs]) / median(times[ours]):.2f}"
        )


def train(network: nn.Module, data: ImageSet) -> None:
    """Steps of plain SGD with momentum on all images at once."""
    network.train()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    images, labels = data.batch(slice(None))
    for _ in range(TRAINING_STEPS):
        optimiser.zero_grad()
        functional.cross_entropy(network(images), labels).backward()
        optimiser.step()
    optimiser.zero_grad(set_to_none=True)


def product_seconds(
    make: Callable[[nn.Module, ImageSet], Product],
    network: nn.Module,
    data: ImageSet,
    vector: Tensor,
    expected: Tensor,
) -> tuple[float, float]:
    """Median seconds of a product once the graph stands, and its relative difference from the reference."""
    product = make(copy.deepcopy(network), data)
    image = product(vector)  # warms up
    seconds = [seconds_of(lambda: product(vector))[0] for _ in range(ROUNDS)]
    return median(seconds), float((image - expected).norm() / expected.norm())


def main() -> None:
    print(
        f"{choose_execution('cpu').device_name}, {torch.get_num_threads()} threads, float32, torch {torch.__version__}, "
        f"{IMAGES} images, residual {TOLERANCE:g} of the eigenvalue"
    )
    print(
        f"{'network':10}{'way':11}{'products/s':>10}{'difference':>12}{'time (s)':>9}{'products':>10}"
        f"{'eigenvalue':>12}{'residual':>10}"
    )
    ways: dict[str, Way] = {"flatness": (our_product, our_top)}
    if peer is None:
        print("pyhessian is not installed: left out", file=sys.stderr)
    else:
        ways["pyhessian"] = (peers_product, peers_top)
    data = random_images(IMAGES)
    for name in sys.argv[1:] or ["resnet20", "resnet56"]:
        compare(name, ways, data)


if __name__ == "__main__":
    main()
