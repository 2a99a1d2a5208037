"""Two processes on one SQLite file: the later one takes over, and its tasks return when it ends."""

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.chaos.processes import Process
from tests.e2e.program_process import SETTINGS, Outside

pytestmark = pytest.mark.system

STORAGE = "C0STORAGE"


def a_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Pages:
    """A process with its health pages."""

    def __init__(self, outside: Outside, number: int) -> None:
        self.port, slack = a_port(), outside.slack
        hosts = json.dumps(list(outside.cluster.hosts))
        text = SETTINGS.format(api=slack.api_url, folder=outside.config.parent, hosts=hosts, name="prod")
        text = text.replace("port: 0", f"port: {self.port}") + "replicas: {lease: 3s}\n"
        config = outside.config.with_name(f"config-{number}.yaml")
        config.write_text(text, encoding="utf-8")
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token, "CMBOT_STORE_URL": ""}
        self.process = Process(number, config, tokens)

    async def ready(self, wanted: Callable[[int, dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until `/readyz` answers as wanted; return the answer."""
        async with asyncio.timeout(60), aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
                        body: dict[str, Any] = await answer.json()
                        if wanted(answer.status, body):
                            return body
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.1)

    async def watches(self) -> None:
        """Wait until the process polls the cluster and is ready."""
        await self.ready(lambda status, body: (status, body["watches"]) == (200, ["prod"]))


@asynccontextmanager
async def two(outside: Outside) -> AsyncIterator[tuple[Pages, Pages]]:
    """Start two processes; the second one takes over from the first."""
    first, second = Pages(outside, 1), Pages(outside, 2)
    async with AsyncExitStack() as stack:
        for each in (first, second):
            await each.process.start()
            stack.push_async_callback(each.process.kill)
            await each.watches()
        conflict = "two processes on the same database file"
        body = await first.ready(lambda _, body: conflict in body["checks"]["watch"])
        assert (body["ok"], body["watches"]) == (False, [])
        yield first, second


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
async def test_tasks_of_the_second_process_return_to_the_first(outside: Outside, end: signal.Signals) -> None:
    """After an orderly stop or a kill of the second one, the first one polls again and announces a broken disk."""
    async with two(outside) as (first, second):
        assert second.process.send(end)
        await first.watches()
        outside.cluster.break_disk(3)
        await outside.slack.wait_for(STORAGE, lambda m: "disk #3" in m.full_text, timeout=30)
    assert len(outside.posted("disk #3")) == 1


async def test_second_process_goes_on_after_the_first_one_stops(outside: Outside) -> None:
    """The first one holds no task, so its stop releases none."""
    async with two(outside) as (first, second):
        assert first.process.send(signal.SIGTERM)
        assert first.process.process is not None
        async with asyncio.timeout(30):
            assert await first.process.process.wait() == 0
        await second.watches()
        outside.cluster.break_disk(3)
        await outside.slack.wait_for(STORAGE, lambda m: "disk #3" in m.full_text, timeout=30)
        await second.watches()
    assert len(outside.posted("disk #3")) == 1
