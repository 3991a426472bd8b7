"""A log of measured points that outlives a kill: one line of JSON per point, appended as it is measured."""

import json
from pathlib import Path

from experiment.storage import progress_path, replacing

Rows = list[list[float]]


class PointLog:
    """The points of one measurement, keyed by all that they depend on; `remove` it once the result is stored.

    Numbers are written so that they read back bit for bit; a last line cut short by a kill is dropped.
    """

    def __init__(self, stage: str, *depends_on):
        self.path: Path = progress_path(stage, *depends_on)
        self.done: dict[int, Rows] = dict(_entries(self.path)) if self.path.exists() else {}
        with replacing(self.path) as temporary:  # without the broken line
            temporary.write_text("".join(map(_line, self.done.items())))
        self._file = open(self.path, "a")

    def append(self, index: int, rows: Rows) -> None:
        """Keep the rows of point `index`."""
        self._file.write(_line((index, rows)))
        self._file.flush()

    def remove(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


def _line(entry: tuple[int, Rows]) -> str:
    return json.dumps(entry) + "\n"


def _entries(path: Path):
    for line in path.read_text().splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            return
