"""Against dense Hessians in float64, and where the spectrum is known."""

from math import nan

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd.functional import hessian
from torch.func import functional_call
from torch.nn import functional
from toys import disturb_batch_norm, random_images

from flatness.curvature import (
    QUADRATURE,
    START,
    Lanczos,
    convexity_ratio,
    ends_of,
    extreme_eigenvalues,
    hutchinson_trace,
    lanczos_process,
    random_vector,
    spectral_quadrature,
)
from flatness.hessian import HessianProduct, ScaledProduct
from flatness.networks import build_network
from flatness.sharpness import filter_scales, rescaled

DATA = random_images(24)


def small_network() -> nn.Module:
    """208 parameters, batch norm included, so that the dense Hessian is cheap."""
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(3, 4, 3, stride=2, bias=False),
        nn.BatchNorm2d(4),
        nn.Tanh(),
        nn.AvgPool2d(3),
        nn.Flatten(),
    ]
    return disturb_batch_norm(nn.Sequential(*layers, nn.Linear(4, 10))).double().eval()


def dense_hessian(network: nn.Module) -> torch.Tensor:
    parameters = {name: parameter.detach() for name, parameter in network.named_parameters()}
    images, labels = DATA.for_network(network).batch(slice(None))

    def loss(vector: torch.Tensor) -> torch.Tensor:
        parts = vector.split([parameter.numel() for parameter in parameters.values()])
        shaped = {n: part.reshape(p.shape) for (n, p), part in zip(parameters.items(), parts, strict=True)}
        return functional.cross_entropy(functional_call(network, shaped, (images,)), labels)

    return hessian(loss, torch.cat([parameter.flatten() for parameter in parameters.values()]))


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return small_network()


@pytest.fixture(scope="module")
def dense(network) -> torch.Tensor:
    return dense_hessian(network)


