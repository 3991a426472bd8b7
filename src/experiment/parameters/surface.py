"""The section `surface`: slices of the loss about a network's weights."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from experiment.parameters.loading import Section


def _odd(points: int) -> int:
    if points % 2 == 0:
        raise ValueError("expected an odd count, so that the centre lies on the grid")
    return points


OddCount = Annotated[int, Field(ge=3), AfterValidator(_odd)]
DirectionSeed = Annotated[int, Field(ge=0)]


class Recomputed(Section):
    """The second surface, whose batch-norm statistics are recomputed at each point."""

    points: OddCount
    calibration_samples: int = Field(ge=2)


class Cuts(Section):
    """One-dimensional slices along single directions."""

    points: OddCount
    direction_seeds: list[DirectionSeed] = Field(min_length=2)


class Line(Section):
    """The straight line through the initial (0) and the final (1) weights."""

    points: int = Field(ge=3)
    start: float = Field(allow_inf_nan=False)
    stop: float = Field(allow_inf_nan=False)

    @model_validator(mode="after")
    def _ascending(self) -> "Line":
        if self.start >= self.stop:
            raise ValueError(f"expected start < stop, found {self.start} and {self.stop}")
        return self


class Surface(Section):
    """Grid, directions and sampling; `relative_error` null means exact, all samples at every point."""

    normalisation: Literal["filter", "layer"]
    direction_seeds: list[DirectionSeed] = Field(min_length=2, max_length=2)
    extent: float = Field(gt=0, allow_inf_nan=False)
    points: OddCount
    relative_error: Annotated[float, Field(gt=0, lt=1)] | None
    batch_size: int = Field(ge=2)
    recomputed: Recomputed
    cuts: Cuts
    line: Line
