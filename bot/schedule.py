"""The schedule: jobs at an interval or by a crontab; the only importer of apscheduler, for its crontab alone.

Its scheduler is not used: it takes intervals from the system clock, so a clock that is set back stops every job, and
one that is set ahead makes it enumerate every run between.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.triggers.cron import CronTrigger

from bot.errors import ConfigError

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = 5
_NAMES = ("minute", "hour", "day", "month")
_RANGES = ("0-59", "0-23", "1-31", "1-12 or jan-dec")
_LATE_SECONDS = 3600
"""How late a crontab's job may still be run."""
_MISSED_SECONDS = 1.0
"""How late an interval's job may be at least before a run counts as missed."""
_LOOK_AT_WALL = 30.0
"""Seconds after which the system clock is looked at again at the latest: it may have been set."""
_REACHES = (3600.0, 86400.0, 8 * 86400.0, 32 * 86400.0, 400 * 86400.0, 9 * 366 * 86400.0)


class TroubleKind(StrEnum):
    """What went wrong with a job of the schedule."""

    MISSED = "its time passed and it was not run"
    OVERLAPPED = "it was due again while it was still running"
    FAILED = "it raised"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A job `name`, due at `due_at` (Unix seconds), did not run as it should; `error` when it raised."""

    name: str
    kind: TroubleKind
    due_at: float
    error: BaseException | None = None


class Crontab:
    """A crontab(5) expression in a time zone: weekdays 0 and 7 are Sunday, day and weekday both given mean either.

    A wall-clock time comes once: in the hour that autumn repeats only the first pass counts, and a time that spring
    leaves out comes as late as it was to be after midnight. Raises ConfigError.
    """

    def __init__(self, expression: str, timezone: str) -> None:
        self.expression, self.timezone = expression, timezone
        try:
            self._zone = ZoneInfo(timezone)
            self._triggers = _triggers(expression, self._zone)
        except (ValueError, ZoneInfoNotFoundError) as error:
            raise ConfigError(f"cron = {expression!r:.80} ({timezone:.60}): {error}; see crontab(5).") from error
        if self.next(0.0) is None:
            raise ConfigError(f"cron = {expression!r:.80}: this time never comes; see crontab(5).")

    def next(self, after: float) -> float | None:
        """The first time after `after`, or None; all in Unix seconds."""
        times = [_following(trigger, datetime.fromtimestamp(after, UTC)) for trigger in self._triggers]
        return min((time.timestamp() for time in times if time is not None), default=None)

    def latest(self, until: float) -> float | None:
        """The last time at or before `until`, or None within eight years."""
        for reach in _REACHES:
            found, time = None, self.next(until - reach)
            while time is not None and time <= until:
                found, time = time, self.next(time)
            if found is not None:
                return found
        return None


@dataclass(slots=True)
class _Job:
    """A job by its name: what runs, and what waits for its next time."""

    name: str
    run: Callable[[], Awaitable[None]]
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    running: asyncio.Task[None] | None = None


class Scheduler:
    """Runs jobs on the running event loop: one of a name at a time, at most once for any time that passed.

    Intervals are measured on the loop's monotonic clock, crontabs follow the system clock `wall` (Unix seconds). So
    nobody who sets the system clock stops or floods an interval. `on_trouble` is called for each missed, overlapping
    or failed run; `troubles` counts them by job and kind.
    """

    def __init__(
        self, on_trouble: Callable[[Trouble], None] = lambda _: None, *, wall: Callable[[], float] = time.time
    ) -> None:
        self._on_trouble, self._wall = on_trouble, wall
        self._troubles: Counter[tuple[str, TroubleKind]] = Counter()
        self._jobs: dict[str, tuple[_Job, Callable[[], Coroutine[Any, Any, None]]]] = {}
        self._timers: list[asyncio.Task[None]] = []

    @property
    def troubles(self) -> Mapping[tuple[str, TroubleKind], int]:
        """How often what went wrong, by (name, kind)."""
        return dict(self._troubles)

    def every(self, seconds: float, fn: Callable[[], Awaitable[None]], *, name: str, jitter: float = 0.0) -> None:
        """Run `fn` at the start and then every `seconds`, each time up to `jitter` seconds later."""
        job = _Job(name, fn)
        self._jobs[name] = job, partial(self._repeat, job, seconds, jitter)

    def cron(self, expression: str, timezone: str, fn: Callable[[float], Awaitable[None]], *, name: str) -> None:
        """Run `fn` with the time that was due (Unix seconds) whenever the crontab says so. Raises ConfigError.

        A time that comes again, because the system clock was set back, is due again: `fn` knows what it did.
        """
        crontab, due = Crontab(expression, timezone), [0.0]
        job = _Job(name, lambda: fn(due[0]))
        self._jobs[name] = job, partial(self._follow, job, crontab, due)

    def soon(self, name: str) -> None:
        """Run the interval's job of that name now, and then after its interval; nothing when there is none."""
        if name in self._jobs:
            self._jobs[name][0].asked.set()

    def start(self) -> None:
        """Start; needs a running event loop."""
        self._timers = [asyncio.create_task(timer(), name=f"timer {name}") for name, (_, timer) in self._jobs.items()]

    async def stop(self) -> None:
        """Start nothing more, and wait for the jobs that are running."""
        for timer in self._timers:
            timer.cancel()
        running = [job.running for job, _ in self._jobs.values() if job.running is not None]
        if ending := [*self._timers, *running]:
            await asyncio.wait(ending)
        self._timers = []

    async def _repeat(self, job: _Job, seconds: float, jitter: float) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await _wait(job.asked, due - loop.time())
            now = loop.time()
            if now - due > max(_MISSED_SECONDS, seconds):
                self._note(job.name, TroubleKind.MISSED, late=now - due)
            self._launch(job, late=max(0.0, now - due))
            # From now on when it was late or asked for, so that nothing is made up for.
            due = (due if 0 <= now - due < seconds else now) + seconds + random.uniform(0, jitter)  # noqa: S311 - no secret

    async def _follow(self, job: _Job, crontab: Crontab, due: list[float]) -> None:
        done = self._wall()
        while True:
            upcoming = crontab.next(done)
            wait = _LOOK_AT_WALL if upcoming is None else min(_LOOK_AT_WALL, upcoming - self._wall())
            await _wait(job.asked, wait)
            now = self._wall()
            # Set back: what comes again is due again.
            done = min(done, now)
            latest = crontab.latest(now)
            if latest is None or latest <= done:
                continue
            done = due[0] = latest
            late = now - latest
            if late > _LATE_SECONDS:
                self._note(job.name, TroubleKind.MISSED, late=late)
            else:
                self._launch(job, late=late)

    def _launch(self, job: _Job, *, late: float) -> None:
        if job.running is not None:
            self._note(job.name, TroubleKind.OVERLAPPED, late=late)
            return
        job.running = asyncio.ensure_future(_awaited(job.run))
        job.running.add_done_callback(partial(self._ended, job, self._wall() - late))

    def _ended(self, job: _Job, due_at: float, task: asyncio.Task[None]) -> None:
        job.running = None
        if not task.cancelled() and (error := task.exception()) is not None:
            self._report(Trouble(job.name, TroubleKind.FAILED, due_at, error))

    def _note(self, name: str, kind: TroubleKind, *, late: float) -> None:
        self._report(Trouble(name, kind, self._wall() - late))

    def _report(self, trouble: Trouble) -> None:
        self._troubles[trouble.name, trouble.kind] += 1
        self._on_trouble(trouble)


