"""Published numbers that stand beside ours, each with its source. Test errors on CIFAR-10 in per cent.

Keys of `errors` are depths; `citation` is the source's key in paper/references.bib.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class PublishedErrors:
    """Test errors of one family of networks as one source reports them."""

    source: str
    citation: str | None
    family: str  # resnet or plain
    errors: dict[int, float]  # per cent, by depth
    note: str = ""
    means: dict[int, float] = field(default_factory=dict)  # over runs, where `errors` has the best of several


PUBLISHED_ERRORS = (
    PublishedErrors(
        "He et al. (2016), Table 6",
        "he2016deep",
        "resnet",
        {20: 8.75, 32: 7.51, 44: 7.17, 56: 6.97, 110: 6.43},
        "depth 110: best of five runs, mean 6.61, standard deviation 0.16",
        {110: 6.61},
    ),
    PublishedErrors(
        "akamaster/pytorch_resnet_cifar10",
        "idelbayev2018proper",
        "resnet",
        {20: 8.27, 32: 7.37, 44: 6.90, 56: 6.61, 110: 6.32},
        "an independent re-run",
    ),
    PublishedErrors(
        "Li et al. (2018), Fig. 5",
        "li2018visualizing",
        "resnet",
        {20: 7.37, 56: 5.89, 110: 5.79},
        "projection shortcuts",
    ),
    PublishedErrors(
        "Li et al. (2018), Fig. 5", "li2018visualizing", "plain", {20: 8.18, 56: 13.31, 110: 16.44}
    ),
)

# Millions of parameters by depth, shortcuts of option A: He et al. 2016, Table 6.
PUBLISHED_PARAMETERS = {20: 0.27, 32: 0.46, 44: 0.66, 56: 0.85, 110: 1.7}


def published_mean_error(citation: str, family: str, depth: int) -> float | None:
    """The test error in per cent that a source reports, its mean over runs where it has several; None for none."""
    for entry in PUBLISHED_ERRORS:
        if entry.citation == citation and entry.family == family:
            return entry.means.get(depth, entry.errors.get(depth))
    return None
