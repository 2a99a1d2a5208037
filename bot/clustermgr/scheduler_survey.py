"""Statistics of the schedulers as the watch keeps them: what each answered, and what its leader counts. No I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import StrEnum

from bot.common.frozen import frozen


class SchedulerFault(StrEnum):
    """Why a scheduler gave no statistics."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    CUT = "cut"
    """It cut the connection, does not speak HTTP, or sent too much."""
    FAILED = "failed"
    """It answered with a failure (5xx)."""
    REFUSED = "refused"
    UNREADABLE = "unreadable"
    """It answered in another form: a redirect, or no statistics."""
    NO_STATISTICS = "no_statistics"
    """It has no such call: a release before v3.2, or another service."""


_SILENT = frozenset({SchedulerFault.UNREACHABLE, SchedulerFault.TIMEOUT, SchedulerFault.CUT, SchedulerFault.FAILED})


@frozen
class TaskStats:
    """Statistics of one background task; None for what was not sent, which differs from zero.

    `on` is its switch as the scheduler last read it. `failed` are the failures in each minute, the present minute last,
    `errors` the texts of the most frequent ones, raw. `disks` are the disks under way; `total` and `done` count
    their tasks, `finished` the tasks that ended in each minute.
    """

    on: bool | None = None
    failed: tuple[int, ...] | None = None
    errors: tuple[str, ...] = ()
    disks: tuple[int, ...] | None = None
    total: int | None = None
    done: int | None = None
    waiting: int | None = None
    working: int | None = None
    finished: tuple[int, ...] | None = None

    @property
    def failing(self) -> int | None:
        """Failures in the last whole minute; None if not known."""
        return _last_minute(self.failed)

    @property
    def finishing(self) -> int | None:
        """Tasks that ended in the last whole minute; None if not known."""
        return _last_minute(self.finished)


def _last_minute(minutes: tuple[int, ...] | None) -> int | None:
    """The number of the last whole minute: the last place counts the present one."""
    if not minutes:
        return None
    return minutes[-2] if len(minutes) > 1 else minutes[-1]


@frozen
class SchedulerAnswer:
    """The answer of one scheduler: its own tasks by name, or its fault."""

    host: str
    tasks: Mapping[str, TaskStats] = field(default_factory=dict)
    fault: SchedulerFault | None = None

    @property
    def silent(self) -> bool:
        """True if it does not answer; one that answers in another form is not silent."""
        return self.fault in _SILENT


@frozen
class SchedulerSurvey:
    """The answers of all schedulers that were asked `at` (Unix seconds), and the tasks that their leader counts.

    `leader` is None while the leader gave no statistics: then nothing is known of repairs, drops and balance.
    """

    at: float
    answers: tuple[SchedulerAnswer, ...] = ()
    leader: Mapping[str, TaskStats] | None = None

    @property
    def silent(self) -> tuple[SchedulerAnswer, ...]:
        """The schedulers that do not answer."""
        return tuple(answer for answer in self.answers if answer.silent)

    def task(self, name: str) -> TaskStats | None:
        """Statistics of a task, None if they are not known: those of all schedulers together, or the leader's.

        Each scheduler repairs shards and deletes blobs; only the leader works on disks.
        """
        own = [answer.tasks[name] for answer in self.answers if name in answer.tasks]
        if name not in EVERY_SCHEDULER:
            return (self.leader or {}).get(name)
        return together(own) if own else None


EVERY_SCHEDULER = frozenset({"shard_repair", "blob_delete"})
"""The tasks that every scheduler works on; the leader alone does the others."""


def together(stats: list[TaskStats]) -> TaskStats:
    """The sum of what several schedulers count of one task."""
    errors = tuple(dict.fromkeys(error for each in stats for error in each.errors))
    known = [each.on for each in stats if each.on is not None]
    return TaskStats(
        on=all(known) if known else None,
        failed=_sums(each.failed for each in stats),
        finished=_sums(each.finished for each in stats),
        errors=errors,
    )


def _sums(minutes: Iterable[tuple[int, ...] | None]) -> tuple[int, ...] | None:
    """The sum of each minute, the present one last; None if nothing is known."""
    known = [reversed(each) for each in minutes if each is not None]
    return tuple(map(sum, zip(*known, strict=False)))[::-1] if known else None
