"""Published numbers and settings that stand beside ours, each with its source. Test errors on CIFAR-10 in per cent.

Keys of `errors` are depths; `citation` is the source's key in paper/references.bib.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class PublishedErrors:
    """Test errors of one family of networks as one source reports them."""

    citation: str
    place: str  # in the source, if any needs naming
    family: str  # resnet or plain
    errors: dict[int, float]  # per cent, by depth
    note: str = ""
    means: dict[int, float] = field(default_factory=dict)  # over runs, where `errors` has the best of several


PUBLISHED_ERRORS = (
    PublishedErrors(
        "he2016deep",
        "Table 6",
        "resnet",
        {20: 8.75, 32: 7.51, 44: 7.17, 56: 6.97, 110: 6.43},
        "depth 110: best of five runs, mean 6.61, standard deviation 0.16",
        {110: 6.61},
    ),
    PublishedErrors(
        "idelbayev2018proper",
        "",
        "resnet",
        {20: 8.27, 32: 7.37, 44: 6.90, 56: 6.61, 110: 6.32},
        "an independent re-run",
    ),
    PublishedErrors(
        "li2018visualizing",
        "Fig. 5",
        "resnet",
        {20: 7.37, 56: 5.89, 110: 5.79},
        "projection shortcuts",
    ),
    PublishedErrors("li2018visualizing", "Fig. 5", "plain", {20: 8.18, 56: 13.31, 110: 16.44}),
)

# Millions of parameters by depth, shortcuts of option A: He et al. 2016, Table 6.
PUBLISHED_PARAMETERS = {20: 0.27, 32: 0.46, 44: 0.66, 56: 0.85, 110: 1.7}

PUBLISHED_EPOCHS = {"he2016deep": 164, "li2018visualizing": 300}  # sections 4.2 and 6 (128 images a step)
LI_SURFACE_POINTS = (
    51  # per axis, of their figures' planes and of the map of eigenvalues on them; their code's default
)
LI_LINE_POINTS = 401  # their code's README
GHORBANI_STEPS = 90  # Lanczos steps of a spectral density; Ghorbani et al. 2019


def published_mean_error(citation: str, family: str, depth: int) -> float | None:
    """The test error in per cent that a source reports, its mean over runs where it has several; None for none."""
    for entry in PUBLISHED_ERRORS:
        if entry.citation == citation and entry.family == family:
            return entry.means.get(depth, entry.errors.get(depth))
    return None