@pytest.mark.parametrize("batch_size", [5, 24, 100])
@pytest.mark.parametrize("keep_graphs", [True, False])
def test_products_are_those_of_the_dense_hessian_of_the_mean_loss(network, dense, batch_size, keep_graphs):
    product = HessianProduct(network, DATA, batch_size, keep_graphs)
    vector = torch.randn(product.size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for _ in range(2):  # kept graphs serve more than once
        torch.testing.assert_close(product(vector), dense @ vector)


def test_both_ends_of_the_spectrum_with_their_signs(network, dense):
    values = torch.linalg.eigvalsh(dense)
    assert values[0] < 0 < values[-1]
    found = extreme_eigenvalues(HessianProduct(network, DATA), tolerance=1e-6, most_steps=200)
    assert found.largest_algebraic.value == pytest.approx(float(values[-1]), rel=1e-6)
    assert found.smallest_algebraic.value == pytest.approx(float(values[0]), rel=1e-4)
    for pair in (found.largest_algebraic, found.smallest_algebraic):
        residual = (dense @ pair.vector - pair.value * pair.vector).norm()
        assert pair.residual == pytest.approx(float(residual), rel=1e-3, abs=1e-12)
        assert (values - pair.value).abs().min() <= pair.residual + 1e-12
        assert float(pair.vector.norm()) == pytest.approx(1)


def test_a_process_cut_short_says_so_by_its_residual(network, dense):
    found = extreme_eigenvalues(HessianProduct(network, DATA), most_steps=2)
    assert found.products == 4
    assert found.smallest_algebraic.residual > 1e-3 * found.largest_algebraic.value


def test_trace_and_its_standard_error(network, dense):
    exact = float(torch.trace(dense))
    found = hutchinson_trace(HessianProduct(network, DATA), draws=200)
    assert abs(found.value - exact) < 4 * found.standard_error
    off_diagonal = dense - torch.diag(torch.diag(dense))
    assert found.standard_error == pytest.approx(float((2 * (off_diagonal**2).sum() / 200).sqrt()), rel=0.3)
    with pytest.raises(ValueError, match="at least 2 draws"):
        hutchinson_trace(HessianProduct(network, DATA), draws=1)


def test_quadrature_gives_the_moments_of_the_spectrum(network, dense):
    values = torch.linalg.eigvalsh(dense)
    quadrature = spectral_quadrature(HessianProduct(network, DATA), draws=150, steps=4)
    np.testing.assert_allclose(quadrature.weights.sum(1), 1)
    for power in (1, 2):
        moment = float((quadrature.weights * quadrature.nodes**power).sum(1).mean())
        assert moment == pytest.approx(float((values**power).mean()), rel=0.15)
    grid = np.linspace(-1, 3 * float(values[-1]), 4001)
    assert np.trapezoid(quadrature.density(grid, width=0.05), grid) == pytest.approx(1, abs=1e-3)


def test_one_process_serves_for_both_ends_and_for_a_draw_of_the_quadrature(network):
    """The same nodes and weights as a process of its own from the same start, stopped before or after."""
    product = HessianProduct(network, DATA)
    own = Lanczos(product, random_vector(product, START, 0, 0))
    for _ in range(6):
        own.step()
    values, vectors = own.ritz()
    for most_steps in (3, 6, 20):
        shared = lanczos_process(product, tolerance=1e-9, most_steps=most_steps)
        quadrature = spectral_quadrature(product, draws=2, steps=6, first=shared)
        np.testing.assert_array_equal(quadrature.nodes[0], values)
        np.testing.assert_array_equal(quadrature.weights[0], vectors[0] ** 2)
        assert len(shared.basis) == max(most_steps, 6)  # taken on where it was shorter
        assert ends_of(shared).products == len(shared.basis) + 2
    second = Lanczos(product, random_vector(product, QUADRATURE, 0, 1))
    for _ in range(6):
        second.step()
    np.testing.assert_array_equal(quadrature.nodes[1], second.ritz()[0])


def test_deflation_leaves_the_trace_and_takes_the_error(network, dense):
    product, exact = HessianProduct(network, DATA), float(torch.trace(dense))
    process = lanczos_process(product, tolerance=1e-9, most_steps=12)
    plain, found = (hutchinson_trace(product, 40, deflated=basis) for basis in (None, process))
    assert abs(found.value - exact) < 4 * found.standard_error
    assert found.standard_error < 0.8 * plain.standard_error
    basis = torch.stack(process.basis)
    rest = torch.eye(len(dense), dtype=torch.float64) - basis.T @ basis
    rest = rest @ dense @ rest
    off_diagonal = rest - torch.diag(torch.diag(rest))
    assert found.standard_error == pytest.approx(float((2 * (off_diagonal**2).sum() / 40).sqrt()), rel=0.4)


def test_a_callers_autocast_changes_no_trace():
    product = HessianProduct(small_network().float(), DATA)
    found = []
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            process = lanczos_process(product, tolerance=1e-9, most_steps=6)
            found.append(
                (hutchinson_trace(product, 3, deflated=process), ends_of(process).largest_algebraic.value)
            )
    assert found[0] == found[1]


def filter_normalised(network: nn.Module) -> ScaledProduct:
    return ScaledProduct(HessianProduct(network, DATA), filter_scales(dict(network.named_parameters())))


def test_products_scaled_on_both_sides_are_those_of_the_dense_matrix(network, dense):
    product = filter_normalised(network)
    scales = torch.cat([s.flatten() for s in filter_scales(dict(network.named_parameters())).values()])
    matrix = scales[:, None] * dense * scales
    vector = torch.randn(product.size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(product(vector), matrix @ vector)
    values = torch.linalg.eigvalsh(matrix[scales != 0][:, scales != 0])
    found = extreme_eigenvalues(product, tolerance=1e-6, most_steps=200)
    assert found.largest_algebraic.value == pytest.approx(float(values[-1]), rel=1e-6)
    assert found.smallest_algebraic.value == pytest.approx(float(values[0]), rel=1e-4)
    assert (found.smallest_algebraic.vector[scales == 0] == 0).all()
    trace = hutchinson_trace(product, 100, deflated=lanczos_process(product, 1e-3, 10))
    assert abs(trace.value - float(torch.trace(matrix))) < 4 * trace.standard_error


def test_only_the_filter_normalised_hessian_is_that_of_the_function():
    """Batch-normed filters times a constant: S H S has the same eigenvalues and trace, H has not."""
    network = disturb_batch_norm(build_network("resnet8", 0)).double().eval()
    vector = torch.randn(HessianProduct(network, DATA).size, dtype=torch.float64)
    other = rescaled(network, 3.0)
    torch.testing.assert_close(filter_normalised(other)(vector), filter_normalised(network)(vector))
    ends = {
        make: [extreme_eigenvalues(make(n), most_steps=4).largest_algebraic.value for n in (network, other)]
        for make in (filter_normalised, lambda n: HessianProduct(n, DATA))
    }
    (before, after), (raw_before, raw_after) = ends.values()
    assert after == pytest.approx(before, rel=1e-8)
    assert abs(raw_after / raw_before - 1) > 0.1


def test_the_process_ends_where_its_space_does():
    matrix = torch.diag(torch.tensor([3.0, 3.0, -1.0, -1.0, -1.0], dtype=torch.float64))
    process = Lanczos(lambda vector: matrix @ vector, torch.arange(1.0, 6.0, dtype=torch.float64))
    for _ in range(5):
        process.step()
    values, _ = process.ritz()
    assert process.finished and len(process.basis) == 2
    torch.testing.assert_close(values, torch.tensor([-1.0, 3.0], dtype=torch.float64))


def test_basis_stays_orthonormal_in_float32():
    product = HessianProduct(build_network("resnet8", 0), DATA)
    process = Lanczos(product, torch.ones(product.size))
    for _ in range(30):
        process.step()
    basis = torch.stack(process.basis).double()
    assert float((basis @ basis.T - torch.eye(30)).abs().max()) < 2e-5


def test_a_network_that_is_not_finite_is_refused():
    network = small_network()
    network[0].weight.data[0] = float("nan")
    with pytest.raises(ValueError, match="not finite"):
        extreme_eigenvalues(HessianProduct(network, DATA))


def test_a_loss_without_curvature_has_eigenvalues_of_zero():
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 1))  # one class: the loss is 0 everywhere
    product = HessianProduct(network, random_images(8, classes=1))
    found = extreme_eigenvalues(product)
    assert found.largest_algebraic.value == found.smallest_algebraic.value == 0
    assert found.largest_algebraic.residual == 0 and found.products == 3
    assert hutchinson_trace(product, 2).value == 0


