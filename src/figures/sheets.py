"""Sheets of equal panels placed in inches, which network has which panel, and a line where there are none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.style import FONT_SIZE, TEXT_WIDTH, depths, variant
from flatness.names import parse_name

PANELS_PER_ROW = 4
POINTS = 72  # in an inch


@dataclass(frozen=True)
class Sheet:
    """A figure with its panels, None where nothing belongs, and their outline (x0, y0, x1, y1) in inches."""

    figure: Figure
    panels: list[list[Axes | None]]
    outline: tuple[float, float, float, float]

    @property
    def axes(self) -> list[Axes]:
        """The panels, row by row."""
        return [axes for row in self.panels for axes in row if axes is not None]

    def entries(self, present: Sequence[Sequence]) -> Iterable[tuple[Axes, object, bool, bool]]:
        """(panel, entry, leftmost in its row, lowest in its column) of each panel."""
        for row, (axes_of_row, entries) in enumerate(zip(self.panels, present, strict=True)):
            for column, (axes, entry) in enumerate(zip(axes_of_row, entries, strict=True)):
                if axes is not None:
                    lowest = all(below[column] is None for below in self.panels[row + 1 :])
                    yield axes, entry, not any(axes_of_row[:column]), lowest


def place(figure: Figure, left: float, bottom: float, width: float, height: float, **options) -> Axes:
    """Axes placed in inches from the figure's lower left corner."""
    across, up = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / up, width / across, height / up), **options)


def line_of_text(text: str) -> Figure:
    """In the place of a figure that has nothing to show."""
    figure = Figure((TEXT_WIDTH, 3 * FONT_SIZE / POINTS))
    figure.text(0.5, 0.5, text, ha="center", va="center")
    return figure


def sheet_of_panels(
    present: Sequence[Sequence],
    widest: float,
    aspect: float = 1.0,
    margins: tuple[float, float, float, float] = (0.45, 0.55, 0.75, 0.25),
    gaps: tuple[float, float] = (0.12, 0.28),
    **options,
) -> Sheet:
    """Equal panels, at most `widest` inches wide and `aspect` times as high, centred in the text's width.

    `present` [rows][columns] has None where no panel belongs; `margins` are left, bottom, right and top,
    `gaps` between columns and between rows, all in inches; `options` are those of axes.
    """
    rows, columns = len(present), max(map(len, present))
    left, bottom, right, top = margins
    available = TEXT_WIDTH - left - right
    across = min(widest, (available - (columns - 1) * gaps[0]) / columns)
    up = across * aspect
    inner = (columns * across + (columns - 1) * gaps[0], rows * up + (rows - 1) * gaps[1])
    x0, y1 = left + (available - inner[0]) / 2, bottom + inner[1]
    figure = Figure(figsize=(TEXT_WIDTH, y1 + top))

    def panel(row: int, column: int) -> Axes:
        return place(
            figure, x0 + column * (across + gaps[0]), y1 - up - row * (up + gaps[1]), across, up, **options
        )

    panels = [
        [None if entry is None else panel(row, column) for column, entry in enumerate(entries)]
        for row, entries in enumerate(present)
    ]
    return Sheet(figure, panels, (x0, bottom, x0 + inner[0], y1))


def arrange(networks: Sequence[str]) -> list[list[str | None]]:
    """Networks on a sheet: one row, by depth, where they fit in it; otherwise a row per family (and variant) and a
    column per depth, or simply row by row where that would be a single column, too large or mostly empty."""
    if len(networks) <= PANELS_PER_ROW:
        return [sorted(networks, key=lambda network: parse_name(network).depth)]
    rows, columns = list(dict.fromkeys(map(variant, networks))), depths(networks)
    by_place = {(variant(network), parse_name(network).depth): network for network in networks}
    if 1 < len(columns) <= PANELS_PER_ROW and len(rows) <= 4 and 2 * len(networks) > len(rows) * len(columns):
        return [[by_place.get((row, depth)) for depth in columns] for row in rows]
    return in_rows(networks, PANELS_PER_ROW)


def in_rows(entries: Sequence, per_row: int) -> list[list]:
    """Entries row by row; the last of several rows is filled up with None."""
    rows = [list(entries[start : start + per_row]) for start in range(0, len(entries), per_row)]
    rows[-1] += [None] * (len(rows[0]) - len(rows[-1]))
    return rows
