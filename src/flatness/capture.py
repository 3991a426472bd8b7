"""A step of many small kernels as one CUDA graph, launched at once."""

from collections.abc import Callable

import torch
from torch import Tensor

WARM_UP = 3  # calls before the recording, in which libraries choose kernels and lasting state is allocated


class CapturedStep:
    """`function` of CUDA tensors, recorded at its fourth call and replayed from then on: the same kernels, one launch.

    The inputs must keep their shapes and types. Whatever else the function reads and writes must stay where it is in
    memory, its Python must do the same at every call, and nothing in it may wait for the device (no `.item()`). Its
    first calls are ordinary ones; ValueError for a later one of another shape. What recording asks for:
    docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs.
    """

    def __init__(self, function: Callable[..., Tensor], device: torch.device):
        self.function = function
        self.stream = torch.cuda.Stream(device)  # recording may not use the default stream, nor its state
        self.calls = 0
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, *inputs: Tensor) -> Tensor:
        """The function's value for `inputs`."""
        self.calls += 1
        if self.calls <= WARM_UP:
            return self._ordinary(inputs)
        if self.graph is None:
            self._record(inputs)
        for own, given in zip(self.inputs, inputs, strict=True):
            if own.shape != given.shape:
                raise ValueError(
                    f"expected inputs of one shape at every call, {own.shape}; found {given.shape}"
                )
            own.copy_(given)
        self.graph.replay()
        return self.output.clone()

    def _ordinary(self, inputs: tuple[Tensor, ...]) -> Tensor:
        current = torch.cuda.current_stream(self.stream.device)
        self.stream.wait_stream(current)
        with torch.cuda.stream(self.stream):
            output = self.function(*inputs)
        current.wait_stream(self.stream)
        for tensor in (*inputs, output):
            tensor.record_stream(self.stream)
        output.record_stream(current)
        return output

    def _record(self, inputs: tuple[Tensor, ...]) -> None:
        self.inputs = [tensor.clone() for tensor in inputs]
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self.stream):
            self.output = self.function(*self.inputs)
        self.graph = graph
