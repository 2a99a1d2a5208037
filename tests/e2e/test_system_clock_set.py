"""The system clock is set while the program runs: polls go on, and no false alert is announced."""

import asyncio
import json
import re
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.program_process import Outside

pytestmark = pytest.mark.system

STORAGE = "C0STORAGE"
ANNOUNCED = "The system clock under cmbot was set"
YEAR = 365 * 86400.0
SETTINGS = """
slack: {{api_url: "{api}"}}
http: {{port: {port}}}
store: {{url: "sqlite:///{folder}/cmbot.db"}}
clusters:
  - {{name: prod, hosts: {hosts}, alert_channel: C0STORAGE, channels: [C0STORAGE], poll_interval: 0.2s}}
access: {{operators: {{users: [U0ALICE]}}, approvers: {{users: [U0ALICE, U0BOB]}}}}
policies: {{default: loose}}
rules: {{watch_blind: {{after: 3s}}}}
summaries: [{{channel: C0STORAGE, cron: "0 * * * *"}}]
"""


@dataclass
class Moved:
    """The program with its pages and a system clock that the test can set."""

    outside: Outside
    process: asyncio.subprocess.Process
    file: Path
    port: int

    def set_clock(self, seconds: float) -> None:
        """Set the system clock forward by these seconds, back if below 0."""
        self.file.write_text(str(seconds))
        self.process.send_signal(signal.SIGUSR1)

    async def polls(self, number: int) -> None:
        """Wait for this number of further polls."""
        log = self.outside.cluster.log
        before = len(log.matching(path="/stat"))
        async with asyncio.timeout(30):
            await self.outside.cluster.until(lambda: len(log.matching(path="/stat")) >= before + 3 * number)

    async def page(self, name: str) -> tuple[int, str]:
        """Status and body of a page."""
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{self.port}/{name}") as answer:
            return answer.status, await answer.text()


@asynccontextmanager
async def moved(outside: Outside) -> AsyncIterator[Moved]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder, hosts = outside.config.parent, json.dumps(list(outside.cluster.hosts))
    outside.config.write_text(
        SETTINGS.format(api=outside.slack.api_url, port=port, folder=folder, hosts=hosts), encoding="utf-8"
    )
    file = folder / "moved"
    async with outside.bot("tests.support.movable_clock", str(file)) as process:
        parts = Moved(outside, process, file, port)
        await parts.polls(2)
        yield parts


@pytest.mark.parametrize("seconds", [-90.0, -3600.0, YEAR])
async def test_setting_the_clock_stops_no_polls(outside: Outside, seconds: float) -> None:
    """Polls go on; a broken disk and the jump are announced once each, and nothing else."""
    async with moved(outside) as parts:
        parts.set_clock(seconds)
        await parts.polls(5)
        outside.cluster.break_disk(3)
        await outside.slack.wait_for(STORAGE, lambda m: "disk #3" in m.full_text, timeout=30)
        await outside.slack.wait_for(STORAGE, lambda m: m.text.startswith(ANNOUNCED), timeout=30)
        await parts.polls(5)
        status, ready = await parts.page("readyz")
        assert (status, json.loads(ready)["watches"]) == (200, ["prod"])
        metrics = (await parts.page("metrics"))[1]
    assert 'cmbot_watch_blind_seconds{cluster="prod"} 0.0' in metrics
    [ahead] = re.findall(r"^cmbot_clock_ahead_seconds (\S+)$", metrics, re.MULTILINE)
    assert round(float(ahead)) == seconds
    assert len(outside.posted("disk #3")) == 1
    assert len(outside.posted(ANNOUNCED)) == 1
    others = [m.text for m in outside.posted() if "disk #3" not in m.full_text and not m.text.startswith(ANNOUNCED)]
    assert [text for text in others if not text.startswith("Summary")] == []
    assert len(others) <= 2, "a summary that was due is posted once"
