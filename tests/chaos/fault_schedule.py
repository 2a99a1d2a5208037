"""The schedule of faults that a seed gives. No I/O."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Kind of fault of the program, its database, Slack or a cluster."""

    KILL = "kill"
    PAUSE = "pause"
    DATABASE = "database"
    LOST_ANSWER = "lost_answer"
    LOST_CALL = "lost_call"
    BUSY = "busy"
    TWICE = "twice"
    CUT = "cut"
    HOST = "host"
    CLOCK = "clock"
    SECOND = "second_process"
    LOCK = "write_lock"
    UNLISTED = "unlisted_error"
    HUGE = "huge_answer"
    EDIT = "refused_edit"
    THREAD = "refused_reply"


_ALONE: dict[Kind, float] = {
    Kind.KILL: 10,
    Kind.PAUSE: 1,
    Kind.LOST_ANSWER: 3,
    Kind.LOST_CALL: 2,
    Kind.TWICE: 3,
    Kind.CUT: 1,
}
_ALONE |= {
    Kind.CLOCK: 2,
    Kind.SECOND: 1,
    Kind.LOCK: 0.3,
    Kind.UNLISTED: 0.5,
    Kind.HUGE: 1,
    Kind.EDIT: 1,
    Kind.THREAD: 1,
}
_SEVERAL = {**_ALONE, Kind.PAUSE: 5, Kind.BUSY: 1, Kind.DATABASE: 1, Kind.HOST: 1, Kind.SECOND: 0}
LOCK_SECONDS = 10.0
"""Seconds for which the database accepts no write."""
UNLISTED_SECONDS = 60.0
"""Seconds for which Slack answers with an unlisted error."""
JUMPS = (-90.0, -3600.0, 3600.0, 366 * 86400.0)
"""Seconds by which the system clock of a process is changed."""


@dataclass(frozen=True, slots=True)
class Blow:
    """`kind` hits process number `target` after `after` seconds more; what is stopped goes on after `rest` seconds.

    `jump` is by how many seconds a clock is set.
    """

    kind: Kind
    after: float
    target: int
    rest: float
    jump: float = 0.0


def blows(seed: int, processes: int) -> Iterator[Blow]:
    """Yield the endless schedule of a seed; all processes are hit equally often."""
    dice = random.Random(seed)
    weights = _ALONE if processes == 1 else _SEVERAL
    while True:
        [kind] = dice.choices(tuple(weights), weights=tuple(weights.values()))
        rest = dice.uniform(0.0, 0.5) if kind is Kind.KILL else dice.uniform(0.2, 3.0)
        after, target = dice.expovariate(1 / _pause(kind, processes)), dice.randrange(processes)
        yield Blow(kind, after, target, rest, dice.choice(JUMPS))


def _pause(kind: Kind, processes: int) -> float:
    """Mean seconds before a fault: a single process needs time to restart before the next one."""
    if kind is not Kind.KILL:
        return 0.2
    return 1.5 if processes > 1 else 0.7
