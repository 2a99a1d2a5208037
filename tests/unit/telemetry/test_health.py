"""The health pages over a real socket."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest

from bot.common.errors import StoreError
from bot.telemetry.health import Health, Probe, served, socket_alive
from bot.telemetry.metrics import Metrics


async def well() -> str:
    return ""


async def ill() -> str:
    return "the oldest message has waited for 600 s"


async def down() -> str:
    raise StoreError("the database does not answer")


async def hanging() -> str:
    await asyncio.Event().wait()
    return ""


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def ask(
    session: aiohttp.ClientSession, path: str, *, live: Mapping[str, Probe], ready: Mapping[str, Probe]
) -> tuple[int, Any]:
    server = Health(Metrics(), live=live, ready=ready, within=0.05).server()
    async with served(server, "127.0.0.1", 0) as port, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.json()


async def test_all_well(session: aiohttp.ClientSession) -> None:
    status, body = await ask(session, "/readyz", live={}, ready={"store": well, "slack": well})
    assert (status, body) == (200, {"ok": True, "checks": {"store": "ok", "slack": "ok"}})


async def test_each_thing_that_is_wrong_is_named(session: aiohttp.ClientSession) -> None:
    ready = {"store": down, "slack": hanging, "outbox": ill, "clock": well}
    status, body = await ask(session, "/readyz", live={}, ready=ready)
    assert status == 503
    assert body["checks"] == {
        "store": "the database does not answer",
        "slack": "no answer within 0.05 s",
        "outbox": "the oldest message has waited for 600 s",
        "clock": "ok",
    }


async def test_liveness_does_not_look_at_readiness(session: aiohttp.ClientSession) -> None:
    status, _ = await ask(session, "/healthz", live={"socket": well}, ready={"store": down})
    assert status == 200


async def test_liveness_fails_when_the_socket_is_dead_for_too_long(session: aiohttp.ClientSession) -> None:
    socket = socket_alive(lambda: 301.0, longest=300.0, last_error=lambda: "Slack could not be reached.")
    status, body = await ask(session, "/healthz", live={"socket": socket}, ready={})
    assert (status, body["checks"]["socket"]) == (503, "no connection to Slack for 301 s. Slack could not be reached.")


async def test_a_socket_that_died_just_now_is_given_time() -> None:
    assert not await socket_alive(lambda: 299.0, longest=300.0, last_error=lambda: "")()


async def test_metrics_are_served_in_prometheus_format(session: aiohttp.ClientSession) -> None:
    metrics = Metrics()
    metrics.alerts_open("prod", 2)
    server = Health(metrics, live={}, ready={}).server()
    async with served(server, "127.0.0.1", 0) as port, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
        assert 'cmbot_alerts_open{cluster="prod"} 2.0' in await answer.text()
        assert answer.headers["Content-Type"].startswith("text/plain; version=")


async def test_readiness_shows_what_is_watched(session: aiohttp.ClientSession) -> None:
    """A process that watches nothing is seen there, be it well or not."""
    server = Health(Metrics(), live={}, ready={}, watches=lambda: ["prod"]).server()
    async with served(server, "127.0.0.1", 0) as port, session.get(f"http://127.0.0.1:{port}/readyz") as answer:
        assert await answer.json() == {"ok": True, "checks": {}, "watches": ["prod"]}


async def test_readiness_names_what_is_watched_after_its_checks(session: aiohttp.ClientSession) -> None:
    """A cluster that is lost while a check is waited for does not stand beside the words that it is lost."""
    watched = ["prod"]

    async def loses() -> str:
        watched.clear()
        return "another process watches prod"

    server = Health(Metrics(), live={}, ready={"watch": loses}, watches=lambda: watched).server()
    async with served(server, "127.0.0.1", 0) as port, session.get(f"http://127.0.0.1:{port}/readyz") as answer:
        assert (await answer.json())["watches"] == []
