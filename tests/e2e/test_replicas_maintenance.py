"""Maintenance of a host that one process starts and another one carries out."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.alerting.model import Alert
from bot.playground.slack_sim.message import Message
from tests.e2e.replicas import EVERY, PATIENCE, STORAGE, Replicas, two_replicas
from tests.support.databases import Postgres

pytestmark = pytest.mark.system


@pytest.fixture
async def replicas(tmp_path: Path, postgres: Postgres) -> AsyncIterator[Replicas]:
    async with two_replicas(tmp_path, postgres) as made:
        yield made
        assert await made.broken_chain() is None
        made.assert_each_message_is_there_once()


async def muted(replicas: Replicas) -> Alert:
    """Wait for an alert that a maintenance holds back."""
    async with asyncio.timeout(PATIENCE):
        while True:
            async with replicas.store.read() as uow:
                found = [alert for alert in await uow.alerts.open() if alert.notes.muted is not None]
            if found:
                return found[0]
            await asyncio.sleep(EVERY)


def alerts(replicas: Replicas) -> list[Message]:
    """Posted alerts that stopping the second node explains."""
    return [m for m in replicas.messages("voter 2 is unhealthy") if m.text.startswith("Critical")]


async def begin(replicas: Replicas, span: str) -> None:
    """Start the maintenance of the second node by the process that does not poll, and stop the node."""
    host = replicas.cluster.host(2)
    replicas.deliver_to(await replicas.idle())
    started = await replicas.ask(f"/cm maintenance start {host} prod for={span} anyway=yes reason=kernel")
    assert "started maintenance" in started.full_text
    await replicas.cluster.kill(2)
    await muted(replicas)
    assert alerts(replicas) == []


async def announced_once(replicas: Replicas, words: str) -> None:
    """Wait for the end of the maintenance, in these words, and for the alert that it held back."""
    await replicas.slack.wait_for(STORAGE, lambda m: words in m.full_text, timeout=PATIENCE)
    await replicas.slack.wait_for(STORAGE, lambda m: m in alerts(replicas), timeout=PATIENCE)
    assert len(replicas.messages("Maintenance of", "ended")) == 1
    assert len(alerts(replicas)) == 1


async def test_maintenance_of_another_process_is_lifted_once_by_another_failure(replicas: Replicas) -> None:
    await begin(replicas, "1h")
    replicas.cluster.break_disk(5)
    await announced_once(replicas, "ended early: something else fails")


async def test_maintenance_ends_once_after_a_kill_of_the_process_that_started_it(replicas: Replicas) -> None:
    await begin(replicas, "15s")
    await replicas.kill(await replicas.idle())
    await announced_once(replicas, "ended, and the host is still away")
