"""Graphs of a dashboard as values: their queries, units and colours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

GREEN, YELLOW, RED = "green", "yellow", "red"


@dataclass(frozen=True, slots=True)
class Query:
    """One query and the legend of its series."""

    expression: str
    legend: str = "{{cluster}}"


@dataclass(frozen=True, slots=True)
class Graph:
    """Series over time, or with `now` their present values as figures or, with `rows`, as a table."""

    title: str
    queries: Sequence[Query]
    unit: str = "short"
    about: str = ""
    now: bool = False
    rows: bool = False
    steps: Sequence[tuple[float | None, str]] = ()
    stacked: bool = False
    width: int = 8
    height: int = 7
    names: Mapping[str, str] = field(default_factory=dict)
    """The texts of values: the value as text, and what stands for it."""


@dataclass(frozen=True, slots=True)
class Page:
    """One dashboard: rows of graphs by their titles; `variables` are asked from its labels."""

    name: str
    title: str
    about: str
    variables: Sequence[tuple[str, str, bool]]
    rows: Mapping[str, Sequence[Graph]]
