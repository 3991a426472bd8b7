"""Small networks and image sets with known answers."""

import torch
from torch import Tensor, nn

from flatness.data import ImageSet, image_set
from flatness.execution import Execution

FLOAT32 = Execution(torch.device("cpu"), torch.float32)


def random_images(count: int, seed: int = 0, size: int = 8, channels: int = 3, classes: int = 10) -> ImageSet:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, channels, size, size), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, classes, (count,), generator=generator)
    return image_set(images, labels, torch.full((channels,), 0.5), torch.full((channels,), 0.25))


def parameters_of(network: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach() for name, parameter in network.named_parameters()}


class TwoLogits(nn.Module):
    """Logits (z, 0) with z = w_1 + w_2 for every image: the loss of label 0 is log(1 + exp(-z))."""

    def __init__(self, first: float, second: float):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[first, second]]))

    def forward(self, images: Tensor) -> Tensor:
        z = self.weight.sum().expand(len(images))
        return torch.stack([z, torch.zeros_like(z)], dim=1)


def disturb_batch_norm(network: nn.Module, seed: int = 0) -> nn.Module:
    """Give every batch norm statistics and affine parameters that are not the initial ones."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.running_mean, module.bias.data):
                tensor.copy_(torch.randn(tensor.shape, generator=generator) / 5)
            for tensor in (module.running_var, module.weight.data):
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
    return network


def state_copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def assert_same_state(network: nn.Module, expected: dict[str, Tensor]) -> None:
    for name, value in network.state_dict().items():
        assert torch.equal(value, expected[name]), name
