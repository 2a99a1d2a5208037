"""`cmbot run` as a separate process with its pages on a known port; shared by tests of start and end."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bot.playground.slack_sim.server import LocalSlack
from tests.e2e.test_check import write


@dataclass
class Started:
    """A running program: its port and what it wrote to standard error so far."""

    port: int
    process: asyncio.subprocess.Process
    stderr: Path

    async def page(self, path: str) -> tuple[int, str]:
        """What a page of it answers; waits for the page to be there."""
        while True:
            assert self.process.returncode is None, self.stderr.read_text()
            try:
                url = f"http://127.0.0.1:{self.port}{path}"
                async with aiohttp.ClientSession() as session, session.get(url) as answer:
                    return answer.status, await answer.text()
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)

    async def until(self, path: str, *words: str) -> str:
        """Wait until a page holds all words; the page."""
        body = ""
        try:
            async with asyncio.timeout(60):
                while not all(word in body for word in words) or not body:
                    await asyncio.sleep(0.1)
                    _, body = await self.page(path)
        except TimeoutError as error:
            raise AssertionError(f"{path} never held {' and '.join(words)}:\n{body}") from error
        return body

    async def checks(self, path: str = "/readyz") -> Mapping[str, Any]:
        return dict(json.loads((await self.page(path))[1])["checks"])


@asynccontextmanager
async def started(folder: Path, config: str, port: int, **environment: str) -> AsyncIterator[Started]:
    """Run `cmbot run` as a separate process until the block ends."""
    stderr = folder / "stderr"
    with stderr.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run", "--config", config),
            env=os.environ | {"CMBOT_STORE_URL": ""} | environment,
            stderr=file,
        )
    try:
        yield Started(port, process, stderr)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


def settings(folder: Path, slack: LocalSlack, hosts: list[str], *, api: str = "") -> tuple[str, int]:
    """A settings file with a free port for the pages; both. `api` is another address of Slack."""
    config = write(folder, slack, hosts, channel="C0STORAGE")
    if api:
        Path(config).write_text(Path(config).read_text().replace(slack.api_url, api))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    with Path(config).open("a") as file:
        file.write(f"http: {{port: {port}}}\n")
    return config, port
