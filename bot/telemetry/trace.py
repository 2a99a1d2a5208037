"""Trace: one id from a delivery of Slack, or from a poll, to everything that it causes.

The id of the work that runs now is in a context variable. Log lines, audit rows, rows of operations and of the outbox,
requests to Clustermgr and spans take it from there.
"""

import hashlib
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from bot.common.frozen import frozen
from bot.common.json_object import JsonValue

_STORED = re.compile(r"([0-9a-f]{32})(?:-([0-9a-f]{16}))?")
_NONE = "0" * 32


@frozen
class Trace:
    """A trace (W3C: 32 hexadecimal digits, "" for none) and the `span` in it (16 digits, "" for none) that runs now.

    `cause` is the stored form of the trace in which this one goes on: that of the click that approves an operation.
    """

    id: str = ""
    span: str = ""
    cause: str = ""

    def __str__(self) -> str:
        """The stored form, "" for no trace."""
        return f"{self.id}-{self.span}" if self.span else self.id


NO_TRACE = Trace()
_CURRENT: ContextVar[Trace] = ContextVar("cmbot_trace", default=NO_TRACE)


def current() -> Trace:
    """The trace of the work that runs now."""
    return _CURRENT.get()


def trace_of(key: str) -> Trace:
    """The trace of a delivery: a digest of its key, so that another process that finishes the work has the same."""
    if not key:
        return new_trace()
    return Trace(hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32])


def new_trace() -> Trace:
    """A trace with a random id."""
    return Trace(_random_id())


def stored_trace(text: str) -> Trace:
    """Read the stored form; NO_TRACE for any other text."""
    found = _STORED.fullmatch(text)
    return NO_TRACE if found is None or found[1] == _NONE else Trace(found[1], found[2] or "")


def traced_detail() -> dict[str, JsonValue]:
    """What an audit row keeps of the current trace: `trace`, and `cause` if another delivery goes on with it."""
    trace = current()
    found = {"trace": trace.id, "cause": stored_trace(trace.cause).id}
    return {name: value for name, value in found.items() if value}


def request_id() -> str:
    """An id for one request: that of the trace and a random end, so that a search for the trace finds all of them."""
    trace = current().id
    return f"{trace}-{random.getrandbits(32):08x}" if trace else _random_id()


@contextmanager
def within(trace: Trace) -> Iterator[None]:
    """Run the block in `trace`; inside the same trace nothing changes."""
    before = _CURRENT.get()
    if before.id != trace.id:
        _CURRENT.set(trace)
    try:
        yield
    finally:
        _CURRENT.set(before)


@contextmanager
def within_span(span: str) -> Iterator[None]:
    """Run the block in a span of the current trace."""
    before = _CURRENT.get()
    _CURRENT.set(Trace(before.id, span, before.cause))
    try:
        yield
    finally:
        _CURRENT.set(before)


@contextmanager
def joined(stored: str) -> Iterator[None]:
    """Go on in a stored trace, with the current one as its cause; with "" the current one stays."""
    before, trace = _CURRENT.get(), stored_trace(stored)
    if trace.id and trace.id != before.id:
        _CURRENT.set(Trace(trace.id, trace.span, str(before)))
    try:
        yield
    finally:
        _CURRENT.set(before)


def _random_id() -> str:
    return f"{random.getrandbits(128) or 1:032x}"
