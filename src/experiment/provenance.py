"""What a result came from: software, hardware and parameters. No times and no paths, so that a rerun repeats it."""

import platform
from importlib.metadata import version
from typing import Any

import torch

from experiment.storage import parameters_hash
from flatness.execution import Execution


def provenance(execution: Execution, parameters: Any) -> dict[str, Any]:
    """The machine, the versions and the hash of the parameters that made a result."""
    return {
        "device": execution.device_name,
        "device_type": execution.device.type,
        "precision": str(execution.precision).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "numpy": version("numpy"),
        "parameters": parameters_hash(parameters),
    }


def training_provenance(execution: Execution, parameters: Any) -> dict[str, Any]:
    """`provenance`, and which kernels and convolutions trained; where a training does not say, they were torch's."""
    trained_by = {"kernels": execution.kernels, "convolutions": execution.convolutions}
    return provenance(execution, parameters) | trained_by
