"""A migrated SQLite store of one test, and what it holds: read by the test without a unit of work."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import JSON

from bot.alerting.model import Alert, AlertState, Silence
from bot.alerting.reports.trend import Measurement
from bot.common.errors import StoreError
from bot.common.message_key import MessageKey
from bot.interactions.message import Message
from bot.store import schema
from bot.store.database import Store
from bot.store.group_commit import GroupCommit, Nested
from bot.store.repositories.alert_codec import alert_of
from bot.store.repositories.outbox import OutboxMessages
from bot.store.state_codec import decode_measurement
from bot.store.unit_of_work import UnitOfWork
from tests.support.inline_sqlite import inline_sqlite

_migrated: list[bytes] = []
"""Content of an empty database file with the newest schema, once a test has needed it."""


@dataclass(frozen=True)
class Rows:
    """What the database holds after the last commit; outbox: key → (channel, message as JSON, parent, broadcast)."""

    alerts: dict[int, Alert]
    silences: list[Silence]
    cluster_states: dict[str, dict[str, Any]]
    channel_histories: dict[str, dict[str, Any]]
    samples: list[tuple[str, float, Measurement]]
    outbox: dict[str, tuple[str, dict[str, Any], str | None, bool]]


class _QuickSlack(OutboxMessages):
    """The outbox of one transaction, with the texts that it puts; every message counts as posted at once."""

    def __init__(self, outbox: OutboxMessages, texts: list[str]) -> None:
        super().__init__(outbox._session, outbox._clock)
        self._texts = texts

    async def put(
        self,
        message_key: MessageKey,
        channel: str,
        message: Message,
        *,
        parent: MessageKey | None = None,
        broadcast: bool = False,
    ) -> None:
        self._texts.append(message.text)
        await super().put(message_key, channel, message, parent=parent, broadcast=broadcast)

    async def drop_unposted(self, prefix: str, *, loud: bool = False) -> int:
        """Drop nothing: no message waits."""
        del prefix, loud
        return 0


async def _at_once(_: asyncio.Event, _seconds: float) -> None:
    """No test waits for a group."""


class ObservedStore(Store):
    """A store on a SQLite file.

    `down` makes every transaction fail at its start; `fail_commit` loses the next one at its end, as a kill would.
    `posted` are the texts of all messages put, in order: a channel sees these if Slack is quick.
    """

    down = False
    fail_commit = False
    writes = 0

    def __init__(self, *engines: Any, **options: Any) -> None:
        super().__init__(*engines, **options)
        self.groups = GroupCommit(self._group, clock=lambda: 0.0, pause=_at_once)
        self.posted: list[str] = []
        self._rows: Rows | None = None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        """Open a writing unit of work."""
        self._require_up()
        texts: list[str] = []
        async with super().begin() as uow:
            uow.outbox = _QuickSlack(uow.outbox, texts)
            yield uow
            self._fail_if_asked()
        self._committed(texts)

    @asynccontextmanager
    async def _group(self) -> AsyncIterator[Nested[UnitOfWork]]:
        self._require_up()
        texts: list[str] = []
        async with super()._group() as nested:

            @asynccontextmanager
            async def observed(savepoint: bool) -> AsyncIterator[UnitOfWork]:
                own: list[str] = []
                async with nested(savepoint) as uow:
                    uow.outbox = _QuickSlack(uow.outbox, own)
                    yield uow
                texts.extend(own)

            yield observed
            self._fail_if_asked()
        self._committed(texts)

    def _fail_if_asked(self) -> None:
        if self.fail_commit:
            self.fail_commit = False
            raise StoreError("The database went away.")

    def _committed(self, texts: list[str]) -> None:
        self.writes += 1
        self.posted += texts
        self._rows = None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[UnitOfWork]:
        """Open a read-only unit of work."""
        self._require_up()
        async with super().read() as uow:
            yield uow

    def _require_up(self) -> None:
        if self.down:
            raise StoreError("The database is down.")

    @property
    def state(self) -> Rows:
        """Everything committed."""
        if self._rows is None:
            self._rows = _rows_of(Path(str(self._writer.url.database)))
        return self._rows

    def firing(self) -> list[Alert]:
        """Posted alerts that are not resolved."""
        return [alert for alert in self.state.alerts.values() if alert.open and alert.state is not AlertState.PENDING]

    async def silence(self, silence: Silence) -> None:
        """Store a silence that a person asked for."""
        async with self.begin() as uow:
            await uow.silences.add(silence)

    async def edit_cluster_state(self, cluster: str, **keys: Any) -> None:
        """Set keys in the stored JSON of a cluster state, as another release may have."""
        async with self.begin() as uow:
            session, table = uow.cluster_states._session, schema.cluster_states
            new = session.insert(table).values(
                cluster=cluster, data={**self.state.cluster_states.get(cluster, {}), **keys}
            )
            await session.change(
                new.on_conflict_do_update(index_elements=["cluster"], set_={"data": new.excluded.data})
            )


@asynccontextmanager
async def observed_store() -> AsyncIterator[ObservedStore]:
    """Open a store on a separate file, with the newest schema."""
    with inline_sqlite(), TemporaryDirectory(prefix="cmbot-") as folder:
        file = Path(folder) / "cmbot.db"
        if not _migrated:
            async with Store.open(f"sqlite:///{file}") as store:
                await store.migrate()
            _migrated.append(file.read_bytes())
        file.write_bytes(_migrated[0])
        file.chmod(0o600)
        async with ObservedStore.open(f"sqlite:///{file}") as observed:
            yield observed


def _rows_of(file: Path) -> Rows:
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row

        def rows(table: Any) -> list[dict[str, Any]]:
            found = connection.execute(f"SELECT * FROM {table.name} ORDER BY 1")  # noqa: S608 - a name of the schema
            decoded = {column.name for column in table.columns if isinstance(column.type, JSON)}
            return [
                {name: json.loads(value) if name in decoded else value for name, value in dict(row).items()}
                for row in found
            ]

        return Rows(
            alerts={row["id"]: alert_of(row) for row in rows(schema.alerts)},
            silences=[Silence(**row) for row in rows(schema.silences)],
            cluster_states={row["cluster"]: row["data"] for row in rows(schema.cluster_states)},
            channel_histories={row["channel"]: row["data"] for row in rows(schema.channels)},
            samples=[(row["cluster"], row["at"], decode_measurement(row["data"])) for row in rows(schema.samples)],
            outbox={
                row["slot"]: (row["channel"], row["content"], row["parent"], bool(row["broadcast"]))
                for row in rows(schema.posts)
            },
        )