def test_nothing_to_move_is_refused():
    network = small_network()
    scales = {name: torch.zeros_like(weight) for name, weight in network.named_parameters()}
    with pytest.raises(ValueError, match="expected a start vector that is not zero, found length 0"):
        extreme_eigenvalues(ScaledProduct(HessianProduct(network, DATA), scales))


@pytest.mark.parametrize(
    "largest, smallest, residual, expected",
    [
        (4.0, -1.0, 0.1, 0.25),
        (4.0, 0.0, 0.4, 0.0),  # convex to second order; the residual just resolved
        (4.0, -1.0, 0.41, nan),
        (4.0, 1.0, 0.1, 0.25),  # convex, with the smallest far from 0
        (-1.0, -4.0, 0.1, 4.0),  # a maximum: the ratio of Li et al. is taken as it is
        (
            0.01,
            -4.0,
            0.1,
            nan,
        ),  # the residual is small beside the smallest, and larger than what is divided by
        (0.0, 0.0, 0.0, nan),
        (nan, nan, nan, nan),
    ],
)
def test_the_convexity_ratio_is_known_where_the_residual_resolves_it(largest, smallest, residual, expected):
    found = convexity_ratio(largest, smallest, residual, resolution=0.1)
    assert found == pytest.approx(expected, nan_ok=True)


class Diagonal:
    """A symmetric matrix known by its eigenvalues."""

    def __init__(self, eigenvalues: torch.Tensor):
        self.eigenvalues, self.parameters, self.size = eigenvalues, [eigenvalues], len(eigenvalues)

    def __call__(self, vector: torch.Tensor) -> torch.Tensor:
        return self.eigenvalues * vector

    def restricted(self, vector: torch.Tensor) -> torch.Tensor:
        return vector


def test_each_end_can_be_asked_for_to_its_own_size():
    spectrum = torch.cat([torch.linspace(0, 10, 400, dtype=torch.float64), torch.tensor([-0.5]).double()])
    together, each = (lanczos_process(Diagonal(spectrum), 0.05, 200, each=each) for each in (False, True))
    assert len(together.basis) < len(each.basis) < 200
    for process, smallest_is_resolved in ((together, False), (each, True)):
        ends = ends_of(process)
        assert ends.largest_algebraic.residual < 0.06 * ends.largest_algebraic.value
        resolved = ends.smallest_algebraic.residual < 0.06 * abs(ends.smallest_algebraic.value)
        assert resolved == smallest_is_resolved
