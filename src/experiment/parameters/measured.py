"""The section `measured`: the weights about which slices, curvature, sharpness and robustness are measured."""

from pydantic import Field, field_validator

from experiment.parameters.fields import Seed, distinct
from experiment.parameters.loading import Section


class Measured(Section):
    """Of which seeds the runs are measured, and whether about their checkpoints of equal training loss, too.

    For a budget that trains more runs than it can measure: the rest of the results is of every declared run.
    """

    seeds: list[Seed] = Field(min_length=1)
    equal_loss: bool

    _distinct = field_validator("seeds")(distinct)
