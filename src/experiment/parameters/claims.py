"""The section `claims`: the rule of the verdicts."""

from pydantic import Field

from experiment.parameters.fields import Seed, Share
from experiment.parameters.loading import Section


class Claims(Section):
    """The rule by which a claim is judged."""

    confidence: Share
    significance: Share
    resamples: int = Field(ge=100)
    least_seeds: int = Field(ge=2)
    seed: Seed
