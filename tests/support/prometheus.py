"""Debian's Prometheus on loopback for tests: `promtool`, and a server that scrapes."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.debian import program
from tests.support.ports import free_port


def promtool(*words: str, stdin: str = "") -> tuple[int, str]:
    """Run promtool; its status and what it printed."""
    command = [str(program("prometheus", "promtool")), *words]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    return done.returncode, done.stdout + done.stderr


@dataclass(frozen=True, slots=True)
class Server:
    """A running Prometheus."""

    port: int
    log: Path

    async def query(self, expression: str) -> list[Mapping[str, Any]]:
        """The series of an expression now."""
        return list((await self._get("query", {"query": expression}))["result"])

    async def firing(self, alert: str) -> list[Mapping[str, str]]:
        """The labels of the firing alerts of that name."""
        found = (await self._get("alerts", {}))["alerts"]
        return [each["labels"] for each in found if each["state"] == "firing" and each["labels"]["alertname"] == alert]

    async def targets(self) -> list[Mapping[str, Any]]:
        """The targets that are scraped."""
        return list((await self._get("targets", {}))["activeTargets"])

    async def _get(self, what: str, query: Mapping[str, str]) -> Mapping[str, Any]:
        url = f"http://127.0.0.1:{self.port}/api/v1/{what}"
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=query) if query else session.get(url) as answer,
        ):
            body = await answer.json()
        assert body["status"] == "success", body
        return dict(body["data"])


@asynccontextmanager
async def prometheus(folder: Path, config: str) -> AsyncIterator[Server]:
    """Run Prometheus with this configuration until the block ends; its files are in `folder`."""
    port, log = free_port(), folder / "prometheus.log"
    (folder / "prometheus.yml").write_text(config)
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            str(program("prometheus", "prometheus")),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
            stderr=file,
        )
    try:
        server = Server(port, log)
        await _ready(server, lambda: process.returncode is None)
        yield server
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(server: Server, runs: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while True:
            assert runs(), server.log.read_text()
            try:
                await server.query("1")
            except (aiohttp.ClientError, AssertionError):
                await asyncio.sleep(0.1)
            else:
                return
