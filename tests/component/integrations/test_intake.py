"""The webhook of an Alertmanager: who may deliver, what is kept, and what a wrong delivery does."""

import io
import json
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.integrations.intake import PATH, Intake
from bot.store.database import Store
from bot.store.repositories.external_alerts import MAX_FIRING
from bot.telemetry.health import served
from tests.support.databases import Clock

TOKEN = "a-long-random-token"


def reported(number: int = 1, status: str = "firing", **labels: str) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": "HighLatency", "cluster": "prod", "severity": "critical", **labels},
        "annotations": {"summary": "p99 is 2 s"},
        "startsAt": "2023-11-14T22:13:20.000Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
        "fingerprint": f"{number:016x}",
    }


def delivery(*alerts: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {
        "version": "4",
        "groupKey": "{}",
        "status": "firing",
        "receiver": "cmbot",
        "alerts": list(alerts),
        **changed,
    }


@dataclass
class Served:
    """The webhook as it is served, and the clusters whose watches must read again."""

    url: str
    notified: list[set[str]] = field(default_factory=list)

    async def post(self, body: Any, *, token: str | None = TOKEN) -> tuple[int, Any]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        async with aiohttp.ClientSession() as session, session.post(self.url, data=data, headers=headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text.startswith("{") else text


@pytest.fixture
async def webhook(store: Store, clock: Clock) -> AsyncIterator[Served]:
    notified: list[set[str]] = []

    def received(clusters: Collection[str]) -> None:
        notified.append(set(clusters))

    intake = Intake(store, TOKEN, frozenset({"prod", "test"}), "cluster", 3600.0, clock, received)
    server = web.Application(client_max_size=1024 * 1024)
    intake.mount(server)
    async with served(server, "127.0.0.1", 0) as port:
        yield Served(f"http://127.0.0.1:{port}{PATH}", notified)


async def test_alerts_of_configured_clusters_are_kept(webhook: Served, store: Store, clock: Clock) -> None:
    status, answer = await webhook.post(
        delivery(reported(), reported(2, cluster="other"), reported(3, source="cmbot"), reported(4, cluster="test"))
    )
    assert (status, answer) == (200, {"kept": 2, "too_many": 0, "of_no_cluster": 1, "of_cmbot": 1})
    assert webhook.notified == [{"prod", "test"}]
    async with store.read() as uow:
        (alert,) = await uow.external_alerts.of_cluster("prod")
    assert (alert.name, alert.severity, alert.summary) == ("HighLatency", "critical", "p99 is 2 s")
    assert alert.started_at == 1_700_000_000.0
    assert alert.fires(clock.now + 3599)
    assert not alert.fires(clock.now + 3600)


async def test_the_end_of_an_alert_replaces_it(webhook: Served, store: Store) -> None:
    await webhook.post(delivery(reported()))
    await webhook.post(delivery(reported(status="resolved")))
    async with store.read() as uow:
        (alert,) = await uow.external_alerts.of_cluster("prod")
    assert not alert.firing


async def test_the_end_of_an_unknown_alert_is_not_kept(webhook: Served, store: Store) -> None:
    """Else a flood that was over the bound would leave a row for each of its alerts."""
    assert (await webhook.post(delivery(reported(status="resolved"))))[0] == 200
    async with store.read() as uow:
        assert await uow.external_alerts.of_cluster("prod") == ()


async def test_alerts_that_ran_out_leave_room_for_others(webhook: Served, clock: Clock) -> None:
    """Their Alertmanager went away without a word; nothing has deleted their rows yet."""
    await webhook.post(delivery(*(reported(number) for number in range(MAX_FIRING))))
    clock.now += 3601
    assert (await webhook.post(delivery(reported(MAX_FIRING), reported(0))))[1]["too_many"] == 0


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN.upper(), TOKEN + "x", "ü"])
async def test_no_one_delivers_without_the_token(webhook: Served, store: Store, token: str | None) -> None:
    status, _ = await webhook.post(delivery(reported()), token=token)
    assert status == 401
    async with store.read() as uow:
        assert await uow.external_alerts.of_cluster("prod") == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": "4"}',
        b"[" * 50_000,
        delivery(version="3"),
        delivery({**reported(), "fingerprint": "../../x"}),
        delivery({**reported(), "status": "odd"}),
        delivery({**reported(), "labels": {"cluster": 7}}),
    ],
)
async def test_a_wrong_delivery_is_refused_whole(webhook: Served, store: Store, body: Any) -> None:
    status, _ = await webhook.post(body)
    assert status == 400
    async with store.read() as uow:
        assert await uow.external_alerts.of_cluster("prod") == ()


async def test_a_large_body_is_not_read(webhook: Served) -> None:
    status, _ = await webhook.post(b" " * (1024 * 1024 + 1))
    assert status == 413


async def test_hostile_text_is_bounded_and_on_one_line(webhook: Served, store: Store) -> None:
    hostile = reported(zone="a\nb\u202e", job="x" * 100_000)
    hostile["annotations"] = {"summary": "<!channel>\r\n" + "`" * 50_000}
    hostile["generatorURL"] = "javascript:alert(1)"
    hostile["startsAt"] = "0001-01-01T00:00:00Z"
    assert (await webhook.post(delivery(hostile)))[0] == 200
    async with store.read() as uow:
        (alert,) = await uow.external_alerts.of_cluster("prod")
    assert len(alert.summary) <= 1000
    assert "\n" not in alert.summary
    assert dict(alert.labels)["zone"] == "a b"
    assert len(dict(alert.labels)["job"]) <= 300
    assert (alert.source, alert.started_at) == ("", 0.0)


async def test_a_flood_is_bounded_for_each_cluster(webhook: Served, store: Store) -> None:
    """News of alerts that are known, and their ends, are taken all the same."""
    first = [reported(number) for number in range(MAX_FIRING)]
    assert (await webhook.post(delivery(*first)))[1]["kept"] == MAX_FIRING
    _, answer = await webhook.post(delivery(reported(MAX_FIRING), reported(0), reported(1, status="resolved")))
    assert (answer["kept"], answer["too_many"]) == (2, 1)
    assert (await webhook.post(delivery(reported(MAX_FIRING))))[1]["kept"] == 1
    async with store.read() as uow:
        assert len(await uow.external_alerts.of_cluster("prod")) == MAX_FIRING + 1
