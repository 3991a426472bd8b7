import pytest
import torch
from torch import nn
from torch.nn import functional

from flatness import convolution, fusion
from flatness.fusion import fused_operations, kernel, rectified_norm, subsampled
from flatness.networks import build_network

PRECISIONS = [torch.float32, torch.bfloat16]
ROUNDING = {torch.float32: 1e-5, torch.bfloat16: 2**-7}  # of a result, relative to the largest
pytestmark = pytest.mark.skipif(
    kernel(torch.float32) is None, reason="no compiler here that makes the kernel"
)


def noise(shape, seed: int, precision=torch.float32) -> torch.Tensor:
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(precision)
    return numbers.to(memory_format=torch.channels_last) if len(shape) == 4 else numbers


def make_norm(channels: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels, momentum=0.3, eps=1e-3)
    with torch.no_grad():
        norm.weight.copy_(noise([channels], 5))
        norm.bias.copy_(noise([channels], 6))
    return norm


def is_fused(z: torch.Tensor) -> bool:
    return type(z.grad_fn).__name__ == "_RectifiedNormBackward"


def run(norm, x, added, slope, fused: bool) -> list[torch.Tensor]:
    """Result, gradients of x, added, weight and bias, and the running statistics afterwards."""
    leaves = [value.clone().requires_grad_() for value in (x, added) if value is not None]
    with fused_operations(fused):
        z = rectified_norm(norm, nn.ReLU(), *leaves)
    assert is_fused(z) == fused
    gradients = torch.autograd.grad(z, [*leaves, norm.weight, norm.bias], slope.clone())
    return [z.detach(), *gradients, norm.running_mean, norm.running_var]


def assert_close(found, expected, share: float) -> None:
    for one, other in zip(found, expected, strict=True):
        assert (one.double() - other.double()).abs().max() <= share * other.double().abs().max()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("is_sum", [False, True])
@pytest.mark.parametrize("channels", [1, 8, 16, 32, 64, 192])
def test_kernel_is_batch_norm_sum_and_rectifier(channels, is_sum, precision):
    """Result, gradients and running statistics of torch's operations in float64, for rows that fill no last block."""
    shape = (11, channels, 8, 16)
    x = (3 + 2 * noise(shape, 0)).to(precision)
    # Far from the rectifier's edge, where rounding decides which side a number is on
    added = (8 * noise(shape, 1).sign()).to(precision) if is_sum else None
    slope = noise(shape, 2, precision)
    norm = make_norm(channels)
    found = run(norm, x, added, slope, fused=True)
    exact = [None if value is None else value.double() for value in (x, added)]
    expected = run(make_norm(channels).double(), *exact, slope.double(), fused=False)
    assert found[0].is_contiguous(memory_format=torch.channels_last) and found[0].dtype == precision
    if not is_sum:  # the same numbers are cut off but for those whose sign is rounding's
        same = (found[0] > 0) == (expected[0] > 0)
        assert same.double().mean() > 0.999
    assert_close(found, expected, 3 * ROUNDING[precision])
    assert norm.num_batches_tracked == 1


@pytest.mark.parametrize("first", [1000.0, -1000.0])
def test_variance_keeps_its_digits_where_the_mean_is_large(first):
    """Nor does one number at the start, as of a padded corner, cost any."""
    x = 1000 + noise((16, 16, 8, 8), 0)
    x[0, :, 0, 0] = first
    found = run(make_norm(16), x, None, torch.ones_like(x), fused=True)
    expected = run(make_norm(16).double(), x.double(), None, torch.ones_like(x).double(), fused=False)
    torch.testing.assert_close(found[-1].double(), expected[-1], rtol=1e-6, atol=0)
    torch.testing.assert_close(found[0].double(), expected[0], rtol=0, atol=1e-3)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_what_is_not_a_number_stays_none(broken, precision):
    """A diverged training must show."""
    x = noise((8, 16, 8, 8), 0, precision)
    x[3, 5, 2, 2] = broken
    z, of_x, *_, variance = run(make_norm(16), x, None, torch.ones_like(x), fused=True)
    assert z[:, 5].isnan().all() and of_x[:, 5].isnan().all() and variance[5].isnan()
    assert z[:, :5].isfinite().all() and of_x[:, 6:].isfinite().all()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_same_threads_same_bits(precision):
    x, added, slope = (noise((32, 16, 16, 16), seed, precision) for seed in range(3))
    first, again = (run(make_norm(16), x, added, slope, fused=True) for _ in range(2))
    assert all(map(torch.equal, first, again))


def test_added_numbers_may_lie_otherwise():
    x, added, slope = (noise((4, 16, 8, 8), seed) for seed in range(3))
    found = run(make_norm(16), x, added.contiguous(), slope, fused=True)
    assert all(map(torch.equal, found, run(make_norm(16), x, added, slope, fused=True)))


