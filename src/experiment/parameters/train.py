"""The section `train`: how every declared network is trained."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from experiment.parameters.loading import Section, parse

Epoch = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Recipe(Section):
    """Optimisation, schedule and augmentation; the fields of `flatness.training.Recipe`."""

    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=2)
    learning_rate: float = Field(gt=0, allow_inf_nan=False)
    schedule: Literal["he2016", "li2018", "one_cycle"]
    warmup_steps: int = Field(ge=0)
    momentum: float = Field(ge=0, lt=1)
    nesterov: bool
    weight_decay: float = Field(ge=0, allow_inf_nan=False)
    crop_padding: int = Field(ge=0, le=16)
    flip: bool


class Train(Section):
    """`recipe` for all networks, `overrides` of single fields by network, `checkpoint_epochs` kept of each run."""

    recipe: Recipe
    overrides: dict[str, dict[str, Any]]
    checkpoint_epochs: list[Epoch] = Field(min_length=1)

    @field_validator("checkpoint_epochs")
    @classmethod
    def _ascending(cls, epochs: list[float]) -> list[float]:
        if epochs != sorted(set(epochs)):
            raise ValueError("expected ascending epochs without repetition")
        return epochs

    def recipe_for(self, network: str) -> Recipe:
        """The recipe with the network's overrides; ParameterError where an override is not of the recipe."""
        fields = self.recipe.model_dump() | self.overrides.get(network, {})
        return parse(fields, Recipe, f"train.overrides.{network}")

    def checkpoints_for(self, network: str) -> tuple[float, ...]:
        """The checkpoint epochs within the network's budget, and its last epoch."""
        last = self.recipe_for(network).epochs
        return (*(epoch for epoch in self.checkpoint_epochs if epoch < last), float(last))
