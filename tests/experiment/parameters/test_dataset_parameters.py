import pytest

from experiment.parameters.dataset import Dataset
from experiment.parameters.loading import ParameterError, parse


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("cifar10", "official"),
        ("cifar100", "https://mirror.example/data"),
        ("cifar10", "/data/cifar"),
        ("digits", "official"),
        ("images", "my/images.zip"),
    ],
)
def test_declared_sources(name, source):
    dataset = parse({"name": name, "source": source}, Dataset, "dataset")
    assert (dataset.name, dataset.source) == (name, source)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"name": "mnist", "source": "official"},
            "dataset.name.*'cifar10', 'cifar100', 'digits' or 'images'",
        ),
        ({"name": "digits", "source": "/data"}, "expected source: official"),
        ({"name": "images", "source": "official"}, "expected the path of a folder or archive"),
        ({"name": "cifar10", "source": ""}, "dataset.source"),
        ({"name": "cifar10", "source": None}, "dataset.source"),
        ({"name": "cifar10"}, "dataset.source: missing"),
        ({"name": "cifar10", "source": "official", "seed": 1}, "dataset.seed: unknown"),
    ],
)
def test_other_declarations_are_refused(content, message):
    with pytest.raises(ParameterError, match=message):
        parse(content, Dataset, "dataset")
