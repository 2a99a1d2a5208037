"""Signals: a cancelled start ends without an error, a second SIGINT ends at once, SIGHUP ends a demo only."""

import asyncio
import os
import signal
import subprocess
import sys
import threading

import pytest
from structlog.testing import capture_logs

from bot.runtime.signals import Signals


async def test_signal_during_the_start_ends_it_without_an_error() -> None:
    reached: list[str] = []
    with Signals(hangup_ends=False) as signals:
        async with signals.starting():
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
            reached.append("running")
        await signals.ended()
    assert reached == []


async def test_cancelled_start_without_a_signal_is_cancelled() -> None:
    async def start() -> None:
        with Signals(hangup_ends=False) as signals:
            async with signals.starting():
                await asyncio.Event().wait()

    task = asyncio.create_task(start())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_second_interrupt_exits_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exits: list[int] = []
    monkeypatch.setattr(os, "_exit", exits.append)
    with Signals(hangup_ends=False) as signals:
        for which in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
            signals._stop(which)
    assert exits == [130]
    assert capsys.readouterr().err.startswith("cmbot: stopped at once.")


@pytest.mark.parametrize(("orderly", "step"), [(True, "threads"), (False, "end")])
async def test_end_that_hangs_is_cut_short(monkeypatch: pytest.MonkeyPatch, orderly: bool, step: str) -> None:
    """A supervisor asked for the end, so it is no failure; the log has what was left."""
    exits: list[int] = []
    monkeypatch.setattr(os, "_exit", exits.append)
    hanging = asyncio.create_task(asyncio.Event().wait(), name="hanging part")
    with Signals(hangup_ends=False, end_within=0.0) as signals, capture_logs() as logs:
        if orderly:
            signals.orderly()
        signals._stop(signal.SIGTERM)
        while not exits:  # noqa: ASYNC110 - a thread appends to it
            await asyncio.sleep(0.01)
    hanging.cancel()
    assert exits == [0]
    [line] = [line for line in logs if line["event"] == "end.cut_short"]
    assert line["step"] == step
    assert ("hanging part" in line["left"]) is not orderly


def test_program_ends_although_its_log_is_not_read() -> None:
    """A thread stands within a line that it writes, so each other line waits: also those about the end."""
    with subprocess.Popen([sys.executable, "-c", UNREAD], stderr=subprocess.PIPE) as program:  # noqa: S603
        try:
            assert program.wait(30) == 0
        finally:
            program.kill()


UNREAD = """
import asyncio, logging, os, signal, threading
from bot.runtime import signals
from bot.telemetry.logs import set_up

signals._SAID_SECONDS = 0.1

def write():
    while True:
        logging.getLogger("bot").error("x" * 1000)

def fill():
    set_up("info", (), as_json=True)
    handler = logging.getLogger().handlers[0]
    handler.filters.clear()
    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    # Until the writer keeps the lock of the handler.
    while handler.lock.acquire(timeout=0.5):
        handler.lock.release()

async def main():
    with signals.Signals(hangup_ends=False, end_within=0.1):
        fill()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_program_in_a_terminal_may_take_its_time() -> None:
    with Signals(hangup_ends=True) as signals:
        before = threading.active_count()
        signals._stop(signal.SIGTERM)
        assert threading.active_count() == before


@pytest.mark.parametrize(("ends", "event"), [(True, "signal.ending"), (False, "signal.hangup")])
async def test_hangup_ends_a_program_in_a_terminal_only(ends: bool, event: str) -> None:
    with Signals(hangup_ends=ends) as signals, capture_logs() as logs:
        signals._hangup()
    assert [line["event"] for line in logs] == [event]
    assert signals._end.is_set() is ends


async def test_hangup_during_a_reload_is_not_forgotten() -> None:
    """The files may have changed again after they were read: the next build reads them once more."""
    accepted = asyncio.Event()
    with Signals(hangup_ends=False) as signals:
        signals._hangup()
        accepted.set()
        assert await signals.ended_or(accepted)
        accepted.clear()
        assert not await signals.ended_or(accepted)


async def test_hangup_after_an_orderly_end_does_what_it_did_before() -> None:
    before = signal.getsignal(signal.SIGHUP)
    hung_up: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, _: hung_up.append(number))
    try:
        with Signals(hangup_ends=False):
            pass
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert hung_up == [signal.SIGHUP]
