"""The heartbeat: called while all is well, silent when not, harmless when its address is."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from bot.telemetry.health import served
from bot.telemetry.heartbeat import Heartbeat


class Switch:
    """A dead man's switch that counts its calls."""

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


async def well() -> str:
    return ""


async def ill() -> str:
    return "no look lately at prod."


async def test_it_is_called_at_most_every_half_minute(switch: Switch) -> None:
    heart = Heartbeat(switch.url)
    for now in (0.0, 10.0, 29.9, 30.0, 59.0, 61.0):
        if heart.due(now):
            await heart.beat(now, well)
    assert switch.calls == 3


async def test_it_is_silent_while_something_is_wrong(switch: Switch) -> None:
    heart = Heartbeat(switch.url)
    await heart.beat(0.0, ill)
    assert switch.calls == 0
    await heart.beat(30.0, well)
    assert switch.calls == 1


async def test_without_an_address_it_is_never_due() -> None:
    assert not Heartbeat("").due(1e9)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/ping/s3cr3t", "https://[/s3cr3t", "http://127.0.0.1:99999/s3cr3t"])
async def test_an_address_that_cannot_be_reached_harms_nobody_and_is_not_shown(url: str) -> None:
    heart = Heartbeat(url)
    with capture_logs() as logs:
        for now in range(0, 700, 30):
            await heart.beat(float(now), well)
    assert "s3cr3t" not in str(logs)
    assert [line["event"] for line in logs] == ["heartbeat.silent"] * 2


async def test_a_refusal_is_logged_and_its_end_as_well(switch: Switch) -> None:
    heart = Heartbeat(switch.url)
    with capture_logs() as logs:
        switch.status = 404
        await heart.beat(0.0, well)
        switch.status = 200
        await heart.beat(30.0, well)
    assert [(line["event"], line.get("why")) for line in logs] == [
        ("heartbeat.silent", "its address answered 404"),
        ("heartbeat.back", None),
    ]
