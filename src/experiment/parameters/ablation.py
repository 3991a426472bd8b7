"""The section `ablation`: small networks of other shortcuts, activations and weight decays."""

from typing import Annotated

from pydantic import Field, field_validator

from experiment.parameters.fields import Seed, distinct, of_the_grammar
from experiment.parameters.loading import Section
from experiment.parameters.surface import DirectionSeed, OddCount


class Ablation(Section):
    """Small networks trained by `train.recipe` with other epochs and weight decays, each measured by a few numbers."""

    networks: list[str] = Field(min_length=2)
    weight_decays: list[Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(min_length=1)
    seeds: list[Seed] = Field(min_length=1)
    epochs: int = Field(ge=1)
    samples: int = Field(ge=2)
    trace_draws: int = Field(ge=2)
    most_steps: int = Field(ge=2)
    points: OddCount
    direction_seeds: list[DirectionSeed] = Field(min_length=2)

    _named = field_validator("networks")(of_the_grammar)
    _distinct = field_validator("weight_decays", "seeds", "direction_seeds")(distinct)
