from itertools import product

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrize

from flatness import convolution as convolution_module
from flatness.convolution import convolved, convolved_beside, is_available, kernel
from flatness.fusion import fused_operations
from flatness.networks import build_network

ROUNDING = 2**-8  # of a number in bfloat16
needs_kernel = pytest.mark.skipif(
    not is_available(), reason="no processor and compiler here for the kernel of convolutions"
)


def drawn(shape, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def whole(shape, seed: int, most: int, step: int = 1) -> torch.Tensor:
    numbers = torch.randint(-most, most + 1, shape, generator=torch.Generator().manual_seed(seed))
    return (step * numbers).float()


def images(values: torch.Tensor) -> torch.Tensor:
    return values.bfloat16().to(memory_format=torch.channels_last)


def make_convolution(weight: torch.Tensor, stride: int = 1) -> nn.Conv2d:
    outputs, inputs = weight.shape[:2]
    convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
    convolution.weight = nn.Parameter(weight.to(memory_format=torch.channels_last))
    return convolution


def is_ours(y: torch.Tensor) -> bool:
    return type(y.grad_fn).__name__ == "_ConvolutionBackward"


def run(convolution, x, slope, beside) -> list[torch.Tensor]:
    """Result, and gradients of x and of the weight, where a shortcut beside has one too."""
    x = x.detach().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16), fused_operations():
        y, shortcut = convolved_beside(convolution, x)
    assert is_ours(y) and shortcut.data_ptr() == x.data_ptr()
    gradients = torch.autograd.grad([y, shortcut], [x, convolution.weight], [slope, beside])
    return [y.detach(), *gradients]


def exact(convolution, x, slope, beside) -> list[torch.Tensor]:
    x, weight = (value.detach().double().requires_grad_() for value in (x, convolution.weight))
    y = functional.conv2d(x, weight, None, convolution.stride, 1)
    of_x, of_weight = torch.autograd.grad(y, [x, weight], slope.double())
    return [y.detach(), of_x + beside.double(), of_weight]


CASES = [
    *((3, 16, 16, 8, 8, stride) for stride in (1, 2)),
    *((1, inputs, outputs, 4, 4, stride) for inputs, outputs, stride in product((16, 48), (32, 64), (1, 2))),
    *((5, 32, 32, height, width, stride) for height, width, stride in product((2, 6), (16, 32), (1, 2))),
    *((2, 64, 16, 32, 4, stride) for stride in (1, 2)),
    *(
        (130, 16, 16, 8, 8, stride) for stride in (1, 2)
    ),  # several blocks in one part, and a last one that is not full
    *((3, 48, 48, 8, 8, stride) for stride in (1, 2)),
    *((2, 16, 192, 4, 4, stride) for stride in (1, 2)),
]


