"""The section `sharpness`: how far the loss rises near the weights."""

from pydantic import Field, field_validator

from experiment.parameters.fields import Positive, distinct
from experiment.parameters.loading import Section
from experiment.parameters.surface import DirectionSeed


class Radii(Section):
    """Of the balls in which the worst case is searched, each in units of its geometry."""

    l2: Positive
    elementwise: Positive
    filter: Positive


class Sharpness(Section):
    """Worst and average rises of the training loss over `samples` images."""

    samples: int = Field(ge=2)
    box_epsilon: Positive
    radii: Radii
    ascent_steps: int = Field(ge=1)
    restarts: int = Field(ge=1)
    sigma: Positive
    rise: Positive
    extent: Positive
    direction_seeds: list[DirectionSeed] = Field(min_length=2)
    rescaling_factor: Positive

    _distinct = field_validator("direction_seeds")(distinct)
