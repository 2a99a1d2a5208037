"""A start goes on when the database server ends a connection that the start has just opened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from bot.alerting.cluster_state.state import ClusterState
from bot.common.errors import StoreError
from bot.config import Secrets, Settings, parse
from bot.operations.policy import PolicyMode
from bot.runtime import startup
from bot.runtime.startup import foundation
from bot.store.database import Store
from bot.store.unit_of_work import UnitOfWork
from tests.support.databases import Postgres

WAITING = "start.waiting_for_the_database"


def settings(url: str) -> Settings:
    text = 'clusters: [{name: prod, hosts: ["10.0.0.1:9998"], alert_channel: C0A}]'
    return parse(text, secrets=Secrets(cmbot_store_url=url), environment={})


@pytest.fixture
async def url(postgres: Postgres) -> AsyncIterator[str]:
    name = await postgres.create_migrated()
    address = postgres.url(name)
    async with Store.open(address) as store, store.begin() as uow:
        await uow.cluster_states.put("prod", ClusterState(term=7))
    yield address
    await postgres.drop(name)


def end_connection(monkeypatch: pytest.MonkeyPatch, postgres: Postgres, reads: range) -> None:
    """The server ends the connections of these reading units, counted from 0, before their first statement."""
    whole, count = Store.read, iter(range(1000))

    @asynccontextmanager
    async def read(store: Store) -> AsyncIterator[UnitOfWork]:
        async with whole(store) as uow:
            if next(count) in reads:
                await postgres.terminate(await uow.replicas._session.value(select(func.pg_backend_pid())))
            yield uow

    monkeypatch.setattr(Store, "read", read)
    monkeypatch.setattr(startup, "RETRY_SECONDS", 0.01)


@pytest.mark.parametrize("reads", [range(1), range(1, 2), range(3)])
async def test_start_reads_again_when_its_connection_is_lost(
    url: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, reads: range
) -> None:
    end_connection(monkeypatch, postgres, reads)
    with capture_logs() as logs:
        async with foundation(settings(url), None, 30.0) as base:
            assert base.cluster_notes["prod"].state.term == 7
            assert base.began_as is PolicyMode.STRICT
    assert [line["event"] for line in logs].count(WAITING) == len(reads)


async def test_start_ends_when_the_database_stays_away(
    url: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_connection(monkeypatch, postgres, range(1000))
    with pytest.raises(StoreError):
        async with foundation(settings(url), None, 0.1):
            pass
