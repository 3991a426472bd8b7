from dataclasses import replace

import pytest
import torch
from torch import nn

from flatness import execution
from flatness.execution import Execution, choose_execution, without_autocast
from flatness.networks import build_network
from flatness.seeds import derived_seed, generator


def test_precision_is_that_of_the_convolutions_alone():
    machine = choose_execution("cpu", "bfloat16")
    network = machine.place(build_network("resnet8", 0))
    with machine.autocast():
        assert network.conv(torch.zeros(1, 3, 8, 8)).dtype == torch.bfloat16
    assert network.conv.weight.dtype == torch.float32
    assert network.conv.weight.is_contiguous(memory_format=torch.channels_last)
    with choose_execution("cpu", "float32").autocast():
        assert network.conv(torch.zeros(1, 3, 8, 8)).dtype == torch.float32


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (("cpu", "float16"), "float32, bfloat16"),
        (("gpu", None), "'gpu': expected one that torch finds here, cpu"),
        (("meta", None), "'meta': expected one"),
        (("cuda:99", None), "'cuda:99': expected one"),
        (("cpu", None, "own"), "'own': expected one of compiled, torch"),
    ],
)
def test_unknown_settings_are_refused(arguments, reason):
    with pytest.raises(ValueError, match=reason):
        choose_execution(*arguments)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_an_absent_device_is_refused():
    with pytest.raises(ValueError, match="'cuda': expected one that torch finds here, cpu$"):
        choose_execution("cuda")


def test_streams_are_told_apart_by_their_keys():
    keys = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]
    assert len({derived_seed(*key) for key in keys}) == len(keys)
    assert all(0 <= derived_seed(*key) < 2**63 for key in keys)
    first, again = (torch.rand(3, generator=generator("cpu", 4, 2)) for _ in range(2))
    assert torch.equal(first, again)


def test_the_streams_that_are_one_are_those_declared():
    assert derived_seed(5) == derived_seed(5, 0) == derived_seed(5, 0, 0) != derived_seed(0, 5)
    assert derived_seed(5 + 2**32) == derived_seed(5, 1)
    low, high = (torch.Generator().manual_seed(derived_seed(5) % 2**32 + high) for high in (0, 2**40))
    assert torch.equal(torch.rand(3, generator=low), torch.rand(3, generator=high))


def test_only_weights_of_four_dimensions_are_placed_channels_last():
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.Conv3d(3, 4, 3), nn.ConvTranspose3d(3, 4, 3), nn.Linear(3, 4)
    )
    before = [parameter.detach().clone() for parameter in network.parameters()]
    assert choose_execution("cpu", "float32").place(network) is network
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert all(parameter.is_contiguous() for parameter in network[1:].parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_what_is_decorated_knows_no_autocast_and_the_caller_keeps_its():
    layer, numbers = nn.Linear(3, 2), torch.ones(1, 3)
    decorated = without_autocast()(layer.forward)
    with torch.autocast("cpu", torch.bfloat16):
        assert decorated(numbers).dtype == torch.float32
        assert layer(numbers).dtype == torch.bfloat16


def test_convolutions_are_ours_in_compiled_training_in_bfloat16_where_the_machine_has_them(monkeypatch):
    compiled = Execution(torch.device("cpu"), torch.bfloat16, compiled=True)
    for is_available, said in ((True, "winograd"), (False, "torch")):
        monkeypatch.setattr(execution.convolution, "is_available", lambda: is_available)
        assert compiled.convolutions == said
    monkeypatch.setattr(execution.convolution, "is_available", lambda: True)
    assert replace(compiled, compiled=False).convolutions == "torch"
    assert replace(compiled, precision=torch.float32).convolutions == "torch"


def test_compiled_kernels_are_taken_where_they_can_be_had_unless_torchs_are_named(monkeypatch):
    assert choose_execution("cpu", "float32", "torch").kernels == "torch"
    monkeypatch.setattr(execution, "kernel", lambda precision: object())
    assert choose_execution("cpu").kernels == choose_execution("cpu", None, "compiled").kernels == "compiled"
    monkeypatch.setattr(execution, "kernel", lambda precision: None)
    monkeypatch.setattr(execution, "why_no_kernel", lambda precision: "no gcc")
    assert choose_execution("cpu").kernels == "torch"
    with pytest.raises(ValueError, match="kernels 'compiled': expected .* gcc .*found no gcc; .*'torch'"):
        choose_execution("cpu", None, "compiled")
