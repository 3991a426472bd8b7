"""On CUDA: recorded steps train to the same bits as ordinary ones, also after a resume."""

import pytest
import torch
from test_training import RECIPE
from toys import random_images

from flatness import capture
from flatness.execution import choose_execution
from flatness.networks import build_network
from flatness.training import Trainer, weights_of

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def trainer(network: str = "resnet8") -> Trainer:
    data = random_images(320)
    return Trainer(build_network(network, 0), data, data, RECIPE, 0, choose_execution("cuda"), (0.0, 0.5))


@pytest.fixture(autouse=True)
def repeatable():
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize(
    "network", ["resnet8", "plain8", "resnet8-projection", "resnet8-tanh", "plain8-nonorm"]
)
def test_recorded_steps_are_ordinary_steps(network, monkeypatch):
    recorded = trainer(network)
    records = [recorded.run_epoch() for _ in range(2)]
    assert recorded._captured.graph is not None
    monkeypatch.setattr(capture, "WARM_UP", 10**6)
    ordinary = trainer(network)
    expected = [ordinary.run_epoch() for _ in range(2)]
    assert ordinary._captured.graph is None
    for found, wanted in zip(records, expected, strict=True):
        assert (found.train_loss, found.gradient_norm, found.test_loss) == (
            wanted.train_loss,
            wanted.gradient_norm,
            wanted.test_loss,
        )
    for name, value in weights_of(ordinary.network).items():
        assert torch.equal(weights_of(recorded.network)[name], value), name
    for epoch, weights in ordinary.checkpoints.items():
        assert all(torch.equal(recorded.checkpoints[epoch][name], value) for name, value in weights.items())


def test_a_resumed_trainer_goes_on_to_the_same_bits():
    unbroken = trainer()
    unbroken.run_epoch()
    state = unbroken.state()
    unbroken.run_epoch()
    resumed = trainer()
    resumed.run_epoch()  # has recorded its steps before it is given another state
    resumed.load_state(state)
    resumed.run_epoch()
    for name, value in weights_of(unbroken.network).items():
        assert torch.equal(weights_of(resumed.network)[name], value), name


def test_every_call_reads_its_inputs_anew():
    step = capture.CapturedStep(lambda x, y: (x * y).sum(), torch.device("cuda"))
    for value in range(1, 8):
        x = torch.full((4,), float(value), device="cuda")
        assert float(step(x, x)) == 4.0 * value**2
    assert step.graph is not None
    with pytest.raises(ValueError, match="one shape at every call"):
        step(x[:1], x)
