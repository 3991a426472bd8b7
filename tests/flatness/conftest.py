import pytest
from toys import disturb_batch_norm, random_images

from flatness.networks import build_network


@pytest.fixture
def network():
    """A small residual network whose batch norms have statistics of their own."""
    return disturb_batch_norm(build_network("resnet8", 0))


@pytest.fixture
def data():
    return random_images(64)
