"""Checkers for JSON shapes: each checks one value and records its errors with their path."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Findings:
    """The errors of one payload, and totals for rules about the whole payload."""

    surface: str
    problems: list[str] = field(default_factory=list)
    block_ids: list[str] = field(default_factory=list)
    action_ids: list[str] = field(default_factory=list)
    totals: dict[str, int] = field(default_factory=dict)

    def wrong(self, path: str, words: str) -> None:
        """Record an error."""
        self.problems.append(f"{words} [json-pointer:{path}]")

    def add(self, total: str, amount: int) -> None:
        """Add to one of the totals."""
        self.totals[total] = self.totals.get(total, 0) + amount


Check = Callable[[Any, str, Findings], None]


def string(most: int, least: int = 1) -> Check:
    """A string with a length from `least` to `most`."""

    def check(value: Any, path: str, found: Findings) -> None:
        if not isinstance(value, str):
            found.wrong(path, "must be a string")
        elif len(value) < least:
            found.wrong(path, f"must be at least {least} characters")
        elif len(value) > most:
            found.wrong(path, f"must be less than {most + 1} characters")

    return check


def flag(value: Any, path: str, found: Findings) -> None:
    """A boolean."""
    if not isinstance(value, bool):
        found.wrong(path, "must be a boolean")


def number(least: float = float("-inf"), most: float = float("inf"), *, whole: bool = False) -> Check:
    """A number in a range, `least` and `most` included."""

    def check(value: Any, path: str, found: Findings) -> None:
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            found.wrong(path, "must be a number")
        elif not least <= value <= most:
            found.wrong(path, f"must be between {least:g} and {most:g}")

    return check


def one_of(*values: str) -> Check:
    """One of the given values."""

    def check(value: Any, path: str, found: Findings) -> None:
        if value not in values:
            found.wrong(path, f"must be one of {', '.join(values)}")

    return check


def array(item: Check, most: int, least: int = 1) -> Check:
    """A list with `least` to `most` items."""

    def check(value: Any, path: str, found: Findings) -> None:
        if not isinstance(value, list):
            found.wrong(path, "must be an array")
            return
        if len(value) > most:
            found.wrong(path, f"no more than {most} items allowed")
        if len(value) < least:
            found.wrong(path, f"must have at least {least} items")
        for index, each in enumerate(value):
            item(each, f"{path}/{index}", found)

    return check


def shape(
    fields: Mapping[str, Check], required: tuple[str, ...] = (), also: tuple[Check, ...] = (), kind: str | None = None
) -> Check:
    """An object with these fields and no others; `also` are rules about the whole object."""

    def check(value: Any, path: str, found: Findings) -> None:
        if not isinstance(value, dict):
            found.wrong(path, "must be an object")
            return
        if kind is not None and value.get("type") != kind:
            found.wrong(f"{path}/type", f"must be {kind}")
        for name in required:
            if name not in value:
                found.wrong(path, f"missing required field: {name}")
        for name, held in value.items():
            if name in fields:
                fields[name](held, f"{path}/{name}", found)
            elif name != "type":
                found.wrong(f"{path}/{name}", f"invalid additional property: {name}")
        for rule in also:
            rule(value, path, found)

    return check


def by_type(kinds: Mapping[str, Check], what: str) -> Check:
    """An object whose `type` chooses its shape."""

    def check(value: Any, path: str, found: Findings) -> None:
        if not isinstance(value, dict):
            found.wrong(path, "must be an object")
            return
        chosen = kinds.get(str(value.get("type")))
        if chosen is None:
            found.wrong(f"{path}/type", f"unsupported type: {value.get('type')!r:.60} is no {what} allowed here")
        else:
            chosen(value, path, found)

    return check
