"""The system clock is set while the program runs: the watch goes on, and the jump is announced once."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.outside import Outside

YEAR = 366 * 86400.0
POLL = 0.2
MAX_GAP = 10 * POLL
"""Seconds between two polls that count as missed ones: generous, for a busy machine."""


@dataclass
class Shifted:
    """The program in a process whose wall clock can be set."""

    process: asyncio.subprocess.Process
    file: Path
    port: int

    def shift(self, seconds: float) -> None:
        self.file.write_text(str(seconds))
        self.process.send_signal(signal.SIGUSR1)

    async def get(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{self.port}{path}") as response:
            return response.status, await response.text()


@asynccontextmanager
async def shifted(outside: Outside, port: int) -> AsyncIterator[Shifted]:
    file = outside.config.parent / "shift"
    text = outside.config.read_text().replace("http: {port: 0}", f"http: {{port: {port}}}")
    outside.config.write_text(text)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.shifted", str(file), "run", "--config", str(outside.config)),
        env=os.environ | {"SLACK_BOT_TOKEN": outside.slack.bot_token, "SLACK_APP_TOKEN": outside.slack.app_token},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await outside.slack.wait_connected(timeout=30)
        yield Shifted(process, file, port)
    finally:
        process.kill()
        await process.wait()
        await outside.slack.wait_connected(connected=False)


@pytest.mark.parametrize("seconds", [-90.0, -3600.0, YEAR, -0.5], ids=["back-90s", "back-1h", "year-ahead", "step"])
async def test_watch_goes_on_when_clock_is_set(outside: Outside, seconds: float, unused_tcp_port: int) -> None:
    async with shifted(outside, unused_tcp_port) as bot:
        await _polled(outside)
        bot.shift(seconds)
        gaps = await _gaps(outside, 4.0)
        assert max(gaps) < MAX_GAP
        outside.cluster.break_disk(3)
        await outside.slack.wait_for("C0STORAGE", lambda m: "disk 3" in m.full_text and not m.thread_ts, timeout=20)
        status, ready = await bot.get("/readyz")
        assert status == 200, ready
        _, metrics = await bot.get("/metrics")
        assert 'cmbot_watch_blind_seconds{cluster="prod"} 0.0' in metrics
        alerts = [m for m in outside.slack.workspace.messages if "alert:" in str(m.metadata) and not m.thread_ts]
        notices = [m for m in outside.slack.workspace.messages if "system clock" in m.text]
        assert len(alerts) == 1
        assert len(notices) == (0 if abs(seconds) < 2 else 1)


async def test_silence_holds_when_clock_is_set_ahead(outside: Outside, unused_tcp_port: int) -> None:
    async with shifted(outside, unused_tcp_port) as bot:
        alice = outside.slack.as_user("U0ALICE")
        await alice.command("C0STORAGE", "/cm silence disk_broken for=1h")
        await outside.slack.wait_for("C0STORAGE", lambda m: "silence" in m.full_text.lower(), timeout=20)
        bot.shift(YEAR)
        await _gaps(outside, 2.0)
        outside.cluster.break_disk(3)
        await _gaps(outside, 2.0)
        shown = [m for m in outside.slack.workspace.messages if "disk 3" in m.full_text and not m.thread_ts]
        assert not shown, "a jump ended a silence of one hour"


async def _polled(outside: Outside) -> None:
    seen = len(outside.cluster.log.matching(path="/stat"))
    for _ in range(400):
        if len(outside.cluster.log.matching(path="/stat")) >= seen + 6:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the cluster is not polled")


async def _gaps(outside: Outside, seconds: float) -> list[float]:
    """The seconds between polls, as seen by the cluster, for so long."""
    polls = [time.monotonic()]
    seen, until = len(outside.cluster.log.matching(path="/stat")), polls[0] + seconds
    while time.monotonic() < until:
        await asyncio.sleep(0.02)
        if (now := len(outside.cluster.log.matching(path="/stat"))) > seen:
            seen = now
            polls.append(time.monotonic())
    polls.append(time.monotonic())
    return [later - earlier for earlier, later in pairwise(polls)]