@needs_kernel
@pytest.mark.parametrize("count, inputs, outputs, height, width, stride", CASES)
def test_whole_numbers_are_convolved_without_any_error(count, inputs, outputs, height, width, stride):
    """Every transform of them is a whole number that bfloat16 holds: what is rounded is the result, once."""
    convolution = make_convolution(whole((outputs, inputs, 3, 3), 0, 2, step=4), stride)
    x, beside = (images(whole((count, inputs, height, width), seed, 3)) for seed in (1, 2))
    slope = images(whole((count, outputs, height // stride, width // stride), 3, 3))
    y, of_x, of_weight = run(convolution, x, slope, beside)
    exact_y, exact_of_x, exact_of_weight = exact(convolution, x, slope, beside)
    assert torch.equal(y, exact_y.bfloat16()) and torch.equal(of_x, exact_of_x.bfloat16())
    assert torch.equal(of_weight, exact_of_weight.float())
    assert all(value.is_contiguous(memory_format=torch.channels_last) for value in (y, of_x, of_weight))


@needs_kernel
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("inputs, outputs, side", [(16, 16, 32), (32, 64, 16), (64, 64, 8)])
def test_rounding_is_that_of_bfloat16(inputs, outputs, side, stride):
    convolution = make_convolution(drawn((outputs, inputs, 3, 3), 0) * (2 / 9 / inputs) ** 0.5, stride)
    x, beside = (images(drawn((16, inputs, side, side), seed)) for seed in (1, 2))
    slope = images(drawn((16, outputs, side // stride, side // stride), 3))
    expected = exact(convolution, x, slope, beside)
    for one, other in zip(run(convolution, x, slope, beside), expected, strict=True):
        assert (one.double() - other).norm() < 1.5 * ROUNDING * other.norm()


@needs_kernel
@pytest.mark.parametrize("stride", [1, 2])
def test_any_number_of_threads_gives_the_same_bits(stride):
    """But for the forward pass of stride 2, which is torch's."""
    convolution = make_convolution(drawn((32, 16, 3, 3), 0), stride)
    x, beside = (images(drawn((9, 16, 16, 16), seed)) for seed in (1, 2))
    slope = images(drawn((9, 32, 16 // stride, 16 // stride), 3))
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 5, 64):
            torch.set_num_threads(threads)
            results.append(run(convolution, x, slope, beside)[stride - 1 :])
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(map(torch.equal, results[0], other))


@needs_kernel
@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_what_is_not_a_number_stays_none_where_it_reaches(broken):
    """A diverged training must show, and other images must not change."""
    convolution = make_convolution(drawn((16, 16, 3, 3), 0))
    x = images(drawn((8, 16, 8, 8), 1))
    slope, beside = images(drawn((8, 16, 8, 8), 2)), torch.zeros_like(x)
    sound = run(convolution, x, slope, beside)
    x[3, 5, 2, 2] = broken
    y, of_x, of_weight = run(convolution, x, slope, beside)
    assert not y[3, :, 1:4, 1:4].isfinite().any() and not of_weight[:, 5].isfinite().any()
    assert torch.equal(y[:3], sound[0][:3]) and torch.equal(y[4:], sound[0][4:])
    assert torch.equal(of_x, sound[1])


@needs_kernel
def test_gradients_are_those_that_are_asked_for():
    """Of what alone is needed; and where the shortcut alone is used, its own."""
    convolution, x = make_convolution(drawn((16, 16, 3, 3), 0)), images(drawn((2, 16, 8, 8), 1))
    slope, beside = (images(drawn((2, 16, 8, 8), seed)) for seed in (2, 3))
    _, of_x, of_weight = run(convolution, x, slope, torch.zeros_like(x))
    with torch.autocast("cpu", torch.bfloat16), fused_operations():
        y = convolved(convolution, x)
        assert torch.equal(torch.autograd.grad(y, convolution.weight, slope)[0], of_weight)
        x.requires_grad_()
        y, shortcut = convolved_beside(convolution, x)
        assert torch.equal(torch.autograd.grad(y, x, slope, retain_graph=True)[0], of_x)
        assert torch.equal(torch.autograd.grad(shortcut, x, beside)[0], beside)
        convolution.weight.requires_grad_(False)
        assert torch.equal(torch.autograd.grad(convolved(convolution, x), x, slope)[0], of_x)


@needs_kernel
def test_what_the_gradient_needs_must_not_change_within_a_step():
    """Not its numbers, nor where they lie: an error, no silence."""

    def loss(change) -> torch.Tensor:
        convolution, x = plain_convolution(), images(drawn((2, 16, 8, 8), 1))
        with torch.autocast("cpu", torch.bfloat16), fused_operations():
            y = convolved(convolution, x)
        with torch.no_grad():
            change(convolution, x)
        return y.sum()

    for change in (lambda convolution, x: x.add_(1), lambda convolution, x: convolution.weight.add_(1)):
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss(change).backward()
    for change in (
        lambda convolution, x: convolution.to(memory_format=torch.contiguous_format),
        lambda convolution, x: convolution.bfloat16(),
    ):
        with pytest.raises(RuntimeError, match="expected its input and weight as they lay .* found another"):
            loss(change).backward()
    with torch.autograd.graph.saved_tensors_hooks(lambda kept: kept.contiguous(), lambda kept: kept):
        kept_otherwise = loss(lambda convolution, x: None)
    with pytest.raises(RuntimeError, match="found another type or layout"):
        kept_otherwise.backward()


@needs_kernel
def test_without_gradients_the_result_is_the_same():
    convolution, x = plain_convolution(), images(drawn((2, 16, 8, 8), 1))
    with torch.autocast("cpu", torch.bfloat16), fused_operations():
        with torch.no_grad():
            y = convolved(convolution, x)
        assert torch.equal(y, convolved(convolution, x)) and not y.requires_grad


@needs_kernel
def test_gradients_may_lie_otherwise():
    convolution, x = make_convolution(drawn((16, 16, 3, 3), 0)), images(drawn((2, 16, 8, 8), 1))
    slope, beside = (images(drawn((2, 16, 8, 8), seed)) for seed in (2, 3))
    found = run(convolution, x, slope.contiguous(), beside.contiguous())
    assert all(map(torch.equal, found, run(convolution, x, slope, beside)))


@needs_kernel
def test_gradients_are_not_differentiated_again():
    convolution, x = make_convolution(drawn((16, 16, 3, 3), 0)), images(drawn((2, 16, 8, 8), 1))
    with torch.autocast("cpu", torch.bfloat16), fused_operations():
        loss = convolved(convolution, x.requires_grad_()).square().sum()
    (first,) = torch.autograd.grad(loss, convolution.weight, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.square().sum().backward()


def plain_convolution(**options) -> nn.Conv2d:
    """One that fits, but for the options."""
    torch.manual_seed(0)
    fitting = {"in_channels": 16, "out_channels": 16, "kernel_size": 3, "padding": 1, "bias": False}
    return nn.Conv2d(**fitting | options).to(memory_format=torch.channels_last)


def with_weight(weight: torch.Tensor) -> nn.Conv2d:
    convolution = plain_convolution()
    convolution.weight = nn.Parameter(
        weight.to(memory_format=torch.channels_last) if weight.ndim == 4 else weight
    )
    return convolution


def hooked() -> nn.Conv2d:
    convolution = plain_convolution()
    convolution.register_forward_hook(lambda module, inputs, output: output + 1)
    return convolution


def replaced() -> nn.Conv2d:
    convolution = plain_convolution()
    forward = convolution.forward
    convolution.forward = lambda x: forward(x) + 1
    return convolution


def halved() -> nn.Conv2d:
    """Of another class than its own: `parametrize` makes one."""
    convolution = plain_convolution()
    parametrize.register_parametrization(convolution, "weight", Half())
    return convolution


class Half(nn.Module):
    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight / 2


class Labelled(torch.Tensor):
    """A kind of tensor."""


def unfitting() -> dict[str, tuple[nn.Module, torch.Tensor]]:
    x = images(drawn((2, 16, 8, 8), 1))
    return {
        "bias": (plain_convolution(bias=True), x),
        "kernel": (plain_convolution(kernel_size=1), x),
        "padding": (plain_convolution(padding=0), x),
        "padding by name": (plain_convolution(padding="same"), x),
        "circular": (plain_convolution(padding_mode="circular"), x),
        "stride": (plain_convolution(stride=(1, 2)), x),
        "longer stride": (plain_convolution(stride=3), x),
        "dilation": (plain_convolution(dilation=2), x),
        "groups": (
            plain_convolution(in_channels=32, out_channels=32, groups=2),
            images(drawn((2, 32, 8, 8), 1)),
        ),
        "groups of other channels": (plain_convolution(in_channels=32, out_channels=32, groups=2), x),
        "outputs": (plain_convolution(out_channels=24), x),
        "inputs": (plain_convolution(in_channels=24), images(drawn((2, 24, 8, 8), 1))),
        "other channels": (plain_convolution(in_channels=32), x),
        "weight of other channels": (with_weight(drawn((16, 32, 3, 3), 0)), x),
        "weight of another kernel": (with_weight(drawn((16, 16, 1, 1), 0)), x),
        "weight of no dimensions": (with_weight(drawn((16,), 0)), x),
        "width": (plain_convolution(), images(drawn((2, 16, 8, 12), 1))),
        "height": (plain_convolution(), images(drawn((2, 16, 7, 8), 1))),
        "no image": (plain_convolution(), images(drawn((0, 16, 8, 8), 1))),
        "layout": (plain_convolution(), x.contiguous()),
        "type": (plain_convolution(), x.float()),
        "weight's layout": (plain_convolution().to(memory_format=torch.contiguous_format), x),
        "weight's type": (plain_convolution().bfloat16(), x),
        "weight's kind": (with_weight(plain_convolution().weight.detach().as_subclass(Labelled)), x),
        "one image": (plain_convolution(), x[0]),
        "hook": (hooked(), x),
        "forward": (replaced(), x),
        "parametrised": (halved(), x),
        "kind of tensor": (plain_convolution(), x.as_subclass(Labelled)),
    }


@needs_kernel
def test_a_plain_convolution_fits():
    """So that each case below has but one reason not to."""
    with torch.autocast("cpu", torch.bfloat16), fused_operations():
        assert is_ours(convolved(plain_convolution(), images(drawn((2, 16, 8, 8), 1))))


@needs_kernel
@pytest.mark.parametrize("case", unfitting())
def test_what_does_not_fit_is_convolved_by_the_module(case):
    """What is wrong is refused by it."""

    def outcome(make):
        convolution, x = unfitting()[case]
        try:
            with torch.autocast("cpu", torch.bfloat16):
                return make(convolution, x)
        except RuntimeError as fault:
            return str(fault)

    with fused_operations():
        found = outcome(convolved)
        beside = outcome(lambda convolution, x: convolved_beside(convolution, x)[0])
    expected = outcome(lambda convolution, x: convolution(x))
    if isinstance(expected, str):
        assert found == beside == expected
    else:
        assert torch.equal(found, expected) and torch.equal(beside, expected) and not is_ours(found)


@needs_kernel
def test_the_kernel_is_for_fused_operations_in_bfloat16_alone():
    convolution, x = make_convolution(drawn((16, 16, 3, 3), 0)), images(drawn((2, 16, 8, 8), 1))
    with torch.autocast("cpu", torch.bfloat16):
        assert not is_ours(convolved(convolution, x))
        with fused_operations():
            assert is_ours(convolved(convolution, x))
    with fused_operations(), pytest.raises(RuntimeError, match="type"):
        convolved(convolution, x)  # numbers of two types, which the module refuses
    with fused_operations(), torch.autocast("cpu", torch.float16):
        assert not is_ours(convolved(convolution, x))


@needs_kernel
def test_images_on_another_device_are_not_read():
    with fused_operations(), torch.autocast("cpu", torch.bfloat16):
        y = convolved(plain_convolution().to("meta"), images(drawn((2, 16, 8, 8), 1)).to("meta"))
    assert y.device.type == "meta" and not is_ours(y)


def test_without_a_kernel_the_module_convolves(monkeypatch):
    monkeypatch.setattr(convolution_module, "kernel", lambda *channels: None)
    with fused_operations(), torch.autocast("cpu", torch.bfloat16):
        assert not is_ours(convolved(plain_convolution(), images(drawn((2, 16, 8, 8), 1))))


@pytest.mark.parametrize("vectors, tiles", [(False, False), (True, True)])
def test_other_processors_have_none(vectors, tiles, monkeypatch):
    """Those that multiply bfloat16 not at all, or in tiles."""
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: vectors, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: tiles, raising=False)
    kernel.cache_clear()
    try:
        assert kernel(16, 16, 1) is None and not is_available()
    finally:
        kernel.cache_clear()


@needs_kernel
def test_no_memory_is_an_error(monkeypatch):
    class Full:
        forward = staticmethod(lambda *arguments: 1)

    monkeypatch.setattr(convolution_module, "kernel", lambda *channels: Full)
    convolution, x = make_convolution(drawn((16, 16, 3, 3), 0)), images(drawn((2, 16, 8, 8), 1))
    with (
        torch.autocast("cpu", torch.bfloat16),
        fused_operations(),
        pytest.raises(MemoryError, match="expected memory.*found none.*smaller batches"),
    ):
        convolved(convolution, x)


def gradients(network, inputs, fused: bool) -> dict[str, torch.Tensor]:
    with fused_operations(fused):
        loss = functional.cross_entropy(network(inputs).float(), torch.arange(len(inputs)) % 10)
    network.zero_grad()
    loss.backward()
    return {name: parameter.grad.clone() for name, parameter in network.named_parameters()}


def distance(found: dict, expected: dict) -> float:
    return sum(float((found[name] - expected[name]).square().sum()) for name in found) ** 0.5


@needs_kernel
@pytest.mark.parametrize(
    "name, kernels",
    [
        *(("plain8", 6), ("resnet14", 12), ("resnet14-shortcut0.5", 12), ("resnet14-projection", 12)),
        *(("resnet14-width3", 12), ("resnet14-tanh", 12), ("resnet14-nonorm", 0)),
    ],
)
def test_a_networks_gradients_are_the_same_whatever_its_shortcuts(name, kernels, monkeypatch):
    """No further from those in float32 than torch's in bfloat16, but for the rounding of transforms."""
    inputs, calls = drawn((16, 3, 32, 32), 0).to(memory_format=torch.channels_last), []
    network = build_network(name, 0).to(memory_format=torch.channels_last)
    apply = convolution_module._Convolution.apply
    monkeypatch.setattr(
        convolution_module._Convolution, "apply", lambda *values: calls.append(1) or apply(*values)
    )
    exact = gradients(network, inputs, fused=False)
    with torch.autocast("cpu", torch.bfloat16):
        plain, fused = (gradients(network, inputs, fused) for fused in (False, True))
    assert len(calls) == kernels
    assert distance(fused, exact) < 1.6 * distance(plain, exact)