def test_the_default_type_of_numbers_does_not_matter():
    x, added, slope = (noise((4, 16, 8, 8), seed) for seed in range(3))
    expected, norm = run(make_norm(16), x, added, slope, fused=True), make_norm(16)
    torch.set_default_dtype(torch.float64)
    try:
        found = run(norm, x, added, slope, fused=True)
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(map(torch.equal, found, expected))


def test_a_gradient_that_others_hold_is_not_overwritten():
    """Two nodes that receive one gradient, a caller's that serves twice, and one that a hook keeps."""
    x, added, slope = (noise((4, 16, 8, 8), seed) for seed in range(3))
    kept, norms = [], (make_norm(16), make_norm(16))

    def both(fused: bool) -> list[torch.Tensor]:
        leaves = [value.clone().requires_grad_() for value in (x, added)]
        with fused_operations(fused):
            z = [rectified_norm(norm, nn.ReLU(), *leaves) for norm in norms]
        z[0].register_hook(kept.append)
        given = slope.clone()
        twice = [torch.autograd.grad(z[0] + z[1], leaves, given, retain_graph=True) for _ in range(2)]
        assert torch.equal(given, slope) and torch.equal(kept[-1], slope)
        assert all(map(torch.equal, *twice))
        return twice[0]

    assert_close(both(True), both(False), 1e-5)


def test_any_number_of_threads():
    x, added, slope = (noise((3, 64, 2, 2), seed) for seed in range(3))
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 5, 16):  # more than there are rows
            torch.set_num_threads(threads)
            results.append(run(make_norm(64), x, added, slope, fused=True))
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert_close(results[0], other, 1e-6)


def test_bfloat16_is_rounded_to_nearest_even():
    """Of a norm that is the identity: mean 0, variance 1, eps 0."""
    norm = nn.BatchNorm2d(1, eps=0.0)
    x = torch.tensor([-1.0, 1.0]).repeat(64).view(2, 1, 8, 8).bfloat16().to(memory_format=torch.channels_last)
    added = noise((2, 1, 8, 8), 0, torch.bfloat16)
    with fused_operations():
        z = rectified_norm(norm, nn.ReLU(), x, added)
    assert torch.equal(z, (x.float() + added.float()).relu().bfloat16())


def spread_weights() -> nn.BatchNorm2d:
    norm = make_norm(16)
    norm.weight = nn.Parameter(noise([16, 2], 7)[:, 0])
    return norm


def wide_statistics() -> nn.BatchNorm2d:
    norm = make_norm(16)
    norm.running_mean = norm.running_mean.double()
    return norm


def replaced() -> nn.BatchNorm2d:
    norm = make_norm(16)
    forward = norm.forward
    norm.forward = lambda x: forward(x) + 1
    return norm


def unfitting() -> dict[str, tuple[nn.Module, nn.Module, torch.Tensor]]:
    x = noise((4, 16, 8, 8), 0)
    hooked = make_norm(16)
    hooked.register_forward_hook(lambda module, inputs, output: output + 1)
    return {
        "channels": (make_norm(48), nn.ReLU(), noise((4, 48, 8, 8), 0)),
        "numbers": (make_norm(16), nn.ReLU(), noise((1, 16, 1, 3), 0)),
        "layout": (make_norm(16), nn.ReLU(), x.contiguous()),
        "type": (make_norm(16).double(), nn.ReLU(), x.double()),
        "evaluation": (make_norm(16).eval(), nn.ReLU(), x),
        "no weights": (nn.BatchNorm2d(16, affine=False), nn.ReLU(), x),
        "no statistics": (nn.BatchNorm2d(16, track_running_stats=False), nn.ReLU(), x),
        "cumulative": (nn.BatchNorm2d(16, momentum=None), nn.ReLU(), x),
        "other channels": (make_norm(32), nn.ReLU(), x),
        "spread weights": (spread_weights(), nn.ReLU(), x),
        "statistics' type": (wide_statistics(), nn.ReLU(), x),
        "no norm": (nn.Identity(), nn.ReLU(), x),
        "activation": (make_norm(16), nn.Tanh(), x),
        "hook": (hooked, nn.ReLU(), x),
        "forward": (replaced(), nn.ReLU(), x),
    }


@pytest.mark.parametrize("case", unfitting())
def test_what_does_not_fit_is_computed_module_by_module(case):
    """What is wrong is refused by them."""

    def outcome(make):
        norm, activation, x = unfitting()[case]
        try:
            return make(norm, activation, x.requires_grad_())
        except RuntimeError as fault:
            return str(fault)

    with fused_operations():
        found = outcome(rectified_norm)
    expected = outcome(lambda norm, activation, x: activation(norm(x)))
    assert (
        found == expected
        if isinstance(expected, str)
        else torch.equal(found, expected) and not is_fused(found)
    )


