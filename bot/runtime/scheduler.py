"""Scheduler: runs jobs at an interval or by a crontab; the only importer of apscheduler."""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from inspect import Signature
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger

from bot.common.errors import ConfigError
from bot.common.frozen import frozen
from bot.common.secret_signs import given
from bot.runtime.clock import TOLERANCE, ClockGuard, ProcessClock
from bot.runtime.coalescing import Coalescing

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = 5
_NAMES = ("minute", "hour", "day", "month")
_RANGES = ("0-59", "0-23", "1-31", "1-12 or jan-dec")
_LATE_SECONDS = 3600
"""Greatest delay with which the scheduler still runs the job of a crontab."""
_NO_ARGUMENTS = Signature()
GUARD_SECONDS = 1.0
"""Seconds between two comparisons of the system clock, which the library follows, with the steady clock."""
_REACHES = (3600.0, 86400.0, 8 * 86400.0, 32 * 86400.0, 400 * 86400.0, 9 * 366 * 86400.0)


class ProblemKind(StrEnum):
    """Problem with a scheduled job."""

    MISSED = "its time passed and it was not run"
    OVERLAPPED = "it was due again while it was still running"
    FAILED = "it raised an error"


@frozen
class JobProblem:
    """A run of `job`, due at `due_at` (Unix seconds), that was missed, overlapped or failed with `error`."""

    job: str
    kind: ProblemKind
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
            raise ConfigError(f"cron{given(expression)} ({timezone:.60}): {error}; see crontab(5).") from error
        if self.next(0.0) is None:
            raise ConfigError(f"cron{given(expression)}: this time never comes; see crontab(5).")

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


class Scheduler:
    """Run jobs on the event loop; runs of one job never overlap, and `stop` waits for those that run.

    The library follows the system clock. Setting that clock must neither stop a job nor run it many times: several
    missed runs become one, and a guard compares the clock with a steady one. After a jump, interval jobs run at once
    and crontabs follow the new time. `on_problem` takes each missed, overlapping or failed run.
    """

    def __init__(self, on_problem: Callable[[JobProblem], None]) -> None:
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1})
        self._scheduler.add_listener(self._report, EVENT_JOB_MISSED | EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES)
        self._on_problem = on_problem
        self._clock = ClockGuard(ProcessClock(time.time), time.time)
        self._coalescing = Coalescing(random.random())  # noqa: S311 - spreads load
        self._intervals: dict[str, float] = {}
        self._crontabs: dict[str, Crontab] = {}
        self._running: set[asyncio.Task[Any]] = set()
        self._guard: asyncio.Task[None] | None = None
        self._stopping = False

    def every(
        self, seconds: float, fn: Callable[[], Awaitable[None]], *, name: str, jitter: float = 0.0, after: float = 0.0
    ) -> None:
        """Run `fn` in `after` seconds and then every `seconds`, each time up to `jitter` seconds off.

        Jobs with jitter begin together, a few at a time.
        """
        self._intervals[name] = jitter
        if jitter:
            self._coalescing.add(name, seconds)
        trigger = _Interval(seconds, jitter, self._coalescing.nearest)
        first = datetime.now(UTC) + timedelta(seconds=after)
        self._add(trigger, fn, name, late=max(1, math.ceil(seconds)), next_run_time=first)

    def cron(self, expression: str, timezone: str, fn: Callable[[float], Awaitable[None]], *, name: str) -> None:
        """Run `fn` at the times of the crontab with the time that was due (Unix seconds). Raises ConfigError."""
        crontab = self._crontabs[name] = Crontab(expression, timezone)

        async def run() -> None:
            now = datetime.now(UTC).timestamp()
            await fn(crontab.latest(now) or now)

        self._add(_WallClock(crontab), run, name, late=_LATE_SECONDS)

    def run_soon(self, name: str, after: float = 0.0) -> None:
        """Run the job of that name in `after` seconds; do nothing if there is none, or if the scheduler is stopped."""
        if self._scheduler.running and self._scheduler.get_job(name) is not None:
            self._coalescing.resume(name)
            self._scheduler.modify_job(name, next_run_time=datetime.now(UTC) + timedelta(seconds=after))

    def rest(self, name: str) -> None:
        """Do not run the job of that name until `run_soon`: a job that has nothing to do still takes its time."""
        if self._scheduler.running and self._scheduler.get_job(name) is not None:
            self._coalescing.rest(name)
            self._scheduler.pause_job(name)

    def start(self) -> None:
        """Start; needs a running event loop."""
        self._stopping = False
        self._scheduler.start()
        self._guard = asyncio.create_task(self._watch_clock(), name="clock guard")

    async def stop(self) -> None:
        """Start no more jobs, and wait for those that run; if it is cancelled, these are cancelled too."""
        self._stopping = True
        if not self._scheduler.running:
            return
        # At once: if what follows is cut short, no job begins any more.
        self._scheduler.pause()
        try:
            if self._guard is not None:
                self._guard.cancel()
                await asyncio.gather(self._guard, return_exceptions=True)
                self._guard = None
            await _turn()
            if self._running:
                await asyncio.wait(self._running)
        finally:
            # It cancels running jobs, so it comes last.
            self._scheduler.shutdown(wait=False)
        await _turn()

    async def _watch_clock(self) -> None:
        while True:
            await asyncio.sleep(GUARD_SECONDS)
            self.check_clock()

    def check_clock(self) -> None:
        """Reschedule all jobs if the system clock was set."""
        self._clock.check()
        if self._clock.jumps:
            self._clock.jumps.clear()
            self._reschedule()

    def _reschedule(self) -> None:
        """Compute the next time of every job from the new system time."""
        now = datetime.now(UTC)
        for name, jitter in self._intervals.items():
            self._move(name, now + timedelta(seconds=random.uniform(0.0, jitter)))  # noqa: S311 - spreads load
        for name, crontab in self._crontabs.items():
            due = crontab.next(now.timestamp())
            if due is not None:
                self._move(name, datetime.fromtimestamp(due, UTC))

    def _move(self, name: str, due: datetime) -> None:
        if self._scheduler.get_job(name) is not None:
            self._scheduler.modify_job(name, next_run_time=due)

    def _add(self, trigger: Any, fn: Callable[[], Awaitable[None]], name: str, *, late: int, **options: Any) -> None:
        async def run() -> None:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - a coroutine always runs in one
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            try:
                await fn()
            except asyncio.CancelledError:
                # The library would log it as an error, and call a stop a problem of the job.
                if not self._stopping:
                    raise

        # The library would work it out itself, which takes longer than all else about a job.
        run.__signature__ = _NO_ARGUMENTS  # type: ignore[attr-defined]
        self._scheduler.add_job(run, trigger, id=name, name=name, misfire_grace_time=late, **options)

    def _report(self, event: Any) -> None:
        kinds = {EVENT_JOB_MISSED: ProblemKind.MISSED, EVENT_JOB_MAX_INSTANCES: ProblemKind.OVERLAPPED}
        kind = kinds.get(event.code, ProblemKind.FAILED)
        if kind is ProblemKind.MISSED and abs(self._clock.ahead - self._clock.known) > TOLERANCE:
            # Late only because the system clock was just set: the guard runs the job within a second.
            return
        due = event.scheduled_run_times[-1] if kind is ProblemKind.OVERLAPPED else event.scheduled_run_time
        self._on_problem(JobProblem(event.job_id, kind, due.timestamp(), getattr(event, "exception", None)))


