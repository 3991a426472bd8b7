"""The section `trajectory`: the path of training on its own principal plane."""

from pydantic import Field

from experiment.parameters.loading import Section
from experiment.parameters.surface import OddCount


class Trajectory(Section):
    """Losses from `samples` training images at checkpoints and from `plane_samples` on the plane.

    Off the path batch-norm statistics come from `calibration_samples`. The plane has points x points; it reaches beyond the path by `margin`, a share of the path's span.
    """

    samples: int = Field(ge=100)
    plane_samples: int = Field(ge=100)
    batch_size: int = Field(ge=2)
    calibration_samples: int = Field(ge=2)
    points: OddCount
    margin: float = Field(ge=0, le=2)
