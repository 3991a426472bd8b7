"""What the instruments of evidence leave, one JSON file per run, and the parts of one that outlive a kill."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiment.storage import progress_path, replacing, run_name

INITIALISATION = Path("results/initialisation.json")
CLIPPING = Path("results/clipping.json")
CLAIMS = Path("results/claims.json")


def evidence_path(instrument: str, network: str, seed: int) -> Path:
    """`instrument` is one of curvature, sharpness, gradients, robustness."""
    return Path("results", instrument, f"{run_name(network, seed)}.json")


def ablation_path(network: str, weight_decay: float, seed: int) -> Path:
    return Path("results/ablation", f"{network}-decay{weight_decay}-{seed}.json")


class Parts:
    """The parts of one measurement by name, each kept as soon as it is known and keyed by all it depends on.

    Values are plain (numbers, text, lists, dicts; NaN and infinity allowed). `remove` it once the result is stored.
    """

    def __init__(self, stage: str, *depends_on: Any):
        self.path = progress_path(stage, *depends_on)
        self._known: dict[str, Any] = json.loads(self.path.read_text()) if self.path.exists() else {}

    def get(self, name: str, measure: Callable[[], Any]) -> Any:
        """The part `name`, measured now unless it was before. A part reads back as JSON has it, lists for tuples."""
        if name not in self._known:
            self._known[name] = json.loads(json.dumps(measure()))
            with replacing(self.path) as temporary:
                temporary.write_text(json.dumps(self._known))
        return self._known[name]

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
