"""The dashboard reader over real sockets: once a minute where it is answered, once an hour where it is not."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.dashboard import VolumeSafety
from bot.clustermgr.dashboard_reader import INTERVAL_SECONDS, KEPT_SECONDS, REFUSED_SECONDS, DashboardReader
from bot.common.periods import staggered
from tests.support.raw_server import Request, answer, serving

SAFETY = {"safe_volumes": 9, "degraded_volumes": 2, "at_risk_volumes": 1, "data_loss_volumes": 0}


@dataclass
class Desk:
    """One host that answers the dashboard with `status` and `body`; `asked` counts the requests."""

    status: int = 200
    body: Any = None
    asked: int = 0
    host: str = ""


@asynccontextmanager
async def reading(desk: Desk) -> AsyncIterator[DashboardReader]:
    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        assert request.target == "/cluster/dashboard"
        desk.asked += 1
        content = json.dumps(desk.body).encode()
        writer.write(answer(desk.status, "-", [("Content-Type", "application/json")], content))
        await writer.drain()

    async with serving(handle) as server, ClustermgrClient([server.host]) as api:
        desk.host = server.host
        yield DashboardReader(api)


async def test_answer_is_used_and_asked_once_a_minute() -> None:
    desk = Desk(body={"volume_safety": SAFETY, "service": None})
    async with reading(desk) as reader:
        for at in (1000.0, 1015.0, 1030.0):
            found = await reader.read(at, desk.host)
        assert found is not None
        assert (found.safety, desk.asked) == (VolumeSafety(2, 1, 0), 1)
        await reader.read(1000.0 + INTERVAL_SECONDS, desk.host)
    assert desk.asked == 2


async def test_clusters_ask_at_their_own_moment_and_a_refusal_still_counts_for_an_hour() -> None:
    desk = Desk(404, {"error": "404 page not found"})
    async with reading(desk) as reader:
        reader.due = staggered("prod")
        for at in range(0, 2 * int(REFUSED_SECONDS), 15):
            await reader.read(1000.0 + at, desk.host)
        assert desk.asked == 3, "at the start, and once in each hour"
        desk.status, desk.body = 200, {"volume_safety": SAFETY, "service": None}
        for at in range(0, int(REFUSED_SECONDS), 15):
            await reader.read(1000.0 + 2 * REFUSED_SECONDS + at, desk.host)
        asked = desk.asked
        for at in range(0, 600, 15):
            await reader.read(1000.0 + 3 * REFUSED_SECONDS + at, desk.host)
    assert desk.asked - asked == 10, "once a minute"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"error": "404 page not found"}),
        (404, "404 page not found"),
        (200, {"volume_safety": "all is well", "service": {"expired_by_node": []}}),
        (200, None),
        (200, []),
    ],
)
async def test_refusal_is_remembered_for_an_hour(status: int, body: Any) -> None:
    desk = Desk(status, body)
    async with reading(desk) as reader:
        for at in (1000.0, 1000.0 + INTERVAL_SECONDS, 999.0 + REFUSED_SECONDS):
            assert await reader.read(at, desk.host) is None
        assert desk.asked == 1
        await reader.read(1000.0 + REFUSED_SECONDS, desk.host)
    assert desk.asked == 2


@pytest.mark.parametrize(
    ("status", "body"), [(500, {"error": "panic"}), (907, {"error": "no leader"}), (904, {"error": "x"})]
)
async def test_failure_is_repeated_after_a_minute_and_the_last_answer_counts(status: int, body: Any) -> None:
    desk = Desk(body={"volume_safety": SAFETY})
    async with reading(desk) as reader:
        first = await reader.read(1000.0, desk.host)
        desk.status, desk.body = status, body
        assert await reader.read(1000.0 + INTERVAL_SECONDS, desk.host) == first is not None
        assert await reader.read(1001.0 + KEPT_SECONDS, desk.host) is None
        assert desk.asked == 3
        desk.status, desk.body = 200, {"volume_safety": SAFETY}
        assert await reader.read(1001.0 + KEPT_SECONDS + INTERVAL_SECONDS, desk.host) is not None


async def test_answer_too_late_is_asked_for_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(body={"volume_safety": SAFETY})
    async with reading(desk) as reader:
        monkeypatch.setattr("bot.clustermgr.dashboard_reader.READ_SECONDS", 0.0)
        assert await reader.read(1000.0, desk.host) is None
        monkeypatch.undo()
        assert await reader.read(1000.0 + INTERVAL_SECONDS, desk.host) is not None


async def test_old_answer_is_not_used() -> None:
    desk = Desk(body={"volume_safety": SAFETY})
    async with reading(desk) as reader:
        await reader.read(1000.0, desk.host)
    assert reader.known(1000.0 + KEPT_SECONDS) is not None
    assert reader.known(1001.0 + KEPT_SECONDS) is None
