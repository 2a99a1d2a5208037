"""The audit log in the database: it grows by one chain however many write, and nothing else can be done to it."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from bot.alerting.cluster_state.state import ClusterState
from bot.audit.chain import GENESIS, AuditEntry, AuditRow, verify
from bot.audit.query import AuditQuery
from bot.common.errors import StoreError
from bot.store.database import Store
from bot.store.url import parse
from tests.support.databases import Postgres

ENTRY = AuditEntry(
    at=1_700_000_000.1239,
    actor="U1",
    action="operation.running",
    cluster="prod",
    op_id=7,
    detail={"words": "confirmed", "request": {"on": True, "peer": 2**64 - 1, "share": 1e22}},
)


async def _append(store: Store, *entries: AuditEntry) -> list[AuditRow]:
    rows = []
    for entry in entries:
        async with store.begin() as uow:
            rows.append(await uow.audit.append(entry))
    return rows


async def _all(store: Store) -> list[AuditRow]:
    async with store.read() as uow:
        return await uow.audit.range()


async def test_rows_are_read_as_hashed_and_form_a_chain(store: Store) -> None:
    assert await _all(store) == []
    appended = await _append(store, ENTRY, AuditEntry(5.0, "", "bot.started"))
    rows = await _all(store)
    assert rows == appended
    assert verify(rows) is None
    assert (rows[0].seq, rows[0].prev_hash, rows[0].at) == (1, GENESIS.hash, 1_700_000_000.124)
    assert rows[0].details == ENTRY.detail
    async with store.read() as uow:
        assert await uow.audit.head() == rows[1].head


async def test_forbidden_characters_are_replaced_before_hashing(store: Store) -> None:
    nasty = "a\x00b\ud800c"
    await _append(store, AuditEntry(1.0, nasty, nasty, nasty, 0, {nasty: nasty, "n": float("nan")}))
    [row] = await _all(store)
    assert row.actor == "a\ufffdb\ufffdc"
    assert row.details == {"a\ufffdb\ufffdc": "a\ufffdb\ufffdc", "n": None}
    assert verify([row]) is None


async def test_many_writers_make_one_chain_without_a_gap(store: Store) -> None:
    async def write(number: int) -> None:
        for turn in range(5):
            async with store.begin() as uow:
                await uow.cluster_states.put(f"c{number}", ClusterState(term=turn))
                await uow.audit.append(AuditEntry(float(turn), f"U{number}", "operation.waiting"))

    await asyncio.gather(*(write(number) for number in range(8)))
    rows = await _all(store)
    assert [row.seq for row in rows] == list(range(1, 41))
    assert verify(rows) is None
    assert {(row.actor, row.at) for row in rows} == {(f"U{n}", float(turn)) for n in range(8) for turn in range(5)}


async def test_a_unit_that_fails_leaves_no_gap(store: Store) -> None:
    async def fail() -> None:
        async with store.begin() as uow:
            await uow.audit.append(ENTRY)
            raise RuntimeError("oops")

    await _append(store, ENTRY)
    with pytest.raises(RuntimeError):
        await fail()
    await _append(store, ENTRY)
    rows = await _all(store)
    assert [row.seq for row in rows] == [1, 2]
    assert verify(rows) is None


async def test_rows_are_found_by_time_person_and_cluster(store: Store) -> None:
    await _append(
        store,
        AuditEntry(10.0, "U1", "a", "prod"),
        AuditEntry(20.0, "U2", "b", "prod"),
        AuditEntry(30.0, "U1", "c", "test"),
        AuditEntry(40.0, "U1", "d"),
    )
    async with store.read() as uow:

        async def actions(asked: AuditQuery, limit: int = 9) -> tuple[str, int]:
            rows = await uow.audit.newest(asked, limit=limit)
            return "".join(row.action for row in rows), await uow.audit.count(asked)

        assert await actions(AuditQuery()) == ("dcba", 4)
        assert await actions(AuditQuery(), limit=2) == ("dc", 4)
        assert await actions(AuditQuery(since=20.0)) == ("dcb", 3)
        assert await actions(AuditQuery(actor="U1")) == ("dca", 3)
        assert await actions(AuditQuery(actor="U1", cluster="test")) == ("c", 1)
        assert await actions(AuditQuery(cluster="' OR 1=1 --")) == ("", 0)
        assert [row.seq for row in await uow.audit.range(after=1, limit=2)] == [2, 3]
        assert [row.seq for row in await uow.audit.range(AuditQuery(actor="U1"), after=1)] == [3, 4]


async def _raw(url: str, *statements: str) -> None:
    """Act as the owner of the database."""
    engine = create_async_engine(parse(url).url)
    try:
        async with engine.begin() as connection:
            for statement in statements:
                await connection.execute(text(statement))
    finally:
        await engine.dispose()


FORBIDDEN = (
    "UPDATE audit SET actor = 'U9' WHERE seq = 1",
    "DELETE FROM audit",
    "DELETE FROM audit WHERE seq = 2",
    "INSERT INTO audit SELECT * FROM audit WHERE seq = 1",
)


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_the_database_refuses_to_change_or_remove_rows(store: Store, statement: str) -> None:
    before = await _append(store, ENTRY, ENTRY)
    with pytest.raises(StoreError):
        async with store.begin() as uow:
            await uow.audit._session.change(text(statement))
    assert await _all(store) == before


async def test_sqlite_does_not_replace_a_row(tmp_path: Path) -> None:
    async with Store.open(f"sqlite:///{tmp_path}/cmbot.db") as store:
        await store.migrate()
        before = await _append(store, ENTRY, ENTRY)
        with pytest.raises(StoreError, match="another request was first"):
            async with store.begin() as uow:
                await uow.audit._session.change(text("INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 1"))
        assert await _all(store) == before


async def test_postgres_does_not_truncate(postgres: Postgres) -> None:
    name = await postgres.create()
    async with Store.open(postgres.url(name)) as store:
        await store.migrate()
        before = await _append(store, ENTRY)
        with pytest.raises(StoreError, match="append-only"):
            async with store.begin() as uow:
                await uow.audit._session.change(text("TRUNCATE audit"))
        assert await _all(store) == before
    await postgres.drop(name)


async def test_removed_triggers_are_detected(store: Store, database_url: str) -> None:
    await _append(store, ENTRY, ENTRY, ENTRY)
    guard = "TRIGGER audit_append_only ON audit" if "postgres" in database_url else "TRIGGER audit_no_update"
    await _raw(database_url, f"DROP {guard}", "UPDATE audit SET at = at + 3600 WHERE seq = 2")
    broken = verify(await _all(store))
    assert broken is not None
    assert (broken.seq, broken.why) == (2, "its hash does not fit its content: it was changed")
