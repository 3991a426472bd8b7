"""The section `trials`: deep networks trained at other learning rates."""

from typing import Self

from pydantic import field_validator, model_validator

from experiment.parameters.fields import Positive, Seed, distinct, of_the_grammar
from experiment.parameters.loading import Section


class Trials(Section):
    """Networks trained as `train` declares but at other learning rates, their slices as `surface` declares.

    All lists empty for none.
    """

    networks: list[str]
    learning_rates: list[Positive]
    seeds: list[Seed]

    _named = field_validator("networks")(of_the_grammar)
    _distinct = field_validator("learning_rates", "seeds")(distinct)

    @model_validator(mode="after")
    def _all_or_none(self) -> Self:
        if len({bool(self.networks), bool(self.learning_rates), bool(self.seeds)}) > 1:
            raise ValueError("expected networks, learning_rates and seeds, or none of them")
        return self

    @property
    def runs(self) -> list[tuple[str, float, int]]:
        """(network, learning rate, seed) of every trial, networks first."""
        return [
            (network, rate, seed)
            for network in self.networks
            for rate in self.learning_rates
            for seed in self.seeds
        ]
