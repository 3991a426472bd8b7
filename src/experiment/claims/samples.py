"""The observations that a claim is judged by: matched pairs, scatters of runs, contrasts; and what is missing."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from experiment.claims.quantities import NotMeasured, Quantity, first_to_last_layer, known
from experiment.dial import dials, shared_decays, strength
from experiment.evidence import CLIPPING, ablation_path
from experiment.intervals import Contrast, Observation
from experiment.pairs import Pair, pairs
from experiment.reporting.results import Results
from experiment.storage import read_json
from flatness.names import parse_name

VANISHED = (
    -1.0
)  # log10 of the first over the last layer's gradient norm below which a gradient has vanished; ours
DECAYS = "weight decays"


@dataclass(frozen=True)
class Point:
    """One run in a scatter; points of different strata are not compared with each other."""

    run: str
    seed: int
    x: float
    y: float
    stratum: str = ""


@dataclass
class Sample:
    """What was found, of one kind, and for what was not the reasons."""

    kind: str  # pairs, scatter, networks (a scatter whose runs of one network hang together), doses or contrasts
    observations: list[Observation] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    contrasts: list[Contrast] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    strata: str = "pairs of networks"  # what the estimate is a mean over, where it is one
    comparison: str | None = None  # where it depends on what was found; else that of the claim

    @property
    def seeds(self) -> set[int]:
        return {entry.seed for entry in (*self.observations, *self.points, *self.contrasts)}

    @property
    def size(self) -> int:
        """How many entries the estimate rests on: observations, or networks where these are correlated."""
        if self.kind == "networks":
            return len({point.run for point in self.points})
        return len(self.observations) + len(self.points) + len(self.contrasts)

    def add(self, name: str, find: Callable[[], None]) -> None:
        """Run `find`, which adds an entry; where that is not measured keep the reason."""
        try:
            find()
        except NotMeasured as reason:
            self.missing.append(f"{name}: {reason}")


def matched_pairs(results: Results, measure: Quantity) -> Sample:
    """Residual and plain network of every declared pair and seed."""
    return own_pairs(results, lambda pair: measure)


def own_pairs(results: Results, measure_of: Callable[[Pair], Quantity]) -> Sample:
    """`matched_pairs` by a measure of the pair's own."""
    sample = Sample("pairs")
    for pair in pairs(results.study.networks):
        for seed in results.study.seeds:

            def find(pair=pair, seed=seed) -> None:
                sides = (tuple(measure_of(pair)(results, name, seed)) for name in (pair.residual, pair.plain))
                sample.observations.append(Observation(f"{pair.residual}, {pair.plain}", seed, *sides))

            sample.add(f"{pair.residual} and {pair.plain}, seed {seed}", find)
    return sample


def initial_pairs(results: Results, variant: str, measure: Callable[[str, int], list[float]]) -> Sample:
    """Untrained residual and plain networks of every depth and seed of one declared variant."""
    declared = results.parameters["initialisation"]
    sample = Sample("pairs", strata="depths")
    if variant not in declared["variants"] or not {"resnet", "plain"} <= set(declared["families"]):
        sample.missing.append(f"variant {variant!r} of both families is not declared in initialisation")
        return sample
    for depth in declared["depths"]:
        for seed in declared["seeds"]:
            names = [f"{family}{depth}{variant}" for family in ("resnet", "plain")]

            def find(depth=depth, seed=seed, names=names) -> None:
                sides = (tuple(measure(name, seed)) for name in names)
                sample.observations.append(Observation(f"depth {depth}", seed, *sides))

            sample.add(f"{names[0]} and {names[1]}, seed {seed}", find)
    return sample


