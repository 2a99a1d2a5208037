"""Settings of maintenance windows: weekdays, time of day, length, and what they mute."""

from collections.abc import Sequence
from datetime import time
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from bot.common.durations import seconds_in_settings
from bot.common.moments import WEEKDAYS
from bot.config.types import Timezone

MAX_LENGTH = 86400.0
MAX_WEEK = 84 * 3600.0
_DAYS = "write weekdays such as [sat, sun] or mon-fri"
_START = "write a time of day such as 22:00"
_MINUTES = 24 * 60
_SHORTEST = 300.0
_LETTERS = 3
MAX_WINDOWS = 20
_DAYS_SHOWN = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
_START_SHOWN = {
    "anyOf": [
        {"type": "string", "pattern": r"^\s*[0-9]{1,2}:[0-9]{2}\s*$"},
        {"type": "integer", "minimum": 0, "maximum": _MINUTES - 1},
    ]
}
"""The forms in the JSON Schema: YAML reads 22:00 without quotes as a number of minutes."""


def _weekdays(value: object) -> object:
    """Read `sat`, `[sat, sun]`, `mon-fri` or `daily` as numbers; 0 is Monday."""
    words = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(words, Sequence) or not words or not all(isinstance(word, str) for word in words):
        raise ValueError(_DAYS)
    found: set[int] = set()
    for word in words:
        if word.lower() == "daily":
            found |= set(range(len(WEEKDAYS)))
            continue
        first, _, last = word.partition("-")
        begin, end = _weekday(first), _weekday(last or first)
        found |= {(begin + day) % len(WEEKDAYS) for day in range((end - begin) % len(WEEKDAYS) + 1)}
    return tuple(sorted(found))


def _weekday(word: str) -> int:
    name = word.strip().lower()
    if name[:_LETTERS] not in WEEKDAYS or not (len(name) == _LETTERS or name.endswith("day")):
        raise ValueError(_DAYS)
    return WEEKDAYS.index(name[:_LETTERS])


def _start(value: object) -> object:
    """Read `22:00`; YAML reads it without quotes as a number of minutes."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MINUTES:
        return time(*divmod(value, 60))
    if isinstance(value, str):
        hour, _, minute = value.strip().partition(":")
        if hour.isdecimal() and minute.isdecimal() and len(hour) <= 2 and len(minute) == 2:  # noqa: PLR2004 - digits
            try:
                return time(int(hour), int(minute))
            except ValueError as error:
                raise ValueError(_START) from error
    raise ValueError(_START)


class WindowSettings(BaseModel):
    """One weekly maintenance window of a cluster: when it is, and which alerts it mutes."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    name: Annotated[str, Field(min_length=1, max_length=60)]
    weekdays: Annotated[tuple[int, ...], BeforeValidator(_weekdays), WithJsonSchema(_DAYS_SHOWN)]
    start: Annotated[time, BeforeValidator(_start), WithJsonSchema(_START_SHOWN)]
    length: Annotated[float, BeforeValidator(seconds_in_settings), Field(ge=_SHORTEST, le=MAX_LENGTH)]
    timezone: Timezone | None = None
    rules: Annotated[tuple[str, ...], Field(max_length=60)] = ()
    severities: Annotated[tuple[Literal["info", "warning", "critical"], ...], Field(min_length=1)] = ("info", "warning")
    reason: Annotated[str, Field(max_length=300)] = ""

    @model_validator(mode="after")
    def _within_a_week(self) -> Self:
        if len(self.weekdays) * self.length > MAX_WEEK:
            raise ValueError(_too_much(self.name))
        return self


def _too_much(name: str) -> str:
    return (
        f"the window {name!r} would mute more than half of each week (84 hours): shorten it, or change the rules of "
        "the alerts that should never come"
    )


def _together(windows: tuple[WindowSettings, ...]) -> tuple[WindowSettings, ...]:
    names = [window.name for window in windows]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two maintenance windows are called {doubled[0]!r}: give each another name")
    if windows and sum(len(window.weekdays) * window.length for window in windows) > MAX_WEEK:
        raise ValueError(
            "all maintenance windows of a cluster together last at most 84 hours a week: shorten them, or change the "
            "rules of the alerts that should never come"
        )
    return windows


Windows = Annotated[tuple[WindowSettings, ...], Field(max_length=MAX_WINDOWS), AfterValidator(_together)]
