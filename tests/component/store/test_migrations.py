"""Migrations from every earlier schema, on each database, with data."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Table, inspect, select

from bot.common.errors import StoreError
from bot.operations.policy import PolicyMode
from bot.store import migrate
from bot.store.database import Store
from bot.store.dump import TABLES
from bot.store.schema import facts
from tests.support.store_filling import row

ROWS = 3
EARLIER = migrate.revisions()[:-1]
Held = dict[str, list[dict[str, Any]]]


def columns_there(connection: Connection) -> dict[str, list[str]]:
    """Columns of each table in this database."""
    seen = inspect(connection)
    return {name: [each["name"] for each in seen.get_columns(name)] for name in seen.get_table_names()}


def written(connection: Connection) -> Held:
    """Insert rows into each table of this revision; return them."""
    held: Held = {}
    for name, there in columns_there(connection).items():
        if name in TABLES:
            held[name] = [_part(TABLES[name], number, there) for number in range(1, ROWS + 1)]
            connection.execute(TABLES[name].insert().inline(), held[name])
    return held


def _part(table: Table, number: int, there: list[str]) -> dict[str, Any]:
    return {key: value for key, value in row(table, number).items() if key in there}


def read_back(connection: Connection, held: Held) -> Held:
    """Read the same columns of the same rows."""
    found: Held = {}
    for name, rows in held.items():
        table = TABLES[name]
        query = select(*(table.c[key] for key in rows[0])).order_by(*table.primary_key.columns)
        found[name] = [dict(each._mapping) for each in connection.execute(query)]
    return found


def test_revisions_by_the_names_of_the_files_are_those_of_alembic() -> None:
    script = ScriptDirectory(str(migrate.FOLDER))
    assert migrate.revisions() == tuple(each.revision for each in script.walk_revisions())[::-1]
    assert migrate.newest() == script.get_current_head()


def test_incomplete_installation_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "versions").mkdir()
    monkeypatch.setattr(migrate, "FOLDER", tmp_path)
    with pytest.raises(StoreError, match="install cmbot again"):
        migrate.newest()


def test_start_loads_only_what_it_needs(tmp_path: Path) -> None:
    """With the newest schema, without codes, on SQLite: they take 0.3 s and 19 MB."""
    code = (
        "import asyncio, sys, bot.runtime.program\nfrom bot.store.database import Store\n"
        "async def start(url):\n    async with Store.open(url) as store:\n        await store.migrate()\n"
        "asyncio.run(start(sys.argv[1]))\nprint(sorted({'alembic', 'asyncpg', 'cryptography'} & sys.modules.keys()))"
    )
    url = f"sqlite:///{tmp_path / 'cmbot.db'}"
    for loaded in ("['alembic']", "[]"):
        done = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=True)  # noqa: S603
        assert done.stdout.strip() == loaded


@pytest.mark.parametrize("revision", EARLIER)
async def test_database_of_an_earlier_release_keeps_its_data(database_url: str, revision: str) -> None:
    """Every row is unchanged after the migration, and new columns have values."""
    async with Store.open(database_url) as store:
        async with store._session(store._writer, writable=True) as (_, run):
            await run(lambda connection: migrate.upgrade(connection, revision))
            held: Held = await run(written)
        assert held
        await store.migrate()
        async with store._session(store._reader, writable=False) as (_, run):
            assert await run(migrate.current) == migrate.newest()
            assert await run(lambda connection: read_back(connection, held)) == held
            assert await run(unset) == []
            # A database that was made by 0013 or later was empty then, so it began as a new one does.
            began_as = "strict" if revision >= "0013" else "loose"
            assert (await run(lambda connection: connection.execute(select(facts.c.value)).scalar())) == began_as
            if revision < "0007":
                posts = await run(lambda connection: list(connection.execute(select(TABLES["posts"]))))
                assert [each.home for each in posts] == [each.channel for each in posts]


async def test_new_database_begins_with_strict_policies(store: Store, database_url: str) -> None:
    """The next start finds the same."""
    async with store.read() as uow:
        assert await uow.facts.policies() is PolicyMode.STRICT
    async with Store.open(database_url) as again:
        await again.migrate()
        async with again.read() as uow:
            assert await uow.facts.policies() is PolicyMode.STRICT


def unset(connection: Connection) -> list[str]:
    """Columns that must have a value and do not."""
    return [
        f"{name}.{column.name}"
        for name, table in TABLES.items()
        for column in table.columns
        if not column.nullable and connection.execute(select(table).where(column.is_(None))).first()
    ]


def test_downgrade_is_refused() -> None:
    """A downgrade would invent or lose data; docs/backup.md says to restore the backup instead."""
    for script in ScriptDirectory(str(migrate.FOLDER)).walk_revisions():
        with pytest.raises(NotImplementedError, match="restore the backup"):
            script.module.downgrade()
