"""Figures of the bench: measurement, target and verdict of a row, and the printed table. No I/O."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: `ours` and `other` in `unit`; the result is their ratio, or `ours` alone where `absolute`.

    `note` is what the figures alone do not tell. `by_size` has the value at each size that was measured, for a plot.
    """

    name: str
    ours: float
    other: float
    unit: str
    target: float
    samples: int
    absolute: bool = False
    note: str = ""
    by_size: tuple[tuple[int, float], ...] = ()

    @property
    def result(self) -> float:
        """The value that is compared with the target."""
        return self.ours if self.absolute else self.ours / self.other

    @property
    def reached(self) -> bool:
        """True if the target is met."""
        return self.result <= self.target


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of `values` that at least `percent` percent of them do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def milliseconds(values: Sequence[float], percent: float = 50) -> float:
    """A percentile (the median by default) of durations in seconds, in ms."""
    middle = median(values) if percent == 50 else percentile(values, percent)
    return middle * 1000


def table(figures: Sequence[Figure]) -> Table:
    """The table that is printed."""
    shown = Table(title="cmbot bench", title_justify="left")
    for heading in ("what", "n", "cmbot", "compared with", "result", "target", "verdict"):
        shown.add_column(heading, justify="left" if heading in {"what", "verdict"} else "right")
    for figure in figures:
        shown.add_row(*_cells(figure))
    return shown


def notes(figures: Sequence[Figure]) -> Sequence[str]:
    """The lines below the table."""
    return [f"{figure.name}: {figure.note}" for figure in figures if figure.note]


def _cells(figure: Figure) -> tuple[str, ...]:
    mark = "" if figure.absolute else " x"
    return (
        figure.name,
        f"{figure.samples:,}",
        _amount(figure.ours, figure.unit),
        _amount(figure.other, figure.unit) if figure.other else "",
        _amount(figure.result, figure.unit) if figure.absolute else f"{figure.result:.2f}{mark}",
        f"≤ {figure.target:g}{f' {figure.unit}' if figure.absolute else mark}",
        "reached" if figure.reached else "MISSED",
    )


def _amount(value: float, unit: str) -> str:
    return f"{value:,.2f} {unit}" if unit == "ms" or value < 10 else f"{value:,.0f} {unit}"
