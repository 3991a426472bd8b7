"""The section `trajectory`: the path of training on its own principal plane."""

from pydantic import Field

from experiment.parameters.loading import Section
from experiment.parameters.surface import OddCount


class Trajectory(Section):
    """`samples` training images per loss, batch-norm statistics from `calibration_samples` on the plane.

    The plane has points x points; it reaches beyond the path by `margin`, a share of the path's span.
    """

    samples: int = Field(ge=100)
    batch_size: int = Field(ge=2)
    calibration_samples: int = Field(ge=2)
    points: OddCount
    margin: float = Field(ge=0, le=2)
