"""Types and checks that sections share."""

from typing import Annotated

from pydantic import Field

from flatness.names import parse_name

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1)]
Seed = Annotated[int, Field(ge=0)]


def of_the_grammar(networks: list[str]) -> list[str]:
    """Different names, each of the grammar; ValueError otherwise."""
    for network in networks:
        parse_name(network)
    return distinct(networks)


def distinct(values: list) -> list:
    """The values, unless one is repeated."""
    if len(set(values)) != len(values):
        raise ValueError("expected no repetition")
    return values
