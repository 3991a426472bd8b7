import pytest
import torch

from flatness.names import parse_name
from flatness.networks import build_network

HE_PARAMETERS = {20: 0.27, 32: 0.46, 44: 0.66, 56: 0.85, 110: 1.7}  # millions, He et al. 2016, Table 6


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("depth, millions", HE_PARAMETERS.items())
def test_parameter_counts_are_those_of_he(depth, millions):
    digits = 1 if depth == 110 else 2
    assert round(count(build_network(f"resnet{depth}", 0)) / 1e6, digits) == millions


@pytest.mark.parametrize("suffix", ["", "-width2", "-tanh", "-nonorm", "-width2-gelu-nonorm"])
@pytest.mark.parametrize("depth", [8, 20])
def test_plain_and_residual_have_the_same_names_and_initial_values(depth, suffix):
    residual, plain = (
        build_network(f"{family}{depth}{suffix}", 3).state_dict() for family in ("resnet", "plain")
    )
    assert list(residual) == list(plain)
    assert all(torch.equal(residual[name], plain[name]) for name in residual)


def test_seed_alone_decides_the_initial_values():
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = build_network("resnet8", 5).state_dict()
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    again, other = build_network("resnet8", 5).state_dict(), build_network("resnet8", 6).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["conv.weight"], other["conv.weight"])


def test_initial_convolutions_have_the_declared_variance():
    weight = build_network("resnet20", 0).stages[2][2].conv2.weight
    assert weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)


def test_scaled_shortcut_runs_from_plain_to_residual():
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    outputs = {
        name: build_network(name, 0).eval()(images)
        for name in (
            "plain14",
            "resnet14-shortcut0",
            "resnet14-shortcut1",
            "resnet14",
            "resnet14-shortcut0.5",
        )
    }
    assert torch.equal(outputs["plain14"], outputs["resnet14-shortcut0"])
    assert torch.equal(outputs["resnet14"], outputs["resnet14-shortcut1"])
    assert not torch.allclose(outputs["resnet14-shortcut0.5"], outputs["resnet14"])


def test_option_a_shortcut_subsamples_and_pads_channels():
    block = build_network("resnet8", 0).stages[1][0]
    x = torch.randn(2, 16, 8, 8)
    shortcut = block.shortcut(x)
    assert torch.equal(shortcut[:, 8:24], x[:, :, ::2, ::2])
    assert shortcut[:, :8].abs().sum() == 0 and shortcut[:, 24:].abs().sum() == 0


def test_block_is_the_sum_of_its_branch_and_its_shortcut():
    block = build_network("resnet8-shortcut0.5-tanh", 0).stages[0][0].eval()
    x = torch.randn(2, 16, 8, 8)
    branch = block.norm2(block.conv2(torch.tanh(block.norm1(block.conv1(x)))))
    torch.testing.assert_close(block(x), torch.tanh(branch + 0.5 * x))


def test_projection_adds_two_convolutions_and_their_norms():
    added = count(build_network("resnet20-projection", 0)) - count(build_network("resnet20", 0))
    assert added == 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64


def test_nonorm_has_no_batch_norm_and_has_biases():
    names = [name for name, _ in build_network("resnet8-nonorm", 0).named_parameters()]
    assert not any("norm" in name for name in names) and "conv.bias" in names


@pytest.mark.parametrize(
    "name, reason",
    [
        ("resnet21", "6n+2"),
        ("resnet2", "6n+2"),
        ("vgg16", "not a name"),
        ("resnet20-relu6", "not a name"),
        ("resnet20-tanh-width2", "not a name"),
        ("resnet20-width0", "not a name"),
        ("plain20-projection", "no shortcut"),
        ("plain20-shortcut0.5", "no shortcut"),
        ("resnet20-shortcut1.5", "above 1"),
        ("resnet20-projection-shortcut0.5", "not scaled"),
        ("resnet20 ", "not a name"),
    ],
)
def test_unknown_names_are_refused_with_the_grammar(name, reason):
    with pytest.raises(ValueError, match=r"\(resnet\|plain\)DEPTH") as refusal:
        parse_name(name)
    assert reason in str(refusal.value) and repr(name) in str(refusal.value)


def test_other_channels_and_classes():
    assert build_network("resnet8", 0, channels=1, classes=7)(torch.zeros(2, 1, 16, 16)).shape == (2, 7)
