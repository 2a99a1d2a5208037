"""Opening, migrating and losing the database."""

import asyncio
import stat
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from structlog.testing import capture_logs

from bot.alerting.cluster_state.state import ClusterState
from bot.common.errors import ConfigError, StoreError
from bot.common.message_key import MessageKey
from bot.interactions.message import Message
from bot.store import migrate
from bot.store.database import Store
from bot.store.schema import metadata
from bot.store.url import parse
from tests.support.databases import Clock, Postgres


async def _raw(url: str, statement: str) -> None:
    engine = create_async_engine(parse(url).url)
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def test_migrations_create_the_expected_schema(store: Store) -> None:
    def difference(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with store._session(store._reader, writable=False) as (_, run):
        assert await run(difference) == []
        assert await run(migrate.current) == migrate.newest()


async def test_two_starts_at_once_both_find_a_migrated_database(database_url: str) -> None:
    async def start() -> int:
        async with Store.open(database_url) as store:
            await store.migrate()
            async with store.begin() as uow:
                await uow.cluster_states.put("prod", ClusterState(term=1))
            async with store.read() as uow:
                return await uow.outbox.depth()

    assert list(await asyncio.gather(start(), start(), start())) == [0, 0, 0]


async def test_migrating_again_changes_nothing(store: Store) -> None:
    async with store.begin() as uow:
        await uow.cluster_states.put("prod", ClusterState(term=3))
    await store.migrate()
    async with store.read() as uow:
        assert await uow.cluster_states.get("prod") == ClusterState(term=3)


async def test_database_of_a_newer_release_is_refused_and_unchanged(store: Store, database_url: str) -> None:
    await _raw(database_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer cmbot"):
        await store.migrate()


async def test_database_without_migration_raises_store_error(database_url: str) -> None:
    async with Store.open(database_url) as store:
        with pytest.raises(StoreError):
            async with store.read() as uow:
                await uow.alerts.open()


async def test_read_unit_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError):
        async with store.read() as uow:
            await uow.cluster_states.put("prod", ClusterState(term=1))
    async with store.read() as uow:
        assert await uow.cluster_states.get("prod") == ClusterState()


async def test_unit_that_raises_is_rolled_back(store: Store) -> None:
    async def work() -> None:
        async with store.begin() as uow:
            await uow.cluster_states.put("prod", ClusterState(term=1))
            raise RuntimeError("oops")

    with pytest.raises(RuntimeError, match="oops"):
        await work()
    async with store.read() as uow:
        assert await uow.cluster_states.get("prod") == ClusterState()


async def test_error_of_the_body_is_not_translated(store: Store) -> None:
    with pytest.raises(ConnectionResetError):
        async with store.begin():
            raise ConnectionResetError


async def test_cancelled_unit_is_rolled_back_and_the_store_usable(store: Store) -> None:
    inside = asyncio.Event()

    async def work() -> None:
        async with store.begin() as uow:
            await uow.cluster_states.put("prod", ClusterState(term=1))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with store.begin() as uow:
        assert await uow.cluster_states.get("prod") == ClusterState()


async def test_unit_cancelled_in_any_statement_leaves_the_database_unlocked(store: Store) -> None:
    async def work() -> None:
        async with store.begin() as uow:
            await uow.outbox.put(MessageKey.alert(1), "C1", Message("one"))
            await uow.outbox.claim("me", 0.0, 60.0, 1)

    # Each error is kept, and with it the cursor of the statement that was cut off.
    kept: list[BaseException | None] = []
    for turns in range(0, 40, 2):
        task = asyncio.create_task(work())
        for _ in range(turns):
            await asyncio.sleep(0.0002)
        task.cancel()
        kept += await asyncio.gather(task, return_exceptions=True)
        async with store.begin() as uow:
            await uow.cluster_states.put("prod", ClusterState(term=turns))
    assert any(isinstance(error, asyncio.CancelledError) for error in kept)


async def test_file_and_folder_are_for_their_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "state" / "cmbot.db"
    async with Store.open(f"sqlite:///{file}") as store:
        await store.migrate()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (file.parent, *file.parent.iterdir())}
    assert modes == {"state": 0o700, "cmbot.db": 0o600, "cmbot.db-wal": 0o600, "cmbot.db-shm": 0o600}


