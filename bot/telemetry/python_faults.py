"""What Python prints on standard error by itself goes into the log instead: redacted, as lines, and bounded."""

import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import structlog

log = structlog.get_logger(__name__)


@contextmanager
def logged_faults() -> Iterator[None]:
    """Log errors that nothing can catch, errors that end a thread, and warnings, while the block runs."""
    before = sys.unraisablehook, threading.excepthook, warnings.showwarning
    sys.unraisablehook, threading.excepthook, warnings.showwarning = _unraisable, _thread, _warning
    try:
        yield
    finally:
        sys.unraisablehook, threading.excepthook, warnings.showwarning = before


def _unraisable(found: "sys.UnraisableHookArgs") -> None:
    """Log an error in a destructor, a callback of the interpreter or of the garbage collector."""
    if found.exc_value is not None:
        log.error("python.unraisable", what=found.err_msg or "an error in a destructor", exc_info=found.exc_value)


def _thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_value is not None:
        name = found.thread.name if found.thread else ""
        log.error("python.thread_ended", thread=name, exc_info=found.exc_value)


def _warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    del file, line
    log.warning("python.warning", what=category.__name__, error=str(message), place=f"{filename}:{lineno}")
