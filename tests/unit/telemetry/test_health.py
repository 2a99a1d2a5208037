"""Health pages over a real socket."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import aiohttp
import pytest

from bot.common.errors import StoreError
from bot.telemetry.health import Health, Probe, served, socket_alive
from bot.telemetry.metrics import Metrics


async def no_problem() -> str:
    return ""


async def problem() -> str:
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


async def test_ready_without_problems(session: aiohttp.ClientSession) -> None:
    status, body = await ask(session, "/readyz", live={}, ready={"store": no_problem, "slack": no_problem})
    assert (status, body) == (200, {"ok": True, "checks": {"store": "ok", "slack": "ok"}})


async def test_every_problem_is_named(session: aiohttp.ClientSession) -> None:
    ready = {"store": down, "slack": hanging, "outbox": problem, "clock": no_problem}
    status, body = await ask(session, "/readyz", live={}, ready=ready)
    assert status == 503
    assert body["checks"] == {
        "store": "the database does not answer",
        "slack": "no answer within 0.05 s",
        "outbox": "the oldest message has waited for 600 s",
        "clock": "ok",
    }


async def test_process_is_alive_while_slack_and_the_database_are_down(session: aiohttp.ClientSession) -> None:
    server = Health(Metrics(), alive={"parts": no_problem}, live={"slack": problem}, ready={"store": down}).server()
    async with served(server, "127.0.0.1", 0) as port, session.get(f"http://127.0.0.1:{port}/livez") as answer:
        assert (answer.status, await answer.json()) == (200, {"ok": True, "checks": {"parts": "ok"}})


async def test_process_that_lost_a_part_is_not_alive(session: aiohttp.ClientSession) -> None:
    server = Health(Metrics(), alive={"parts": problem}, live={}, ready={}).server()
    async with served(server, "127.0.0.1", 0) as port, session.get(f"http://127.0.0.1:{port}/livez") as answer:
        assert answer.status == 503


async def test_liveness_ignores_readiness(session: aiohttp.ClientSession) -> None:
    status, _ = await ask(session, "/healthz", live={"socket": no_problem}, ready={"store": down})
    assert status == 200


async def test_liveness_fails_when_the_socket_is_disconnected_too_long(session: aiohttp.ClientSession) -> None:
    socket = socket_alive(lambda: 301.0, longest=300.0, last_error=lambda: "Slack could not be reached.")
    status, body = await ask(session, "/healthz", live={"socket": socket}, ready={})
    assert (status, body["checks"]["socket"]) == (
        503,
        "Slack has been disconnected for 301 s. Slack could not be reached.",
    )


async def test_recently_disconnected_socket_is_no_problem() -> None:
    assert not await socket_alive(lambda: 299.0, longest=300.0, last_error=lambda: "")()


async def test_metrics_are_served_in_prometheus_format(session: aiohttp.ClientSession) -> None:
    metrics = Metrics()
    metrics.unpolled("prod", 2.0)
    server = Health(metrics, live={}, ready={}).server()
    async with served(server, "127.0.0.1", 0) as port, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
        assert 'cmbot_watch_blind_seconds{cluster="prod"} 2.0' in await answer.text()
        assert answer.headers["Content-Type"].startswith("text/plain; version=")


async def test_readiness_lists_polled_clusters(session: aiohttp.ClientSession) -> None:
    """The list shows a process that polls nothing, even if it is well."""
    server = Health(Metrics(), live={}, ready={}, watches=lambda: ["prod"]).server()
    async with served(server, "127.0.0.1", 0) as port, session.get(f"http://127.0.0.1:{port}/readyz") as answer:
        assert await answer.json() == {"ok": True, "checks": {}, "watches": ["prod"]}


async def test_readiness_lists_polled_clusters_after_its_checks(session: aiohttp.ClientSession) -> None:
    """A cluster lost during a check is not listed beside the sentence that says so."""
    watched = ["prod"]

    async def loses() -> str:
        watched.clear()
        return "another process polls prod"

    server = Health(Metrics(), live={}, ready={"watch": loses}, watches=lambda: watched).server()
    async with served(server, "127.0.0.1", 0) as port, session.get(f"http://127.0.0.1:{port}/readyz") as answer:
        assert (await answer.json())["watches"] == []


async def test_metrics_are_rendered_while_the_event_loop_goes_on(session: aiohttp.ClientSession) -> None:
    """The text of a thousand clusters has 10 MB: rendered in the event loop it would hold commands for a second."""
    asked, answered = threading.Event(), threading.Event()

    class LargeMetrics(Metrics):
        def parts(self) -> Iterator[bytes]:
            asked.set()
            assert answered.wait(10)
            yield from (b"la", b"", b"rge")

    pages = Health(LargeMetrics(), live={"loop": no_problem}, ready={})
    async with served(pages.server(), "127.0.0.1", 0) as port:
        large = asyncio.create_task(session.get(f"http://127.0.0.1:{port}/metrics"))
        assert await asyncio.to_thread(asked.wait, 10)
        async with session.get(f"http://127.0.0.1:{port}/healthz") as answer:
            assert answer.status == 200
        answered.set()
        assert await (await large).read() == b"large"


async def test_head_of_the_metrics_has_no_body() -> None:
    """A body would be taken as the next answer of the connection."""
    server = Health(Metrics(), live={}, ready={}).server()
    async with served(server, "127.0.0.1", 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(b"HEAD /metrics HTTP/1.1\r\nHost: here\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        writer.close()
        await writer.wait_closed()
