"""Heartbeat: called while all is well, silent on a problem, harmless when its URL fails."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import NoReturn

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from bot.telemetry.health import served
from bot.telemetry.heartbeat import Heartbeat


class Switch:
    """A monitoring service that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.status = 200
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/ping/s3cr3t"

    async def ping(self, _: web.Request) -> web.Response:
        self.calls += 1
        return web.Response(status=self.status)


@pytest.fixture
async def switch() -> AsyncIterator[Switch]:
    made, server = Switch(), web.Application()
    server.router.add_get("/ping/s3cr3t", made.ping)
    async with served(server, "127.0.0.1", 0) as made.port:
        yield made


async def no_problem() -> str:
    return ""


async def problem() -> str:
    return "prod: not polled lately."


async def test_heartbeat_is_called_at_most_every_half_minute(switch: Switch) -> None:
    heartbeat = Heartbeat(switch.url)
    for now in (0.0, 10.0, 29.9, 30.0, 59.0, 61.0):
        if heartbeat.due(now):
            await heartbeat.beat(now, no_problem)
    assert switch.calls == 3


async def test_heartbeat_is_silent_during_a_problem(switch: Switch) -> None:
    heartbeat = Heartbeat(switch.url)
    await heartbeat.beat(0.0, problem)
    assert switch.calls == 0
    await heartbeat.beat(30.0, no_problem)
    assert switch.calls == 1


async def test_heartbeat_without_a_url_is_never_due() -> None:
    assert not Heartbeat("").due(1e9)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/ping/s3cr3t", "https://[/s3cr3t", "http://127.0.0.1:99999/s3cr3t"])
async def test_unreachable_url_raises_nothing_and_is_not_logged(url: str) -> None:
    heartbeat = Heartbeat(url)
    with capture_logs() as logs:
        for now in range(0, 700, 30):
            await heartbeat.beat(float(now), no_problem)
    assert "s3cr3t" not in str(logs)
    assert [line["event"] for line in logs] == ["heartbeat.silent"] * 2


async def test_refusal_is_logged_and_its_end_too(switch: Switch) -> None:
    heartbeat = Heartbeat(switch.url)
    with capture_logs() as logs:
        switch.status = 404
        await heartbeat.beat(0.0, no_problem)
        switch.status = 200
        await heartbeat.beat(30.0, no_problem)
    assert [(line["event"], line.get("why")) for line in logs] == [
        ("heartbeat.silent", "its URL answered with status 404"),
        ("heartbeat.back", None),
    ]


async def logged_reason(url: str) -> str:
    with capture_logs() as logs:
        await Heartbeat(url).beat(0.0, no_problem)
    [line] = logs
    assert "s3cr3t" not in str(line)
    return str(line["why"])


@pytest.mark.parametrize(
    ("scheme", "answer", "reason"),
    [
        ("http", b"", "the answer was cut short or is not HTTP"),
        ("http", b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "the answer was cut short or is not HTTP"),
        ("https", b"HTTP/1.1 400 Bad Request\r\n\r\n", "the encrypted connection failed"),
    ],
)
async def test_answer_that_is_not_the_service_is_named(scheme: str, answer: bytes, reason: str) -> None:
    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(reply, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await logged_reason(f"{scheme}://127.0.0.1:{port}/s3cr3t") == f"its URL cannot be reached ({reason})"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://[/s3cr3t", "it is not a URL"),
        ("http://no-such-host.example/s3cr3t", "its host name cannot be resolved"),
    ],
)
async def test_wrong_url_is_named_without_itself(monkeypatch: pytest.MonkeyPatch, url: str, reason: str) -> None:
    async def unknown(*_: object, **__: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    assert await logged_reason(url) == f"its URL cannot be reached ({reason})"