async def test_file_that_others_can_read_is_logged_and_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "cmbot.db"
    file.touch(mode=0o640)
    with capture_logs() as logs:
        async with Store.open(f"sqlite:///{file}"):
            pass
    assert [(entry["event"], entry["fix"]) for entry in logs] == [("store.readable_by_others", f"chmod 600 {file}")]
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


async def test_unwritable_path_raises_config_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be opened for writing"):
        async with Store.open(f"sqlite:///{tmp_path}/file/cmbot.db"):
            pass


async def test_directory_as_database_raises_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"it is a directory\): name a file"):
        async with Store.open(f"sqlite:///{tmp_path}"):
            pass


async def test_sqlite_survives_a_power_cut(tmp_path: Path) -> None:
    async with Store.open(f"sqlite:///{tmp_path}/cmbot.db") as store, store.begin() as uow:
        session = uow.cluster_states._session
        assert await session.value(text("PRAGMA synchronous")) == 2
        assert await session.value(text("PRAGMA journal_mode")) == "wal"


async def test_server_that_is_down_raises_store_error_until_it_returns(postgres: Postgres, clock: Clock) -> None:
    name = await postgres.create()
    async with Store.open(postgres.url(name), clock=clock) as store:
        await store.migrate()
        await asyncio.to_thread(postgres.stop)
        try:
            for unit in (store.begin, store.read, store.begin):
                with pytest.raises(StoreError):
                    async with unit() as uow:
                        await uow.cluster_states.get("prod")
        finally:
            await asyncio.to_thread(postgres.start)
        async with store.begin() as uow:
            await uow.cluster_states.put("prod", ClusterState(term=1))
        async with store.read() as uow:
            assert await uow.cluster_states.get("prod") == ClusterState(term=1)
    await postgres.drop(name)


async def test_server_that_stops_within_a_unit_raises_store_error(postgres: Postgres) -> None:
    name = await postgres.create()
    async with Store.open(postgres.url(name)) as store:
        await store.migrate()

        async def work() -> None:
            async with store.begin() as uow:
                await uow.cluster_states.put("prod", ClusterState(term=1))
                await asyncio.to_thread(postgres.stop)

        try:
            with pytest.raises(StoreError):
                await work()
        finally:
            await asyncio.to_thread(postgres.start)
        async with store.read() as uow:
            assert await uow.cluster_states.get("prod") == ClusterState()
    await postgres.drop(name)


async def test_unit_of_a_process_that_stood_still_says_that_the_server_closed_the_connection(
    postgres: Postgres,
) -> None:
    """Also when the answer to a statement and the end of the connection have both arrived unread."""
    name = await postgres.create_migrated()
    async with Store.open(postgres.url(name), patience=0.05) as store:

        async def unit() -> None:
            async with store.begin() as uow:
                for _ in range(3):
                    await uow.replicas.assignments()

        said: set[str] = set()
        for turns in range(4, 40, 4):
            task = asyncio.create_task(unit())
            for _ in range(turns):
                await asyncio.sleep(0)
            time.sleep(0.1)  # noqa: ASYNC251 - the process stands still
            try:
                await task
            except StoreError as error:
                said.add(str(error))
    assert "The database could not be used (the server closed the connection)." in said
    assert not [words for words in said if "unknown error" in words]
    await postgres.drop(name)


async def test_missing_database_is_named_without_the_password(postgres: Postgres) -> None:
    url = postgres.url("nowhere").replace("postgres@", "postgres:hunter2@")
    async with Store.open(url) as store:
        with pytest.raises(StoreError) as caught:
            await store.migrate()
        assert "nowhere" in str(caught.value)
        assert "hunter2" not in f"{caught.value!r} {caught.value.__cause__!r} {store.where} {store._writer!r}"


async def test_existing_does_not_create_a_database(tmp_path: Path) -> None:
    file = tmp_path / "mistyped.db"
    with pytest.raises(ConfigError, match=r"no database at sqlite:.*mistyped.db: `cmbot run` and `cmbot migrate`"):
        async with Store.existing(f"sqlite:///{file}"):
            pass
    assert not file.exists()


async def test_database_without_schema_names_cmbot_migrate(database_url: str) -> None:
    async with Store.open(database_url):
        pass
    with pytest.raises(StoreError, match=r"has schema revision none.*run `cmbot migrate`"):
        async with Store.existing(database_url):
            pass
