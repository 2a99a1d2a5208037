"""Moments as people type them in commands: `22:00`, `sat 22:00`, `2026-11-28T22:00+01:00`, `+2h`. No I/O.

A time of day without a date is the next one. A time without a zone is one of the zone that the caller names. A time
that the clocks skip in spring counts from before the change; one that they show twice in autumn is the first of both.
"""

import re
import zoneinfo
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from bot.common.durations import seconds_of
from bot.common.frozen import frozen

MAX_MOMENT = 60
"""Maximum characters of a typed moment."""
EXPECTED_MOMENT = "a time such as 22:00, sat 22:00, 2026-11-28T22:00, with a zone behind it if needed, or +2h from now"
"""The expected form, for the error about a wrong moment."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The weekdays in order, Monday is 0."""

_DAY = r"(?P<date>\d{4}-\d{2}-\d{2})"
_NAMED = r"(?P<named>today|tomorrow|mon|tue|wed|thu|fri|sat|sun)(?:[a-z]*day)?"
_TIME = r"(?P<time>\d{1,2}:\d{2}(?::\d{2})?)"
_ZONE = r"\s*(?P<zone>z|utc|[+-]\d{2}:?\d{2}|[a-z]+(?:[/_+-][a-z0-9]+)+)"
_WHOLE = re.compile(rf"(?:(?:{_DAY}|{_NAMED})(?:[t\s]+|$))?(?:{_TIME})?(?:{_ZONE})?", re.ASCII | re.IGNORECASE)
_TODAY, _TOMORROW = "today", "tomorrow"


@frozen
class Moment:
    """A typed moment: `ahead` seconds from now, or a time of day with a date, a day, or neither.

    `day` is `today`, `tomorrow` or a weekday of WEEKDAYS. `zone` is None if none was typed.
    """

    ahead: float | None = None
    on: date | None = None
    day: str = ""
    at: time = time()
    zone: tzinfo | None = None

    def resolve(self, now: float, zone: tzinfo) -> float:
        """Return Unix seconds, for `now` and the zone of a time that names none."""
        if self.ahead is not None:
            return now + self.ahead
        place = self.zone or zone
        today = datetime.fromtimestamp(now, place).date()
        if self.on is not None:
            return _at(self.on, self.at, place)
        if self.day in WEEKDAYS:
            first = today + timedelta(days=(WEEKDAYS.index(self.day) - today.weekday()) % len(WEEKDAYS))
            return _next(first, self.at, place, now, step=len(WEEKDAYS))
        if self.day:
            return _at(today + timedelta(days=self.day == _TOMORROW), self.at, place)
        return _next(today, self.at, place, now, step=1)


def moment(typed: str) -> Moment:
    """Read a typed moment; raises ValueError with the expected form."""
    text = " ".join(typed.split())
    if text.lower() == "now":
        return Moment(0.0)
    with suppress(ValueError):
        return Moment(seconds_of(text.removeprefix("+")))
    found = _WHOLE.fullmatch(text)
    if found is None or not (found["date"] or found["time"]):
        raise ValueError(EXPECTED_MOMENT)
    try:
        on = date.fromisoformat(found["date"]) if found["date"] else None
        at = _time_of_day(found["time"] or "00:00")
    except ValueError as error:
        raise ValueError(EXPECTED_MOMENT) from error
    return Moment(None, on, (found["named"] or "").lower(), at, _zone(found["zone"]))


def at_local(day: date, at: time, zone: tzinfo) -> float:
    """Return Unix seconds of a time of day in a zone, the first of two, and of one that is skipped as before it."""
    return _at(day, at, zone)


def _at(day: date, at: time, zone: tzinfo) -> float:
    try:
        return datetime.combine(day, at, zone).timestamp()
    except (OverflowError, ValueError) as error:
        raise ValueError(EXPECTED_MOMENT) from error


def _next(first: date, at: time, zone: tzinfo, now: float, *, step: int) -> float:
    found = _at(first, at, zone)
    return found if found > now else _at(first + timedelta(days=step), at, zone)


def _time_of_day(typed: str) -> time:
    hour, _, rest = typed.partition(":")
    return time.fromisoformat(f"{hour:0>2}:{rest}")


def _zone(typed: str | None) -> tzinfo | None:
    if not typed:
        return None
    if typed.lower() in {"z", "utc"}:
        return UTC
    if typed[0] in "+-":
        with suppress(ValueError):
            return datetime.fromisoformat(f"2000-01-01T00:00{typed}").tzinfo
        raise ValueError(EXPECTED_MOMENT)
    try:
        return zoneinfo.ZoneInfo("/".join(map(_cased, typed.split("/"))))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(EXPECTED_MOMENT) from error


def _cased(part: str) -> str:
    """The spelling of the zone database: `new_york` is New_York; a word that has capitals stays as it is."""
    return "_".join(word.capitalize() if word.islower() else word for word in part.split("_"))
