"""Where and how to compute: device, number format and memory layout, chosen by what the machine has."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from flatness import convolution
from flatness.fusion import kernel, why_no_kernel

KERNELS = ("compiled", "torch")  # of training
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Execution:
    """A device, the number format of its convolutions and products, and whether training uses compiled kernels.

    Parameters and batch-norm statistics stay in the network's own type, and losses in at least float32, whatever
    `precision` says.
    """

    device: torch.device
    precision: torch.dtype
    compiled: bool = False

    def autocast(self) -> AbstractContextManager:
        """Context in which convolutions and products run in `precision`."""
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32)

    def place(self, network: nn.Module) -> nn.Module:
        """Move a network to the device; weights of four dimensions (2-D convolutions) lie channels last."""
        network.to(self.device)
        for parameter in network.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.to(memory_format=torch.channels_last)
        return network

    @property
    def kernels(self) -> str:
        """Which of KERNELS training uses."""
        return "compiled" if self.compiled else "torch"

    @property
    def convolutions(self) -> str:
        """Whose 3 x 3 convolutions training has where they fit: "winograd", those of `flatness.convolution`, or "torch"."""
        is_ours = self.compiled and self.precision == torch.bfloat16 and convolution.is_available()
        return "winograd" if is_ours else "torch"

    @property
    def device_name(self) -> str:
        """Model name of the processor or accelerator."""
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        return _processor_name()


@contextmanager
def without_autocast() -> Iterator[None]:
    """Within the block, or the function decorated with it, all is computed in the tensors' own types.

    A caller's autocast would round convolutions and products, and keep rounded copies of weights that move
    meanwhile.
    """
    with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
        yield


def choose_execution(
    device: str | None = None, precision: str | None = None, kernels: str | None = None
) -> Execution:
    """The given device, precision and kernels of training, or the best the machine has.

    That is CUDA before CPU, bfloat16 where native, and on a CPU kernels that are compiled now, if gcc is there. Raises
    ValueError for a device that is absent, or is neither CPU nor CUDA, for a precision that is not of PRECISIONS, for
    kernels that are not of KERNELS, and for compiled ones that cannot be had.
    """
    present = torch.cuda.device_count() if torch.cuda.is_available() else 0
    allowed = ["cpu", *(["cuda"] if present else []), *(f"cuda:{number}" for number in range(present))]
    if device is not None and device not in allowed:
        raise ValueError(f"device {device!r}: expected one that torch finds here, {', '.join(allowed)}")
    chosen = torch.device(device or ("cuda" if present else "cpu"))
    if precision is None:
        precision = "bfloat16" if has_native_bfloat16(chosen) else "float32"
    if precision not in PRECISIONS:
        raise ValueError(f"precision {precision!r}: expected one of {', '.join(PRECISIONS)}")
    if kernels not in (None, *KERNELS):
        raise ValueError(f"kernels {kernels!r}: expected one of {', '.join(KERNELS)}")
    wanted = kernels != "torch" and chosen.type == "cpu"
    compiled = wanted and kernel(PRECISIONS[precision]) is not None
    if kernels == "compiled" and not compiled:
        found = why_no_kernel(PRECISIONS[precision]) if chosen.type == "cpu" else f"device {chosen}"
        raise ValueError(
            f"kernels 'compiled': expected the CPU, under Linux with a gcc that works, found {found}; mend that, or take "
            "kernels 'torch'"
        )
    return Execution(chosen, PRECISIONS[precision], compiled)


def has_native_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware (emulation would be slower than float32)."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    features = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, feature, lambda: False)() for feature in features)


def _processor_name() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        import platform

        name = platform.processor() or platform.machine()
    return name