@pytest.mark.parametrize(
    "register",
    [
        "register_forward_hook",
        "register_forward_pre_hook",
        "register_full_backward_hook",
        "register_full_backward_pre_hook",
    ],
)
def test_hooks_of_the_modules_are_called(register):
    norm, x, called = make_norm(16), noise((4, 16, 8, 8), 0).requires_grad_(), []
    getattr(norm, register)(lambda *_: called.append(register))
    with fused_operations():
        rectified_norm(norm, nn.ReLU(), x).sum().backward()
    assert called == [register]


def test_subsampled_takes_every_other_pixel_and_its_gradient_lies_as_the_images_do():
    x, slope = noise((2, 16, 8, 8), 0).requires_grad_(), noise((2, 16, 4, 4), 1)
    plain = subsampled(x, 2)
    with fused_operations():
        pooled = subsampled(x, 2)
    assert torch.equal(plain, pooled) and torch.equal(plain, x[:, :, ::2, ::2])
    (expected,), (found,) = (torch.autograd.grad(y, x, slope) for y in (plain, pooled))
    assert torch.equal(found, expected) and found.is_contiguous(memory_format=torch.channels_last)


def gradients(network, images, fused: bool) -> dict[str, torch.Tensor]:
    with fused_operations(fused):
        loss = functional.cross_entropy(network(images).float(), torch.arange(len(images)) % 10)
    network.zero_grad()
    loss.backward()
    return {name: parameter.grad.clone() for name, parameter in network.named_parameters()}


def distance(found: dict, expected: dict) -> float:
    """L2 distance of gradients. Single ones differ where rounding decides on which side of a rectifier's edge a number is."""
    return sum(float((found[name] - expected[name]).square().sum()) for name in found) ** 0.5


@pytest.mark.parametrize(
    "name, kernels",
    [
        *(("plain8", 7), ("resnet14", 13), ("resnet14-shortcut0.5", 13), ("resnet14-projection", 13)),
        *(("resnet14-width2", 13), ("resnet14-width3", 4), ("resnet14-nonorm", 0), ("plain8-tanh", 0)),
    ],
)
def test_fused_gradients_are_the_same_gradients(name, kernels, monkeypatch):
    """Whatever the shortcut: no gradient is overwritten before all that read it have done so."""
    images, calls = noise((16, 3, 32, 32), 0), []
    network = build_network(name, 0).to(memory_format=torch.channels_last)
    apply = fusion._RectifiedNorm.apply
    monkeypatch.setattr(fusion._RectifiedNorm, "apply", lambda *inputs: calls.append(1) or apply(*inputs))
    plain, fused = (gradients(network, images, fused) for fused in (False, True))
    assert len(calls) == kernels
    assert distance(fused, plain) < 0.01 * distance(plain, {name: 0.0 for name in plain})


def test_fused_bfloat16_is_no_further_from_float32_than_the_modules_are(monkeypatch):
    monkeypatch.setattr(
        convolution, "kernel", lambda *channels: None
    )  # torch's convolutions, on any processor
    images = noise((64, 3, 32, 32), 0)
    network = build_network("resnet14", 0).to(memory_format=torch.channels_last)
    exact = gradients(network, images, fused=False)
    with torch.autocast("cpu", torch.bfloat16):
        plain, fused = (gradients(network, images, fused) for fused in (False, True))
    assert 0 < distance(fused, exact) < 1.2 * distance(plain, exact)


def test_fused_gradients_are_not_differentiated_again():
    """They would be wrong: an error, no silence."""
    network, images = (
        build_network("resnet8", 0).to(memory_format=torch.channels_last),
        noise((2, 3, 32, 32), 0),
    )
    with fused_operations():
        loss = network(images).square().sum()
    (first,) = torch.autograd.grad(loss, network.norm.weight, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.square().sum().backward()


def test_operations_are_fused_in_their_context_alone():
    """Outside, also after an exception within, a hook may keep what reaches an activation."""
    network, kept = build_network("plain8", 0).to(memory_format=torch.channels_last), []
    with pytest.raises(ZeroDivisionError), fused_operations():
        raise ZeroDivisionError
    z = rectified_norm(network.norm, network.activation, network.conv(noise((2, 3, 32, 32), 0)))
    z.register_hook(kept.append)
    (z * torch.arange(-1.0, 1.0).view(2, 1, 1, 1)).sum().backward()
    assert torch.equal(kept[0][0], torch.full_like(z[0], -1))
