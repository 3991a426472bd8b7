"""Where the study departs from the originals and what it leaves out, worded by params.yaml and the published settings."""

from experiment.dial import weight_decays
from experiment.published import GHORBANI_STEPS, LI_LINE_POINTS, LI_SURFACE_POINTS, PUBLISHED_EPOCHS
from experiment.reporting.landscape_tables import origins
from experiment.reporting.latex import enumeration, thousands
from experiment.reporting.results import Results
from experiment.reporting.wording import capital, count_noun
from flatness.names import parse_name

HE, LI = r"\citet{he2016deep}", r"\citet{li2018visualizing}"
SCHEDULES = {
    "he2016": "in the steps of the former",
    "li2018": "in the steps of the latter",
    "one_cycle": r"along one cycle \citep{smith2018super}",
}


def training(results: Results) -> str:
    """Epochs and schedule."""
    recipe = results.parameters["train"]["recipe"]
    he, li = PUBLISHED_EPOCHS["he2016deep"], PUBLISHED_EPOCHS["li2018visualizing"]
    return (
        f"{HE} train for about {he} epochs and {LI} for {li}, both lowering the learning rate in steps; we train for "
        f"{count_noun(recipe['epochs'], 'epoch')}, the rate changing {SCHEDULES[recipe['schedule']]}."
    )


def planes(results: Results) -> str:
    """Points of the planes, and images of each."""
    surface = results.parameters["surface"]
    sampled = surface["relative_error"] is not None
    images = r"each sampled as \cref{sec:method} says" if sampled else "each on the whole training set too"
    return (
        rf"{LI} evaluate {_square(LI_SURFACE_POINTS)} points on the whole training set; we {_square(surface['points'])}, "
        f"{images}."
    )


def line(results: Results) -> str:
    """What the line joins, its points and its batch-norm statistics."""
    points = results.parameters["surface"]["line"]["points"]
    return (
        f"Their line joins two solutions by {LI_LINE_POINTS} points and interpolates batch-norm statistics; ours runs from "
        rf"the initial to the final weights, as that of \citet{{goodfellow2015qualitatively}}, by {points} points, with "
        "statistics recomputed. On the plane of the trajectory ours are recomputed too."
    )


def curvature(results: Results) -> str:
    """Images and points of the curvature."""
    declared, images = results.parameters["curvature"], results.dataset["train"]["images"]
    spectra, plane = (thousands(min(part["samples"], images)) for part in (declared, declared["map"]))
    starts = count_noun(declared["density_draws"], "start")
    return (
        f"Their Hessians are of the whole training set, at every point of their planes; our spectra are of {spectra} of "
        f"{thousands(images)} images and our map is of {plane}, at {_square(declared['map']['points'])} points. Our densities take "
        rf"{declared['density_steps']} Lanczos steps from {starts}, those of \citet{{ghorbani2019investigation}} "
        f"{GHORBANI_STEPS}."
    )


def _square(points: int) -> str:
    return rf"${points}\times{points}$"


def kernels(results: Results) -> str:
    """That training ran on kernels of ours, where any of the table of provenance did."""
    trained = [origin for _, _, origin in origins(results)]
    said = {
        "compiled": "batch norm, addition and rectifier of training were one kernel of ours",
        "Winograd": (
            r"training's convolutions of $3\times3$ in blocks with batch norm were ours too, where the size of their images "
            r"allows: those of stride one by minimal filtering \citep{lavin2016fast}, whose transformed images, gradients and "
            "filters are rounded to bfloat16, and of those of stride two the gradients; filters' gradients are kept in float32"
        ),
    }
    used = {
        "compiled": any(origin.get("kernels") == "compiled" for origin in trained),
        "Winograd": any(origin.get("convolutions") == "winograd" for origin in trained),
    }
    return capital(
        "; ".join(f"where it says {word}, {what}" for word, what in said.items() if used[word])
    ) + ("." if any(used.values()) else "")


def scope(results: Results) -> str:
    """What of Li et al.'s experiments is not repeated."""
    widened = any(parse_name(network).width != 1 for network in results.study.networks)
    ablation = results.parameters["ablation"]
    omitted = [
        "small and large batches",
        "SGD and Adam",
        *([] if widened else ["wide residual networks"]),
        "VGG-9 and DenseNet-121",
    ]
    varied = len(weight_decays(ablation)) > 1
    depths = sorted({parse_name(network).depth for network in ablation["networks"]})
    decay = (
        "Weight decay, which they switch on and off as well, is varied in the ablation alone, in networks of depth "
        f"{enumeration(list(map(str, depths)))}."
        if varied
        else "Weight decay, which they switch on and off as well, is not varied."
    )
    return (
        f"Out of scope is what {LI} find of the landscapes of {'; of '.join(omitted)}: we compare networks that differ by the "
        f"shortcut. {decay}"
    )


DEVIATIONS_SENTENCES = {
    "deviation_training": training,
    "deviation_planes": planes,
    "deviation_line": line,
    "deviation_curvature": curvature,
    "deviation_kernels": kernels,
    "scope": scope,
}
