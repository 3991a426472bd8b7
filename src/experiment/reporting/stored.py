"""Results as stages stored them; of checkpoints of equal training loss those with another network to be compared with."""

from pathlib import Path
from typing import Any

from experiment.evidence import evidence_path
from experiment.storage import read_json

NO_COUNTERPART = "no other network of its depth to be compared with at equal training loss"


def read_result(path: Path) -> Any:
    """A stage's JSON file; FileNotFoundError with the remedy."""
    try:
        return read_json(path)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path} not found: it is made by an earlier stage; run `dvc repro`"
        ) from None


def matched_checkpoint(matching: dict[str, Any], network: str, seed: int) -> dict[str, Any] | None:
    """A run's checkpoint at equal loss in matching.json: epoch, loss, and its group's target_loss and hardest.

    None where the run diverged, and where no other network of its depth is there to be compared with.
    """
    for group in matching.get(str(seed), {}).values():
        if network in group["networks"] and len(group["networks"]) > 1:
            shared = {key: group[key] for key in ("target_loss", "hardest")}
            return group["networks"][network] | shared
    return None


def comparable_evidence(matching: dict[str, Any], instrument: str, network: str, seed: int) -> dict[str, Any]:
    """What an instrument left of one run: curvature, sharpness, gradients or robustness.

    What was measured at equal training loss is left out, with the reason, where no other network was matched.
    """
    found = read_result(evidence_path(instrument, network, seed))
    if "states" not in found or matched_checkpoint(matching, network, seed) is not None:
        return found
    matched = found["states"]["matched"]
    alone = matched if matched["reason"] is not None else {"reason": NO_COUNTERPART}
    return (
        found | {"states": found["states"] | {"matched": alone}} | ({"map": alone} if "map" in found else {})
    )
