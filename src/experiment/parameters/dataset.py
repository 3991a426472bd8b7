"""The section `dataset`: which images, and where they come from."""

from typing import Literal

from pydantic import Field, model_validator

from experiment.parameters.loading import Section
from experiment.sources import OFFICIAL


class Dataset(Section):
    """`source` is `official`, the address of a mirror, or the path of a folder or archive.

    The digits come with scikit-learn, so that `official` is their only source; `images` are the user's
    own, so that only a folder or an archive of this machine can hold them.
    """

    name: Literal["cifar10", "cifar100", "digits", "images"]
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _source_fits_name(self) -> "Dataset":
        if self.name == "digits" and self.source != OFFICIAL:
            raise ValueError("expected source: official, since the digits come with scikit-learn")
        if self.name == "images" and self.source == OFFICIAL:
            raise ValueError(
                "expected the path of a folder or archive as source, since images have no official one"
            )
        return self
