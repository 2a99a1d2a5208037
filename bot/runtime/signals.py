"""Signals: SIGTERM and SIGINT stop the process in order, a second SIGINT stops it at once, SIGHUP reloads."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NoReturn, Self

import structlog

log = structlog.get_logger(__name__)

_EXIT_STATUS = 130
"""Exit status of a program that SIGINT ended."""
END_SECONDS = 7.5
"""Time from the signal after which a process ends, even if a thread or a disk hangs; Docker kills it after ten."""
_SAID_SECONDS = 1.0
"""Time in which the log takes the line of an end that is cut short."""
_NAMED = 20
"""Tasks and threads that the log names when an end is cut short."""


class Signals:
    """Handle signals while the block runs; with `hangup_ends` SIGHUP stops it too, as for a program in a terminal.

    Else SIGHUP is what `ended_or` returns for. With `end_within` the process ends at the latest that many seconds
    after the signal that ends it.
    """

    def __init__(self, *, hangup_ends: bool, end_within: float | None = None) -> None:
        self._hangup_ends, self._end_within = hangup_ends, end_within
        self._orderly = False
        self._end, self._hung_up = asyncio.Event(), asyncio.Event()
        self._starting: asyncio.Task[object] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._hangup_before = signal.getsignal(signal.SIGHUP)

    def __enter__(self) -> Self:
        """Install the handlers."""
        loop = self._loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, self._stop, each)
        loop.add_signal_handler(signal.SIGHUP, self._hangup)
        return self

    def __exit__(self, *_: object) -> None:
        """Restore Python's handlers, and for SIGHUP the one before: it must not cut an orderly end short."""
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().remove_signal_handler(each)
        if self._hangup_before is not None:
            signal.signal(signal.SIGHUP, self._hangup_before)

    @asynccontextmanager
    async def starting(self) -> AsyncIterator[None]:
        """Let a signal cancel this block until `ended` is awaited; the block then ends without an error."""
        self._starting = asyncio.current_task()
        try:
            yield
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._end.is_set() or task is None:
                raise
            task.uncancel()

    @property
    def ending(self) -> bool:
        """True once a signal ended the program."""
        return self._end.is_set()

    async def ended_or(self, other: asyncio.Event) -> bool:
        """Wait for the signal to end, for `other`, or for SIGHUP; False for SIGHUP alone, which is then forgotten."""
        self._starting = None
        waits = [asyncio.ensure_future(each.wait()) for each in (self._end, other, self._hung_up)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        if self._end.is_set() or other.is_set():
            # A SIGHUP that came meanwhile counts after the reload: the files may have changed again.
            return True
        self._hung_up.clear()
        return False

    async def ended(self) -> None:
        """Wait for the signal to end."""
        self._starting = None
        await self._end.wait()

    def orderly(self) -> None:
        """Note that all parts have ended: what is left is a thread that hangs, such as the search for an address."""
        self._orderly = True

    def _stop(self, which: signal.Signals) -> None:
        if self._end.is_set():
            if which is signal.SIGINT:
                self._exit_now()
            return
        self._end.set()
        if self._end_within is not None:
            # Before the line: if no one reads the log, a thread that writes to it stands.
            _later(self._end_within, self._exit_late)
        log.info("signal.ending", signal=which.name)
        if self._starting is not None:
            self._starting.cancel()

    def _exit_now(self) -> NoReturn:
        sys.stderr.write("cmbot: stopped at once. The next start settles the operations in progress.\n")
        sys.stderr.flush()
        os._exit(_EXIT_STATUS)

    def _exit_late(self) -> None:
        """End with status 0: a signal asked for it, and the next start completes what was cut short."""
        _later(_SAID_SECONDS, os._exit, 0)
        left = _threads() if self._orderly else (*_tasks(self._loop), *_threads())
        step = "threads" if self._orderly else "end"
        log.warning("end.cut_short", step=step, seconds=self._end_within, left=left[:_NAMED])
        sys.stderr.flush()
        os._exit(0)

    def _hangup(self) -> None:
        if self._hangup_ends:
            self._stop(signal.SIGHUP)
            return
        log.info("signal.hangup", what="the settings are read again")
        self._hung_up.set()


def _later(seconds: float, then: Callable[..., object], *args: object) -> None:
    """Call a function in a thread that does not keep the process alive."""
    timer = threading.Timer(seconds, then, args)
    timer.daemon = True
    timer.start()


def _tasks(loop: asyncio.AbstractEventLoop | None) -> tuple[str, ...]:
    """Name the tasks that have not ended; called in another thread, while the loop may stand."""
    try:
        found = asyncio.all_tasks(loop) if loop is not None else set()
    except RuntimeError:
        # The set changed all the time.
        return ()
    return tuple(sorted(task.get_name() for task in found if not task.done()))


def _threads() -> tuple[str, ...]:
    """Name the threads that the end waits for."""
    own = {threading.main_thread(), threading.current_thread()}
    return tuple(sorted(each.name for each in threading.enumerate() if each not in own and not each.daemon))
