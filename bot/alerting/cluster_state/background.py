"""Notes of the schedulers: which are registered, which answer, and what they say of each background task. No I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import StrEnum

from bot.alerting.text import one_line
from bot.clustermgr.models import Service, Snapshot
from bot.clustermgr.scheduler_client import schedulers_of
from bot.clustermgr.scheduler_survey import EVERY_SCHEDULER, SchedulerSurvey, TaskStats
from bot.clustermgr.tasks import TASKS, Dialect
from bot.common.frozen import frozen

FRESH = 600.0
"""Seconds for which a reading of the schedulers counts as known."""
FAILING = 3.0
"""Failures in a minute from which a task counts as failing, unless the settings say otherwise."""
_MAX_HOST = 100
_NAMES = tuple(task.name for task in TASKS)


@frozen
class TaskNote:
    """What the schedulers last said of one task; None for what they did not send.

    `failing` are its failures in the last whole minute, `errors` their texts. `disks` is the number of disks under way,
    `total` and `done` count their tasks, `working` those that workers do now, `finishing` those that ended in the last
    whole minute.
    """

    task: str
    failing: int | None = None
    errors: tuple[str, ...] = ()
    disks: int | None = None
    total: int | None = None
    done: int | None = None
    finishing: int | None = None
    working: int | None = None


@frozen
class SchedulerNote:
    """A scheduler that was asked; `fault` is the value of its SchedulerFault, "" for an answer."""

    host: str
    fault: str = ""
    silent: bool = False


@frozen
class BackgroundNote:
    """Schedulers as last read; times in Unix seconds, 0 for never.

    `registered` is the number of registered schedulers at `registered_at`. `asked` are the schedulers that were asked
    for their statistics at `asked_at`, none if the settings name and allow none; `tasks` is what they said.
    """

    registered: int = 0
    registered_at: float = 0.0
    asked: tuple[SchedulerNote, ...] = ()
    asked_at: float = 0.0
    tasks: tuple[TaskNote, ...] = ()

    def registered_now(self, now: float) -> int | None:
        """The number of registered schedulers, None if it is not known now."""
        return self.registered if self.registered_at and now - self.registered_at <= FRESH else None

    def asked_now(self, now: float) -> tuple[SchedulerNote, ...]:
        """The schedulers that were asked lately; none if that is long ago, or if none may be asked."""
        return self.asked if self.asked_at and now - self.asked_at <= FRESH else ()

    def task(self, name: str, now: float) -> TaskNote | None:
        """What was said of a task lately, None if nothing."""
        return next((note for note in self.tasks if note.task == name), None) if self.asked_now(now) else None


class TaskHindrance(StrEnum):
    """Why a task that is on may not be done."""

    NOT_REGISTERED = "not_registered"
    SILENT = "silent"
    FAILING = "failing"


def updated_background(old: BackgroundNote, snapshot: Snapshot) -> BackgroundNote:
    """The notes after this snapshot; a part that was not read stays."""
    return noted(old, snapshot.services, snapshot.schedulers, snapshot.at)


def noted(
    old: BackgroundNote, services: Sequence[Service] | None, survey: SchedulerSurvey | None, at: float
) -> BackgroundNote:
    """The notes with what was read `at` (Unix seconds); None stays as it was."""
    new = old
    if services is not None:
        new = replace(new, registered=len(schedulers_of(services)), registered_at=at)
    if survey is None:
        return new
    asked = (
        SchedulerNote(one_line(answer.host, _MAX_HOST), answer.fault.value if answer.fault else "", answer.silent)
        for answer in survey.answers
    )
    return replace(new, asked=tuple(asked), asked_at=at, tasks=tuple(_task_notes(survey)))


def _task_notes(survey: SchedulerSurvey) -> Iterable[TaskNote]:
    for name in _NAMES:
        stats = survey.task(name)
        if stats is not None:
            yield _note(name, stats)


def _note(name: str, stats: TaskStats) -> TaskNote:
    return TaskNote(
        name,
        stats.failing,
        stats.errors if stats.failing else (),
        None if stats.disks is None else len(stats.disks),
        stats.total,
        stats.done,
        stats.finishing,
        stats.working,
    )


def hindrance(
    note: BackgroundNote, task: str, now: float, *, dialect: str = "", failing: float = FAILING
) -> TaskHindrance | None:
    """Why a task that is on may not be done now; None if nothing is known against it."""
    if no_scheduler(note, task, now, dialect):
        return TaskHindrance.NOT_REGISTERED
    asked = note.asked_now(now)
    if asked and all(each.silent for each in asked):
        return TaskHindrance.SILENT
    stats = note.task(task, now)
    return TaskHindrance.FAILING if stats and stats.failing is not None and stats.failing >= failing else None


def is_done_elsewhere(task: str, dialect: str) -> bool:
    """True if a service other than the schedulers does the task, as BlobStore v1 repairs shards and deletes blobs."""
    return dialect == Dialect.V1 and task in EVERY_SCHEDULER


def no_scheduler(note: BackgroundNote, task: str, now: float, dialect: str) -> bool:
    """True if no scheduler is registered that could do the task, and none that was asked answers."""
    if is_done_elsewhere(task, dialect):
        return False
    return note.registered_now(now) == 0 and all(each.silent for each in note.asked_now(now))