async def _awaited(run: Callable[[], Awaitable[None]]) -> None:
    await run()


async def _wait(asked: asyncio.Event, seconds: float) -> None:
    """Return after `seconds`, or as soon as it is asked for."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await asked.wait()
    asked.clear()


def _following(trigger: Any, after: datetime) -> datetime | None:
    """The first firing after `after` that is not the second pass of a repeated hour."""
    time: datetime | None
    while True:
        after += timedelta(microseconds=1)
        try:
            time = trigger.get_next_fire_time(None, after)
        except (ValueError, OverflowError):
            return None
        if time is None or not _second_pass(time):
            return time
        after = time.astimezone(UTC)


def _second_pass(time: datetime) -> bool:
    first, second = time.replace(fold=0).utcoffset(), time.replace(fold=1).utcoffset()
    return time.fold == 1 and first is not None and second is not None and first > second


def _triggers(expression: str, zone: ZoneInfo) -> tuple[Any, ...]:
    values = expression.split()
    if len(values) != _FIELDS:
        raise ValueError(f"write five fields, minute hour day month weekday, not {len(values)}")
    minute, hour, day, month, weekday = values
    for name, value, known in zip(_NAMES, values, _RANGES, strict=False):
        _field(name, value, known)
    common = {"minute": minute, "hour": hour, "month": month, "timezone": zone}
    weekdays = ",".join(_DAYS[number] for number in sorted(_weekdays(weekday)))
    if day.startswith("*") or weekday.startswith("*"):
        return (CronTrigger(**common, day=day, day_of_week=weekdays),)
    return (CronTrigger(**common, day=day), CronTrigger(**common, day_of_week=weekdays))


def _field(name: str, value: str, known: str) -> None:
    """Refuse a field that the library does not take, in our words."""
    try:
        CronTrigger(**{name: value})
    except ValueError as error:
        raise ValueError(
            f"the {name} {value!r:.40} is none: write {known}, a list such as 1,2, a step such as */2, or *"
        ) from error


def _weekdays(field: str) -> set[int]:
    """The weekdays (0 is Sunday) that a crontab's fifth field names: the library counts them from Monday."""
    return {number % 7 for item in field.lower().split(",") for number in _weekday_item(item)}


def _weekday_item(item: str) -> range:
    span, _, step = item.partition("/")
    first, dash, last = span.partition("-")
    low, high = (0, 6) if first == "*" else (_weekday(first), _weekday(last) if dash else _weekday(first))
    if step and not dash and first != "*":
        high = 6
    if dash and high == 0:
        high = 7
    if low > high or (step and not (step.isdecimal() and int(step) > 0)):
        raise ValueError(f"the weekday {item!r:.40} is none: write 0-7, names such as mon-fri, or *")
    return range(low, high + 1, int(step or 1))


def _weekday(word: str) -> int:
    if word in _DAYS:
        return _DAYS.index(word)
    if word.isdecimal() and int(word) <= len(_DAYS):
        return int(word)
    raise ValueError(f"the weekday {word!r:.40} is none: write 0-7, names such as mon-fri, or *")
