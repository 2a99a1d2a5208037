"""Maintenance windows: the weekly times of the settings in which alerts of a cluster are muted. No I/O.

Each occurrence of a window becomes one silence, by the rules of silences: it lifts for an alert that gets worse, and a
person may end it early.
"""

import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from bot.alerting.model import Severity, Silence, WindowScope
from bot.common.frozen import frozen
from bot.common.moments import WEEKDAYS, at_local

WINDOW = "window"
"""The stored rule of the silence of a window; its subject is the window's name."""
MAX_WINDOW = 86400.0
"""Seconds; a longer one would never end where it is repeated every day."""
MAX_WEEK = 84 * 3600.0
"""Seconds of all windows of one cluster in a week: half of it. What should never alert is switched off by its rule."""
MILD = (Severity.INFO, Severity.WARNING)
"""The severities that a window mutes if it names none: critical alerts are posted."""


@frozen
class Occurrence:
    """One time of a window, in Unix seconds."""

    begins: float
    until: float


@frozen
class Window:
    """A weekly window of one cluster: on `weekdays` (0 is Monday) at `start` in `zone`, for `length` seconds.

    `rules` empty: all that a silence of `*` mutes. A start that the clocks skip in spring counts from before the
    change; one that they show twice in autumn is the first of both. The length is the time that passes.
    """

    cluster: str
    name: str
    weekdays: tuple[int, ...]
    start: time
    length: float
    zone: str
    rules: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = MILD
    reason: str = ""

    @property
    def key(self) -> str:
        """What tells it from other windows; a changed window is another one."""
        days = ",".join(WEEKDAYS[day] for day in self.weekdays)
        which = ",".join(self.rules) or "*"
        worst = ",".join(severity.name.lower() for severity in self.severities)
        return f"{self.name} {days} {self.start:%H:%M} {self.length:.0f} {self.zone} {which} {worst}"

    @property
    def job(self) -> str:
        """Name under which each occurrence is opened once, over all replicas and restarts."""
        return f"window {self.cluster} {self.key}"

    def current(self, now: float) -> Occurrence | None:
        """The occurrence that is under way, the latest to begin; None if there is none."""
        found = [each for each in self._around(now) if each.begins <= now < each.until]
        return max(found, key=lambda each: each.begins, default=None)

    def next(self, now: float) -> Occurrence:
        """The first occurrence that begins later."""
        return min((each for each in self._around(now) if each.begins > now), key=lambda each: each.begins)

    def silence(self, occurrence: Occurrence, now: float) -> Silence:
        """The silence of one occurrence."""
        return Silence(
            self.cluster,
            WINDOW,
            self.name,
            occurrence.until,
            by="",
            reason=self.reason,
            created_at=now,
            begins=occurrence.begins,
            window=WindowScope(self.name, self.key, self.rules, self.severities),
        )

    def _around(self, now: float) -> Iterator[Occurrence]:
        """The occurrences from the day before to one week later."""
        zone = zoneinfo.ZoneInfo(self.zone)
        today = datetime.fromtimestamp(now, zone).date()
        for ahead in range(-2, len(WEEKDAYS) + 2):
            day: date = today + timedelta(days=ahead)
            if day.weekday() in self.weekdays:
                begins = at_local(day, self.start, zone)
                yield Occurrence(begins, begins + self.length)


def under_way(windows: Sequence[Window], now: float) -> tuple[tuple[Window, Occurrence], ...]:
    """The windows of a cluster whose time it is, each with that time."""
    found = ((window, window.current(now)) for window in windows)
    return tuple((window, occurrence) for window, occurrence in found if occurrence is not None)


def without_window(silences: Iterable[Silence], windows: Sequence[Window], now: float) -> Iterator[Silence]:
    """The silences, of which one whose window left the settings, or was changed there, ends now."""
    keys = {window.key for window in windows}
    for silence in silences:
        gone = silence.window is not None and silence.window.key not in keys
        yield replace(silence, until=min(silence.until, now)) if gone else silence
