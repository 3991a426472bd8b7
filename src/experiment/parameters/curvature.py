"""The section `curvature`: the Hessian of the training loss."""

from pydantic import Field

from experiment.parameters.fields import Positive
from experiment.parameters.loading import Section
from experiment.parameters.surface import DirectionSeed, OddCount


class ConvexityMap(Section):
    """A coarse grid of the plane of `surface.direction_seeds` at which the ends of the spectrum are found."""

    samples: int = Field(ge=2)
    points: OddCount
    extent: Positive
    most_steps: int = Field(ge=2)
    resolution: Positive


class Curvature(Section):
    """The Hessian of the mean training loss over `samples` images, in float32."""

    samples: int = Field(ge=2)
    batch_size: int = Field(ge=1)
    tolerance: Positive
    most_steps: int = Field(ge=2)
    trace_draws: int = Field(ge=2)
    density_draws: int = Field(ge=1)
    density_steps: int = Field(ge=2)
    direction_seeds: list[DirectionSeed] = Field(min_length=2, max_length=2)
    map: ConvexityMap
