"""What `cmbot audit verify` notices besides a broken chain: guards that are gone, rows that are missing at the end."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from bot.alerting.model import Silence
from bot.cli.audit import guards_of, verify_store
from bot.cli.main import main
from bot.operations.model import OpState
from bot.store.database import Store
from bot.store.url import parse
from bot.workflow.repository import OperationRepository
from tests.component.chatops.test_audit_log import OPERATION, repository
from tests.component.cli.test_audit_commands import fill, tampered
from tests.support.databases import Clock


async def ran(url: str, *statements: str) -> None:
    engine = create_async_engine(parse(url).url)
    try:
        async with engine.begin() as connection:
            for statement in statements:
                await connection.execute(text(statement))
    finally:
        await engine.dispose()


def postgres(url: str) -> bool:
    return "postgres" in url


async def test_a_database_as_it_is_made_has_no_fault(store: Store, database_url: str, clock: Clock) -> None:
    book: OperationRepository = repository(store, clock)
    await book.move(await book.open(OPERATION), OpState.WAITING)
    assert await guards_of(database_url) == ()


@pytest.mark.parametrize("name", ["audit_no_update", "audit_no_delete", "audit_no_replace"])
async def test_a_dropped_trigger_is_noticed(store: Store, database_url: str, name: str) -> None:
    await fill(store, 2)
    name = "audit_append_only" if postgres(database_url) else name
    await ran(database_url, f"DROP TRIGGER {name}" + (" ON audit" if postgres(database_url) else ""))
    assert await guards_of(database_url) == (f"the trigger {name} is missing",)


async def test_a_trigger_that_does_nothing_any_more_is_noticed(store: Store, database_url: str) -> None:
    await fill(store, 2)
    if postgres(database_url):
        await ran(
            database_url,
            "CREATE OR REPLACE FUNCTION audit_refused() RETURNS trigger LANGUAGE plpgsql "
            "AS $$ BEGIN RETURN NULL; END $$",
        )
        name = "audit_append_only"
    else:
        name = "audit_no_delete"
        harmless = f"CREATE TRIGGER {name} BEFORE DELETE ON audit BEGIN SELECT 1; END"
        await ran(database_url, f"DROP TRIGGER {name}", harmless)
    assert await guards_of(database_url) == (f"the trigger {name} was changed",)


async def test_a_disabled_trigger_or_a_strange_one_is_noticed(store: Store, database_url: str) -> None:
    await fill(store, 2)
    if postgres(database_url):
        await ran(
            database_url,
            "ALTER TABLE audit DISABLE TRIGGER audit_append_only",
            "CREATE RULE swallow AS ON INSERT TO audit DO INSTEAD NOTHING",
        )
        faults: tuple[str, ...] = (
            "the trigger audit_append_only was changed",
            "the table has the rule swallow, which cmbot did not make",
        )
    else:
        await ran(database_url, "CREATE TRIGGER swallow BEFORE INSERT ON audit BEGIN SELECT RAISE(IGNORE); END")
        faults = ("the table has the trigger swallow, which cmbot did not make",)
    assert await guards_of(database_url) == faults


async def test_truncated_chain_is_detected_by_its_operation(store: Store, database_url: str, clock: Clock) -> None:
    book: OperationRepository = repository(store, clock)
    op = await book.move(await book.open(OPERATION), OpState.WAITING)
    await tampered(database_url, "DELETE FROM audit WHERE seq > 1")
    _, broken = await verify_store(database_url, None)
    assert broken is None, "the chain alone cannot tell"
    assert f"no audit row says that operation #{op.id} is waiting" in await guards_of(database_url)


async def test_truncated_chain_is_detected_by_its_silence(store: Store, database_url: str) -> None:
    held = Silence("prod", "*", "", 9e9, "U0ANNA", "", 0.0)
    async with store.begin() as uow:
        kept = await uow.silences.add(held)
    assert await guards_of(database_url) == (f"no audit row says that silence #{kept.id} is active",)
    assert replace(kept, id=0) == replace(held, id=0)


async def test_verify_names_the_intact_rows_before_a_broken_one(
    store: Store, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All rows lie in one page; two of them are intact."""
    await fill(store, 5)
    await tampered(database_url, "UPDATE audit SET actor = 'U9' WHERE seq = 3")
    config = tmp_path / "config.yaml"
    config.write_text("clusters: [{name: prod, hosts: ['127.0.0.1:1'], alert_channel: C0ALERTS}]\n")
    monkeypatch.setenv("CMBOT_STORE_URL", database_url)
    assert await asyncio.to_thread(main, ["audit", "verify", "--config", str(config)]) == 1
    said = capsys.readouterr().out
    assert (
        "BROKEN at row 3: its hash does not fit its content: it was changed. Rows 1 to 2 are intact, up to 2:" in said
    )
    assert "is missing" in said.partition("TAMPERED")[2]
