"""Draw every figure of the paper from the stored results, each as its module in `figures` says."""

from figures import (
    draw_ablation,
    draw_claims,
    draw_clipping,
    draw_contours,
    draw_contours_matched,
    draw_convexity,
    draw_cuts,
    draw_gradients,
    draw_initialisation,
    draw_line,
    draw_recomputed,
    draw_robustness,
    draw_sharpness,
    draw_spectra,
    draw_surfaces_3d,
    draw_training_curves,
    draw_trajectory,
    draw_trials,
)
from figures.style import write_figure

DRAWN = {
    "ablation": draw_ablation.draw,
    "claims": draw_claims.draw,
    "clipping": draw_clipping.draw,
    "contours": draw_contours.draw,
    "contours_matched": draw_contours_matched.draw,
    "convexity": draw_convexity.draw,
    "cuts": draw_cuts.draw,
    "gradients": draw_gradients.draw,
    "initialisation": draw_initialisation.draw,
    "line": draw_line.draw,
    "recomputed": draw_recomputed.draw,
    "robustness": draw_robustness.draw,
    "sharpness": draw_sharpness.draw,
    "spectra": draw_spectra.draw,
    "surfaces_3d": draw_surfaces_3d.draw,
    "training_curves": draw_training_curves.draw,
    "trajectory": draw_trajectory.draw,
    "trials": draw_trials.draw,
}


def main() -> None:
    for name, draw in DRAWN.items():
        write_figure(name, draw)


if __name__ == "__main__":
    main()
