"""The section `ablation`: small networks of other shortcuts, activations and weight decays."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from experiment.parameters.fields import Seed, distinct, of_the_grammar
from experiment.parameters.loading import Section
from experiment.parameters.surface import DirectionSeed, OddCount

WeightDecay = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Further(Section):
    """Some of the networks with other weight decays; both lists empty for none."""

    networks: list[str]
    weight_decays: list[WeightDecay]

    _named = field_validator("networks")(of_the_grammar)
    _distinct = field_validator("weight_decays")(distinct)

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if bool(self.networks) != bool(self.weight_decays):
            raise ValueError("expected networks and weight_decays, or neither")
        return self


class Ablation(Section):
    """Small networks trained by `train.recipe` with other epochs and weight decays, each measured by a few numbers.

    Every network with every weight decay, and what `further` adds.
    """

    networks: list[str] = Field(min_length=2)
    weight_decays: list[WeightDecay] = Field(min_length=1)
    further: Further
    seeds: list[Seed] = Field(min_length=1)
    epochs: int = Field(ge=1)
    samples: int = Field(ge=2)
    trace_draws: int = Field(ge=2)
    most_steps: int = Field(ge=2)
    points: OddCount
    direction_seeds: list[DirectionSeed] = Field(min_length=2)

    _named = field_validator("networks")(of_the_grammar)
    _distinct = field_validator("weight_decays", "seeds", "direction_seeds")(distinct)

    @model_validator(mode="after")
    def _adds_to_the_networks(self) -> Self:
        strange = [network for network in self.further.networks if network not in self.networks]
        if strange:
            raise ValueError(f"further.networks: expected some of networks; found {', '.join(strange)}")
        again = [decay for decay in self.further.weight_decays if decay in self.weight_decays]
        if again:
            raise ValueError(f"further.weight_decays: expected others than weight_decays; found {again[0]}")
        return self
