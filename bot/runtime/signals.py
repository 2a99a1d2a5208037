"""Signals to the process: SIGTERM and SIGINT end it in order, a second SIGINT at once, SIGHUP not at all."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn, Self

import structlog

log = structlog.get_logger(__name__)

_AT_ONCE = 130
"""The exit status of a program that SIGINT ended."""


class Signals:
    """Takes the signals while its block runs; `hangup_ends` is for what belongs to a terminal."""

    def __init__(self, *, hangup_ends: bool) -> None:
        self._hangup_ends = hangup_ends
        self._end = asyncio.Event()
        self._starting: asyncio.Task[object] | None = None

    def __enter__(self) -> Self:
        """Take them from now on."""
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, self._asked_to_end, each)
        loop.add_signal_handler(signal.SIGHUP, self._hung_up)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave them to Python again."""
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().remove_signal_handler(each)

    @asynccontextmanager
    async def starting(self) -> AsyncIterator[None]:
        """What begins in this block is cut short by a signal until `ended` is awaited; then the block just ends."""
        self._starting = asyncio.current_task()
        try:
            yield
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._end.is_set() or task is None:
                raise
            task.uncancel()

    async def ended(self) -> None:
        """Wait for the signal to end."""
        self._starting = None
        await self._end.wait()

    def _asked_to_end(self, which: signal.Signals) -> None:
        if self._end.is_set():
            if which is signal.SIGINT:
                self._at_once()
            return
        log.info("signal.ending", signal=which.name)
        self._end.set()
        if self._starting is not None:
            self._starting.cancel()

    def _at_once(self) -> NoReturn:
        sys.stderr.write("cmbot: ended at once. What was under way is settled after the next start.\n")
        sys.stderr.flush()
        os._exit(_AT_ONCE)

    def _hung_up(self) -> None:
        if self._hangup_ends:
            self._asked_to_end(signal.SIGHUP)
            return
        log.warning("signal.hangup", what="SIGHUP changes nothing: restart cmbot to read its settings again")
