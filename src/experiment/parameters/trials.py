"""The section `trials`: deep networks trained at other learning rates."""

from pydantic import Field, field_validator

from experiment.parameters.fields import Positive, Seed, distinct, of_the_grammar
from experiment.parameters.loading import Section


class Trials(Section):
    """Networks trained as `train` declares but at other learning rates, their slices as `surface` declares."""

    networks: list[str] = Field(min_length=1)
    learning_rates: list[Positive] = Field(min_length=1)
    seeds: list[Seed] = Field(min_length=1)

    _named = field_validator("networks")(of_the_grammar)
    _distinct = field_validator("learning_rates", "seeds")(distinct)

    @property
    def runs(self) -> list[tuple[str, float, int]]:
        """(network, learning rate, seed) of every trial, networks first."""
        return [
            (network, rate, seed)
            for network in self.networks
            for rate in self.learning_rates
            for seed in self.seeds
        ]
