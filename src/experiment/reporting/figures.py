"""The figures that the paper includes, as figures/NAME.pdf."""

FIGURES = (
    "training_curves",
    "surfaces_3d",
    "contours",
    "contours_matched",
    "cuts",
    "recomputed",
    "line",
    "trajectory",
    "spectra",
    "convexity",
    "sharpness",
    "initialisation",
    "gradients",
    "clipping",
    "robustness",
    "ablation",
    "trials",
    "claims",
)
