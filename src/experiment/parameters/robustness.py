"""The section `robustness`: accuracy under disturbances."""

from pydantic import Field

from experiment.parameters.fields import Positive, Share
from experiment.parameters.loading import Section
from experiment.parameters.surface import DirectionSeed


class Robustness(Section):
    """Accuracy on `samples` test images with disturbed pixels, and with disturbed weights."""

    samples: int = Field(ge=2)
    noise: list[Positive] = Field(min_length=1)
    blur: list[Positive] = Field(min_length=1)
    contrast: list[Share] = Field(min_length=1)
    brightness: list[Share] = Field(min_length=1)
    weight_noise: list[Positive] = Field(min_length=1)
    direction_seeds: list[DirectionSeed] = Field(min_length=2)
