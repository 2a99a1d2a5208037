"""Bounded logs: the first lines of a kind are written, further ones are counted and summed up once a minute.

A kind is the level, the event, the cluster and the cause of a line. docs/logs.md states how many lines one kind, and
how many kinds one event, can have in a minute.

The garbage collector may run at any point here, and with it destructors that log. So a line never waits for the thread
that it is in, nor for long for another one, and never starts a thread.
"""

import logging
import re
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

FIRST = 5
"""Lines of one kind that are written before others are counted."""
WINDOW_SECONDS = 60.0
"""Seconds after which what was counted is summed up in one line."""
MAX_KINDS = 20
"""Kinds of one event that are distinguished; all others of the event are one kind."""
MAX_EVENTS = 500
"""Events that are distinguished: libraries may put values into theirs."""
MAX_WHOLE = FIRST * (MAX_KINDS + 1)
"""Warnings and errors of an event that are written whole; then each kind has one a minute, until all were quiet."""
MAX_ASIDE = 10_000
"""Lines that wait to be counted, while a thread stands where lines are counted."""
PATIENCE_SECONDS = 0.1
"""Time for which a line waits for another thread: that one may wait for a lock that the line holds."""
EXEMPT = frozenset({"audit.noted", "log.more"})
"""Events that are written always: each names the newest row of the audit log; and the summary itself."""
_EXACT = ("code", "what", "job", "task", "op", "action")
_WORDS = ("error", "why")
_CAUSE_CHARS = 60
_KEPT_CHARS = 200
_NUMBER = re.compile(r"[0-9a-f]*[0-9][0-9a-f]*")

Kind = tuple[int, str, str, str]
"""Level, event, cluster and cause."""
Fields = Mapping[str, Any]


@dataclass(slots=True)
class KindCount:
    """Lines of one kind: `written` of them whole, and `left` counted since the last summary.

    `newest` are the fields of the newest counted line, `clusters` those of a kind that stands for many. `quiet` is True
    until it has a line in this window.
    """

    written: int = 0
    left: int = 0
    newest: Fields = field(default_factory=dict)
    clusters: set[str] = field(default_factory=set)
    quiet: bool = True


@dataclass(slots=True)
class EventCount:
    """Kinds of one event, and how many `whole` lines of its warnings and errors were written."""

    kinds: dict[Kind, KindCount] = field(default_factory=dict)
    whole: int = 0


Summary = tuple[Kind, KindCount]


def cause_of(fields: Fields) -> str:
    """The cause in a line: its code, its job and the like, and its error, with every number in it as `#`."""
    exact = [str(fields[name])[:_CAUSE_CHARS] for name in _EXACT if fields.get(name)]
    words = [_NUMBER.sub("#", str(fields[name])[:_CAUSE_CHARS]) for name in _WORDS if fields.get(name)]
    return " ".join(each for each in (*exact, *words, _raised(fields.get("exc_info"))) if each)


def _goes_on(kind: Kind) -> bool:
    """True for warnings and errors: they are counted until they end. Other lines say what was done, each for itself."""
    return kind[0] >= logging.WARNING


def _raised(error: object) -> str:
    """Name of the exception that is logged, "" for none."""
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = error[1]
    return type(error).__name__ if isinstance(error, BaseException) else ""


def _kept(fields: Fields, redact: Callable[[str], str]) -> Fields:
    """The plain values of a line: an exception would keep the frames of its traceback alive."""
    plain = {name: value for name, value in fields.items() if isinstance(value, str | int | float)}
    return {name: _cut(value, redact) if isinstance(value, str) else value for name, value in plain.items()}


def _cut(text: str, redact: Callable[[str], str]) -> str:
    """The beginning of a text: without its secrets before it is cut, because half a secret is not recognised."""
    return text if len(text) <= _KEPT_CHARS else redact(text)[:_KEPT_CHARS]


