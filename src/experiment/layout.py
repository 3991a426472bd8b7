"""Where the measurements, figures and texts of a run lie; `storage` names what training leaves."""

from pathlib import Path

from experiment.storage import run_name

MATCHING = Path("results/matching.json")
ROUGHNESS = Path("results/roughness.json")
NUMBERS = Path("build/numbers.tex")
TABLES = Path("build/tables")
PAPER = Path("build/paper.pdf")
STATES = (
    "final",
    "matched",
)  # of a run's weights that are measured: its last, and those of equal training loss


def trajectory_path(network: str, seed: int) -> Path:
    return Path("results/trajectories", f"{run_name(network, seed)}.nc")


def surface_path(network: str, seed: int, view: str) -> Path:
    """`view` is one of final, recomputed, matched, cuts, matched_cuts, line."""
    return Path("results/surfaces", run_name(network, seed), f"{view}.nc")


def figure_path(name: str, suffix: str) -> Path:
    return Path("figures", f"{name}.{suffix}")
