"""The sections `initialisation`, `gradients` and `clipping`: gradients of untrained, of trained and of breaking networks."""

from typing import Literal

from pydantic import Field, field_validator

from experiment.parameters.fields import Positive, Seed, distinct, of_the_grammar
from experiment.parameters.loading import Section
from flatness.names import parse_name


class Initialisation(Section):
    """Gradients of untrained networks: every variant, a suffix of the grammar, at every depth from every seed."""

    families: list[Literal["resnet", "plain"]] = Field(min_length=1)
    variants: list[str] = Field(min_length=1)
    depths: list[int] = Field(min_length=1)
    seeds: list[Seed] = Field(min_length=1)
    samples: int = Field(ge=2)
    inputs: int = Field(ge=4)

    _distinct = field_validator("families", "variants", "depths", "seeds")(distinct)

    @property
    def networks(self) -> list[str]:
        """Names, variant by variant, then family by family, then by depth."""
        return [
            f"{family}{depth}{variant}"
            for variant in self.variants
            for family in self.families
            for depth in self.depths
        ]

    @field_validator("depths")
    @classmethod
    def _buildable(cls, depths: list[int]) -> list[int]:
        for depth in depths:
            parse_name(f"plain{depth}")
        return depths

    @field_validator("variants")
    @classmethod
    def _suffixes(cls, variants: list[str]) -> list[str]:
        for variant in variants:
            parse_name(f"plain8{variant}")
        return variants


class Gradients(Section):
    """Gradients at every checkpoint, and how far they hold along the step that they suggest."""

    samples: int = Field(ge=2)
    step_samples: int = Field(ge=2)
    steps: list[Positive] = Field(min_length=1)


class Clipping(Section):
    """Short trainings of networks whose gradients may explode, with and without clipping."""

    networks: list[str] = Field(min_length=1)
    seeds: list[Seed] = Field(min_length=1)
    learning_rate: Positive
    batch_size: int = Field(ge=1)
    steps: int = Field(ge=1)
    largest_norm: Positive

    _named = field_validator("networks")(of_the_grammar)
    _distinct = field_validator("seeds")(distinct)
