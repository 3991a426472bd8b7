"""The lists that name the study's runs: `networks` and `seeds`."""

from pathlib import Path

from pydantic import Field, field_validator

from experiment.parameters.fields import Seed, distinct, of_the_grammar
from experiment.parameters.loading import PARAMETERS_FILE, Section, parse, read_parameters


class Study(Section):
    """Every network is trained and measured from every seed."""

    networks: list[str] = Field(min_length=1)
    seeds: list[Seed] = Field(min_length=1)

    _named = field_validator("networks")(of_the_grammar)
    _distinct = field_validator("seeds")(distinct)

    @property
    def runs(self) -> list[tuple[str, int]]:
        """(network, seed) of every run, networks first."""
        return [(network, seed) for network in self.networks for seed in self.seeds]


def load_study(path: Path = PARAMETERS_FILE) -> Study:
    """The declared networks and seeds; ParameterError naming what is wrong with them."""
    content = read_parameters(path)
    return parse({key: content[key] for key in Study.model_fields if key in content}, Study, str(path))
