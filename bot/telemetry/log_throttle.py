"""Bounded logs: the first lines of a kind are written, further ones are counted and summed up once a minute.

A kind is the level, the event, the cluster and the cause of a line. docs/logs.md states how many lines one kind, and
how many kinds one event, can have in a minute.
"""

import logging
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
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

    `newest` are the fields of the newest counted line, `clusters` those of a kind that stands for many.
    """

    written: int = 0
    left: int = 0
    newest: Fields = field(default_factory=dict)
    clusters: set[str] = field(default_factory=set)


Summary = tuple[Kind, KindCount]


def cause_of(fields: Fields) -> str:
    """The cause in a line: its code, its job and the like, and its error, with every number in it as `#`."""
    exact = [str(fields[name])[:_CAUSE_CHARS] for name in _EXACT if fields.get(name)]
    words = [_NUMBER.sub("#", str(fields[name])[:_CAUSE_CHARS]) for name in _WORDS if fields.get(name)]
    return " ".join(each for each in (*exact, *words, _raised(fields.get("exc_info"))) if each)


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


class LogThrottle:
    """Decides which lines are written. Thread-safe; a thread writes the summaries, also while the event loop stands.

    `write` gets each summary, after `window` seconds. `clock` is steady, in seconds. `timed` is False where `sum_up` is
    called by hand. `redact` removes the secrets of a text.
    """

    def __init__(
        self,
        write: Callable[[Summary], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        window: float = WINDOW_SECONDS,
        timed: bool = True,
        redact: Callable[[str], str] = str,
    ) -> None:
        self.redact = redact
        self._write, self._clock, self._seconds, self._timed = write, clock, window, timed
        self._lock = threading.Lock()
        self._kinds: dict[str, dict[Kind, KindCount]] = {}
        self._timer: threading.Timer | None = None
        self._window = clock()

    def admits(self, level: int, event: str, fields: Fields) -> bool:
        """Return True if the line is to be written, else count it."""
        if event in EXEMPT:
            return True
        with self._lock:
            if self._clock() >= self._window + self._seconds and not self._waiting:
                # Nothing was counted, so nothing waits for a summary: everything begins again.
                self._kinds.clear()
                self._window = self._clock()
            kind, counted = self._counted(level, event, fields)
            if counted.written < FIRST:
                counted.written += 1
                return True
            counted.left += 1
            counted.newest = _kept(fields, self.redact)
            if not kind[2] and len(counted.clusters) < MAX_EVENTS and (cluster := fields.get("cluster")):
                counted.clusters.add(str(cluster))
            if self._timer is None and self._timed:
                self._begin_timer()
            return False

    @property
    def _waiting(self) -> bool:
        return any(counted.left for kinds in self._kinds.values() for counted in kinds.values())

    def _counted(self, level: int, event: str, fields: Fields) -> tuple[Kind, KindCount]:
        if event not in self._kinds and len(self._kinds) >= MAX_EVENTS:
            event = "others"
        kinds = self._kinds.setdefault(event, {})
        kind = (level, event, str(fields.get("cluster") or ""), cause_of(fields))
        if kind not in kinds and len(kinds) >= MAX_KINDS:
            kind = (level, event, "", "others")
        return kind, kinds.setdefault(kind, KindCount())

    def _begin_timer(self) -> None:
        left = max(0.0, self._window + self._seconds - self._clock())
        self._timer = threading.Timer(left, self.sum_up)
        self._timer.name, self._timer.daemon = "log summaries", True
        self._timer.start()

    def sum_up(self) -> None:
        """Write one line for each kind with counted lines.

        A kind that goes on gets one whole line in the next minute; one that was quiet begins again.
        """
        with self._lock:
            self._timer, self._window = None, self._clock()
            found: list[Summary] = []
            for event, kinds in list(self._kinds.items()):
                for kind, counted in list(kinds.items()):
                    if not counted.left:
                        del kinds[kind]
                        continue
                    found.append((kind, counted))
                    kinds[kind] = KindCount(written=FIRST - 1)
                if not kinds:
                    del self._kinds[event]
        for each in found:
            self._write(each)

    def close(self) -> None:
        """Stop the timer; `sum_up` then writes what was counted."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()


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