def vanishing_pairs(results: Results, variant: str) -> Sample:
    """`initial_pairs` at the depths at which gradients vanish: elsewhere nothing is to be prevented.

    They vanish where log10 of the first over the last layer's norm, a mean over seeds and both families, lies below
    VANISHED. By the plain networks alone depths would be picked at which these have come out low by chance.
    """
    found = initial_pairs(results, variant, first_to_last_layer)
    both: dict[str, list[float]] = {}
    for observation in found.observations:
        both.setdefault(observation.stratum, []).extend([*observation.first, *observation.second])
    vanished = [o for o in found.observations if mean(both[o.stratum]) < VANISHED]
    if found.observations and not vanished:
        found.missing.append(
            "no gradient vanishes: the first layer's is nowhere below a tenth of the last's, in the mean of both families"
        )
    return replace(found, observations=vanished)


def depth_effect(results: Results, family: str, measure: Quantity) -> Sample:
    """Depth and measure of every unvaried run of a family; of two depths alone, which ranks say little of, pairs by seed."""
    networks = [name for (own, _), name in sorted(results.standard_networks().items()) if own == family]
    if len(networks) != 2:
        return scatter(
            [(name, seed) for name in networks for seed in results.study.seeds],
            lambda name, seed: (float(parse_name(name).depth), mean(measure(results, name, seed))),
            comparison="rank correlation with depth",
        )
    shallow, deep = networks
    sample = Sample("pairs", comparison=f"{deep} minus {shallow}")
    for seed in results.study.seeds:

        def find(seed=seed) -> None:
            sides = (tuple(measure(results, network, seed)) for network in (deep, shallow))
            sample.observations.append(Observation(f"{deep}, {shallow}", seed, *sides))

        sample.add(f"{deep} and {shallow}, seed {seed}", find)
    return sample


def run_scatter(results: Results, x: Quantity, y: Quantity) -> Sample:
    """Two quantities of every run."""
    return scatter(
        results.study.runs,
        lambda name, seed: (mean(x(results, name, seed)), mean(y(results, name, seed))),
        kind="networks",
    )


def scatter(
    runs: Iterable[tuple[str, int]],
    place: Callable[[str, int], tuple[float, float]],
    kind: str = "scatter",
    comparison: str | None = None,
) -> Sample:
    sample = Sample(kind, comparison=comparison)
    for name, seed in runs:

        def find(name=name, seed=seed) -> None:
            sample.points.append(Point(name, seed, *place(name, seed)))

        sample.add(f"{name}, seed {seed}", find)
    return sample


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def clipping_pairs(results: Results, measure: Callable[[dict, float], float]) -> Sample:
    """With and without clipping, every network and seed that it touches: some gradient without it is longer than allowed.

    `measure` is of (run, loss of guessing).
    """
    runs = {(run["network"], run["seed"], run["clipped"]): run for run in read_json(CLIPPING)["runs"]}
    bound = results.parameters["clipping"]["largest_norm"]
    sample = Sample("pairs", strata="networks")
    for network, seed in dict.fromkeys((network, seed) for network, seed, _ in runs):

        def find(network=network, seed=seed) -> None:
            clipped, unclipped = (runs[network, seed, c] for c in (True, False))
            if not is_touched(unclipped, bound):
                raise NotMeasured("no gradient of it is long enough to be clipped")
            sides = ((measure(run, results.chance_loss),) for run in (clipped, unclipped))
            sample.observations.append(Observation(network, seed, *sides))

        sample.add(f"{network}, seed {seed}", find)
    return sample


def is_touched(unclipped: dict, bound: float) -> bool:
    """Whether some gradient of an unclipped run is longer than clipping allows, or no number."""
    return any(norm is None or norm > bound for norm in unclipped["gradient_norms"])


def broken(run: dict, chance: float) -> float:
    """1 for a run whose loss or weights ceased to be finite, else 0."""
    return float(run["diverged_step"] is not None)


def nothing_learnt(run: dict, chance: float) -> float:
    """Last loss over that of guessing, at most 1: a run that broke, or ends above chance, has learnt nothing."""
    if run["diverged_step"] is not None or run["final_loss"] is None:
        return 1.0
    return min(1.0, run["final_loss"] / chance)


