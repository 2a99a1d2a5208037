"""Debian's Alertmanager: it hears of a broken disk and of its repair, and its webhook reaches the channel."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.integrations.alertmanager import SOURCE
from bot.integrations.intake import PATH
from tests.e2e.receiving_program import receiving
from tests.support.alertmanager import alertmanager
from tests.support.ports import free_port

pytestmark = pytest.mark.system

TOKEN = "a-long-random-token"


async def active(session: aiohttp.ClientSession) -> dict[str, Any]:
    """Its active alerts by name; none before it listens."""
    try:
        async with session.get("/api/v2/alerts?active=true") as answer:
            return {each["labels"]["alertname"]: each for each in await answer.json()}
    except aiohttp.ClientConnectionError:
        return {}


async def until_active(session: aiohttp.ClientSession, name: str, *, is_active: bool = True) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while (name in (found := await active(session))) != is_active:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)
    return found


async def test_a_disk_breaks_and_is_repaired_and_an_alert_of_others_is_posted(tmp_path: Path) -> None:
    port = free_port()
    more = f"""
outputs: {{receivers: [{{name: am, kind: alertmanager, url: "http://127.0.0.1:{port}"}}]}}
inputs: {{token_env: T}}
"""
    async with (
        receiving(tmp_path, more, T=TOKEN) as world,
        alertmanager(tmp_path, port, world.url + PATH, TOKEN),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        world.cluster.break_disk(3)
        disk = (await until_active(session, "disk_broken"))["disk_broken"]
        assert disk["labels"] == {
            "alertname": "disk_broken",
            "cluster": "prod",
            "severity": "warning",
            "source": SOURCE,
        }
        assert "is broken" in disk["annotations"]["summary"]
        await world.slack.wait_for("C0STORAGE", lambda m: "disk #3" in m.full_text)

        foreign = {"labels": {"alertname": "HighLatency", "cluster": "prod", "severity": "page"}}
        async with session.post("/api/v2/alerts", json=[foreign]) as answer:
            assert answer.status == 200
        await world.slack.wait_for("C0STORAGE", lambda m: "HighLatency" in m.full_text, timeout=30)
        async with world.app.store.read() as uow:
            rules = {alert.rule for alert in await uow.alerts.open("prod")}
            kept = await uow.external_alerts.of_cluster("prod")
        assert "external" in rules
        assert [alert.name for alert in kept] == ["HighLatency"]  # what came from cmbot does not come back

        world.cluster.repair_disk(3, "repairing")
        world.cluster.repair_disk(3, "repaired")
        await until_active(session, "disk_broken", is_active=False)
        over = {**foreign, "endsAt": "2024-01-01T00:00:00Z", "startsAt": "2023-01-01T00:00:00Z"}
        async with session.post("/api/v2/alerts", json=[over]) as answer:
            assert answer.status == 200
        await world.slack.wait_for(
            "C0STORAGE", lambda m: "HighLatency" in m.full_text and "Resolved" in m.full_text, timeout=30
        )
