"""The lists that name the study's runs: `networks` and `seeds`."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from experiment.parameters.loading import PARAMETERS_FILE, Section, parse, read_parameters
from flatness.names import parse_name


class Study(Section):
    """Every network is trained and measured from every seed."""

    networks: list[str] = Field(min_length=1)
    seeds: list[Annotated[int, Field(ge=0)]] = Field(min_length=1)

    @field_validator("networks")
    @classmethod
    def _of_the_grammar(cls, networks: list[str]) -> list[str]:
        for network in networks:
            parse_name(network)
        return _distinct(networks)

    @field_validator("seeds")
    @classmethod
    def _distinct_seeds(cls, seeds: list[int]) -> list[int]:
        return _distinct(seeds)

    @property
    def runs(self) -> list[tuple[str, int]]:
        """(network, seed) of every run, networks first."""
        return [(network, seed) for network in self.networks for seed in self.seeds]


def load_study(path: Path = PARAMETERS_FILE) -> Study:
    """The declared networks and seeds; ParameterError naming what is wrong with them."""
    content = read_parameters(path)
    return parse({key: content[key] for key in Study.model_fields if key in content}, Study, str(path))


def _distinct(values: list) -> list:
    if len(set(values)) != len(values):
        raise ValueError("expected no repetition")
    return values