def ablation_value(network: str, decay: float, seed: int, key: str) -> float:
    found = read_json(ablation_path(network, decay, seed))
    if found[key] is None and found["reason"] is not None:
        raise NotMeasured(found["reason"])
    return known(found[key], key)


def dose_trend(results: Results, key: str) -> Sample:
    """Strength B and a measure of every run of the dial; runs of one weight decay are compared."""
    declared = results.parameters["ablation"]
    sample = Sample("doses", strata=DECAYS)
    found = dials(declared)
    if not found:
        sample.missing.append("ablation declares fewer than three strengths of the shortcut")
    runs = [(network, decay) for decay, networks in found.items() for network in networks]
    for network, decay in runs:
        for seed in declared["seeds"]:

            def find(network=network, decay=decay, seed=seed) -> None:
                value = ablation_value(network, decay, seed, key)
                sample.points.append(
                    Point(network, seed, strength(network), value, f"weight decay {decay:g}")
                )

            sample.add(f"{network}, weight decay {decay:g}, seed {seed}", find)
    return sample


def type_pairs(results: Results, key: str) -> Sample:
    """Projection beside identity shortcut."""
    declared, sample = results.parameters["ablation"], Sample("pairs", strata=DECAYS)
    depth = parse_name(declared["networks"][0]).depth
    names = (f"resnet{depth}-projection", f"resnet{depth}")
    for decay, seed in each(declared, names, sample):

        def find(decay=decay, seed=seed) -> None:
            sides = ((ablation_value(name, decay, seed, key),) for name in names)
            sample.observations.append(Observation(f"weight decay {decay:g}", seed, *sides))

        sample.add(f"weight decay {decay:g}, seed {seed}", find)
    return sample


def activation_contrasts(results: Results, key: str) -> Sample:
    """Residual and plain network with tanh, and with relu."""
    declared, sample = results.parameters["ablation"], Sample("contrasts", strata=DECAYS)
    families = [pair_of(declared, suffix) for suffix in ("-tanh", "")]
    for decay, seed in each(declared, [name for pair in families for name in pair], sample):

        def find(decay=decay, seed=seed) -> None:
            tanh, relu = (shortcut_values(pair, decay, seed, key) for pair in families)
            sample.contrasts.append(Contrast(f"weight decay {decay:g}", seed, tanh, relu))

        sample.add(f"weight decay {decay:g}, seed {seed}", find)
    return sample


def regularisation_contrasts(results: Results, key: str) -> Sample:
    """Residual and plain network with the largest weight decay, and with the smallest."""
    declared, sample = results.parameters["ablation"], Sample("contrasts")
    pair = pair_of(declared, "")
    decays = shared_decays(declared, pair)
    if len(decays) < 2:
        sample.missing.append(f"ablation declares {' and '.join(pair)} with fewer than two weight decays")
        return sample
    low, high = min(decays), max(decays)
    for seed in declared["seeds"]:

        def find(seed=seed) -> None:
            on, off = (shortcut_values(pair, decay, seed, key) for decay in (high, low))
            sample.contrasts.append(Contrast(f"weight decay {high} and {low}", seed, on, off))

        sample.add(f"seed {seed}", find)
    return sample


def pair_of(declared: dict, suffix: str) -> tuple[str, str]:
    """The residual and the plain network of the ablation's depth."""
    depth = parse_name(declared["networks"][0]).depth
    return f"resnet{depth}{suffix}", f"plain{depth}{suffix}"


def shortcut_values(pair: tuple[str, str], decay: float, seed: int, key: str) -> tuple[float, float]:
    """The residual and the plain network's value."""
    residual, plain = (ablation_value(network, decay, seed, key) for network in pair)
    return residual, plain


def each(declared: dict, networks: Sequence[str], sample: Sample) -> list[tuple[float, int]]:
    """Weight decays with which all the networks are trained, with every seed; without any, `sample` is told."""
    decays = shared_decays(declared, networks)
    if not decays:
        sample.missing.append(f"ablation declares no weight decay with all of {', '.join(networks)}")
    return [(decay, seed) for decay in decays for seed in declared["seeds"]]
