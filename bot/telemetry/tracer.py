"""Tracer: the port through which work is measured as spans; without an exporter nothing is measured."""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Literal, Protocol, Self

Fact = str | int | float | bool
"""Value of an attribute. Attributes have names, numbers and codes: no secret, and no text that a person wrote."""
Kind = Literal["internal", "client", "consumer"]


class TraceSpan(Protocol):
    """A measured piece of work."""

    def note(self, **facts: Fact) -> None:
        """Add attributes."""

    def fail(self, code: str) -> None:
        """Mark the work as failed; `code` is the name of an error or the code of an answer."""


class Tracer(Protocol):
    """Measures work. Never raises, never blocks."""

    def span(self, name: str, kind: Kind = "internal", **facts: Fact) -> AbstractContextManager[TraceSpan]:
        """Measure the block as a span `name` of the current trace; an exception marks it as failed."""


class _NoSpan:
    """A span that is not measured, and its context manager."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""

    def note(self, **facts: Fact) -> None:
        """Do nothing."""

    def fail(self, code: str) -> None:
        """Do nothing."""


_NO_SPAN = _NoSpan()


class NoTracer:
    """Measures nothing."""

    def span(self, name: str, kind: Kind = "internal", **facts: Fact) -> AbstractContextManager[TraceSpan]:  # noqa: ARG002 - the port's
        """Run the block."""
        return _NO_SPAN


NO_TRACER = NoTracer()