class _Interval(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """Every `seconds`, each time up to `jitter` seconds off. All missed times together become one run.

    `nearest` moves a time by a quarter of `jitter` at most (coalescing.py). The trigger of the library yields every
    missed run: a clock set one year ahead would block the event loop for 30 s.
    """

    def __init__(self, seconds: float, jitter: float, nearest: Callable[[float, float], float]) -> None:
        self._seconds, self._jitter, self._nearest = seconds, jitter, nearest

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Return the next time, later than the previous one and than now."""
        if previous_fire_time is None:
            return now
        gone = max(0.0, (now - previous_fire_time).total_seconds())
        steps = math.floor(gone / self._seconds) + 1
        due = previous_fire_time + timedelta(seconds=steps * self._seconds)
        if self._jitter:
            most = self._jitter * 3 / 4
            jittered = due.timestamp() + random.uniform(-most, most)  # noqa: S311 - spreads load
            due = datetime.fromtimestamp(self._nearest(jittered, self._jitter / 2), UTC)
        return max(now + timedelta(microseconds=1), due)


class _WallClock(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """Trigger of a Crontab."""

    def __init__(self, crontab: Crontab) -> None:
        self._crontab = crontab

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the next time, or the last one if it is not too late."""
        # Bounded: the job "catch up" posts reports that were missed for longer.
        earliest = now - timedelta(seconds=_LATE_SECONDS)
        after = max(previous_fire_time, earliest) if previous_fire_time else now - timedelta(microseconds=1)
        time = self._crontab.next(after.timestamp())
        return None if time is None else datetime.fromtimestamp(time, UTC)


async def _turn() -> None:
    """Let the event loop run the callbacks that were scheduled before."""
    done = asyncio.Event()
    asyncio.get_running_loop().call_soon(done.set)
    await done.wait()


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
    # A crontab counts the weekdays from Sunday, the library from Monday: names say the same in both.
    numbers = {number % 7 for item in weekday.lower().split(",") for number in _weekday_item(item)}
    weekdays = ",".join(_DAYS[number] for number in sorted(numbers))
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
