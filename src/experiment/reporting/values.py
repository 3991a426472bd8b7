"""Single values that the paper names: \\fact{dataset}, \\fact{fingerprint}, \\param{surface.points}."""

from collections.abc import Callable

from experiment.published import PUBLISHED_ERRORS, PublishedErrors
from experiment.reporting.judgement import NOISE_SHARE
from experiment.reporting.latex import enumeration, escape, named, percentage
from experiment.reporting.parameters import parameter_leaves, parameter_text
from experiment.reporting.results import Results
from experiment.storage import parameters_hash

WATERMARKS = {"smoke": "SMOKE SCALE --- not a result"}


def watermark(results: Results) -> str:
    return WATERMARKS.get(results.scale, "")


def fingerprint(results: Results) -> str:
    return breakable_hash(results.dataset["fingerprint"])


def parameters_fingerprint(results: Results) -> str:
    return breakable_hash(parameters_hash(results.parameters))


def breakable_hash(digest: str) -> str:
    """A hexadecimal digest in groups of eight between which a line may break."""
    groups = [digest[start : start + 8] for start in range(0, len(digest), 8)]
    broken = r"\allowbreak ".join(groups)
    return rf"\texttt{{{broken}}}"


def published_note() -> str:
    """The remarks that go with published errors."""
    return "; ".join(f"{cited(entry)}: {escape(entry.note)}" for entry in PUBLISHED_ERRORS if entry.note)


def cited(entry: PublishedErrors) -> str:
    """`He et al. (2016a), Table 6`, by the citation's key."""
    return rf"\citet{{{entry.citation}}}" + (f", {escape(entry.place)}" if entry.place else "")


def network_list(results: Results) -> str:
    return named(results.study.networks)


def seed_list(results: Results) -> str:
    seeds = results.study.seeds
    return ("seed " if len(seeds) == 1 else "seeds ") + enumeration(list(map(str, seeds)))


def one_seed(results: Results) -> str:
    """Empty with several seeds: by that the paper tells whether to speak of errors over directions."""
    return "one seed" if len(results.study.seeds) == 1 else ""


FACTS: dict[str, Callable[[Results], str]] = {
    "scale": lambda results: results.scale,
    "watermark": watermark,
    "dataset": lambda results: escape(results.dataset_title),
    "classes": lambda results: str(len(results.dataset["classes"])),
    "noise_share": lambda results: percentage(NOISE_SHARE),
    "chance_loss": lambda results: f"{results.chance_loss:.2f}",
    "fingerprint": fingerprint,
    "parameters_hash": parameters_fingerprint,
    "published_note": lambda results: published_note(),
    "networks": network_list,
    "seeds": seed_list,
    "one_seed": one_seed,
}


def parameter_values() -> dict[str, str]:
    """Every leaf of params.yaml as LaTeX text, by its dotted key."""
    return {leaf.key: escape(parameter_text(leaf.value)) for leaf in parameter_leaves()}