class _Turn:
    """A lock that code within it can ask for again: it is then refused, as it is after a short wait for a thread."""

    __slots__ = ("_inside", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside: set[int] = set()

    def take(self) -> bool:
        """Return True if this thread has the turn now, and must give it back."""
        me, taken = threading.get_ident(), False
        if me in self._inside:
            return False
        self._inside.add(me)
        try:
            taken = self._lock.acquire(timeout=PATIENCE_SECONDS)
        finally:
            if not taken:
                self._inside.discard(me)
        return taken

    def give(self) -> None:
        """Give the turn back."""
        self._lock.release()
        self._inside.discard(threading.get_ident())


class LogThrottle:
    """Decides which lines are written. Thread-safe; a thread writes the summaries, also while the event loop stands.

    `write` gets each summary, once in `window` seconds, until `close`. `timed` is False where `sum_up` is called by
    hand. `redact` removes the secrets of a text.
    """

    def __init__(
        self,
        write: Callable[[Summary], None],
        *,
        window: float = WINDOW_SECONDS,
        timed: bool = True,
        redact: Callable[[str], str] = str,
    ) -> None:
        self.redact = redact
        self._write, self._seconds = write, window
        self._turn = _Turn()
        self._events: dict[str, EventCount] = {}
        self._aside = deque[tuple[Kind, Fields, bool]](maxlen=MAX_ASIDE)
        # Held until `close`. A lock alone: an Event or a Timer has Python locks that a destructor could wait for.
        self._open = threading.Lock()
        self._open.acquire()
        if timed:
            threading.Thread(target=self._each_window, name="log summaries", daemon=True).start()

    def admits(self, level: int, event: str, fields: Fields) -> bool:
        """Return True if the line is to be written, else count it."""
        if event in EXEMPT:
            return True
        kind = (level, event, str(fields.get("cluster") or ""), cause_of(fields))
        kept = _kept(fields, self.redact)
        if not self._turn.take():
            return self._put_aside(kind, kept)
        try:
            whole = self._count(kind, kept)
            self._count_aside()
        finally:
            self._turn.give()
        return whole

    def _put_aside(self, kind: Kind, kept: Fields) -> bool:
        """Decide about a line while the counts change: a destructor logs within, or a thread waits. Counted later."""
        event = self._events.get(kind[1])
        counted = event.kinds.get(kind) if event is not None else None
        whole = len(self._aside) < FIRST and (counted is None or counted.written < FIRST)
        self._aside.append((kind, kept, whole))
        return whole

    def _count_aside(self) -> None:
        while self._aside:
            self._count(*self._aside.popleft())

    def _count(self, kind: Kind, kept: Fields, whole: bool | None = None) -> bool:
        """Count a line; True if it is a whole one: of those that were put aside that is known."""
        cluster = kind[2]
        event, kind, counted = self._place(kind)
        counted.quiet = False
        if event.whole >= MAX_WHOLE and _goes_on(kind):
            counted.written = max(counted.written, FIRST - 1)
        if whole is None:
            whole = counted.written < FIRST
        if whole:
            counted.written += 1
            event.whole += _goes_on(kind)
            return True
        counted.left += 1
        counted.newest = kept
        if cluster and not kind[2] and len(counted.clusters) < MAX_EVENTS:
            counted.clusters.add(cluster)
        return False

    def _place(self, kind: Kind) -> tuple[EventCount, Kind, KindCount]:
        level, name, _, _ = kind
        if name not in self._events and len(self._events) >= MAX_EVENTS:
            name = "others"
        event = self._events.setdefault(name, EventCount())
        kind = (level, name, *kind[2:])
        if kind not in event.kinds and len(event.kinds) >= MAX_KINDS:
            kind = (level, name, "", "others")
        return event, kind, event.kinds.setdefault(kind, KindCount())

    def _each_window(self) -> None:
        while not self._open.acquire(timeout=self._seconds):
            self.sum_up()

    def sum_up(self) -> None:
        """Write one line for each kind with counted lines.

        A kind that goes on gets one whole line in the next minute; one that was quiet begins again, and so does one
        below a warning with few lines.
        """
        if not self._turn.take():
            # Another thread stands within: what was counted is in the next summary.
            return
        try:
            self._count_aside()
            found = self._end_window()
        finally:
            self._turn.give()
        for each in found:
            self._write(each)

    def _end_window(self) -> list[Summary]:
        found: list[Summary] = []
        for name, event in list(self._events.items()):
            for kind, counted in list(event.kinds.items()):
                if counted.left:
                    found.append((kind, counted))
                    event.kinds[kind] = KindCount(written=FIRST - 1)
                elif counted.quiet or not _goes_on(kind):
                    del event.kinds[kind]
                else:
                    counted.written, counted.quiet = min(counted.written, FIRST - 1), True
            if not event.kinds:
                del self._events[name]
            elif not any(map(_goes_on, event.kinds)):
                event.whole = 0
        return found

    def close(self) -> None:
        """End the thread; `sum_up` then writes what was counted."""
        with suppress(RuntimeError):
            # It was closed before.
            self._open.release()


class ThrottleForeign(logging.Filter):
    """Counts the lines of libraries; those of cmbot were counted before they were rendered.

    The name of the logger stands for the event, and the text for the cause: libraries put values into their texts.
    """

    def __init__(self, throttle: LogThrottle) -> None:
        super().__init__()
        self._throttle = throttle

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True if the line is to be written."""
        if isinstance(record.msg, dict):
            return True
        fields: dict[str, Any] = {"why": str(record.msg)}
        if record.exc_info:
            fields["exc_info"] = record.exc_info
        return self._throttle.admits(record.levelno, record.name, fields)
