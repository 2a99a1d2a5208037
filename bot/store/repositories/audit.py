"""Audit rows: appended to the hash chain and read, never changed."""

from typing import Any

from sqlalchemy import ColumnElement, Select, func, insert, select, true

from bot.audit.chain import GENESIS, AuditEntry, AuditRow, Head, next_row
from bot.audit.query import ALL, AuditQuery
from bot.store.column_types import clean, encode
from bot.store.schema import audit
from bot.store.session import Session
from bot.telemetry.trace import traced_detail

LOCK = 0x6175646974
"""Key of the advisory lock under which PostgreSQL's chain grows: "audit" in ASCII."""


class Audit:
    """The chain of rows. Only the owner of the database can change or remove a row."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def append(self, entry: AuditEntry) -> AuditRow:
        """Hash `entry`, with the current trace in its detail, and append it to the chain.

        Each writer waits here until the writer before it has committed. So append last in a unit of work: then the
        writer that holds the chain waits for no other lock.
        """
        if self._session.postgres:
            # A lock on the last row is not enough: a waiting writer would go on with the old last row.
            await self._session.value(select(func.pg_advisory_xact_lock(LOCK)))
        row = next_row(
            await self.head(),
            at=entry.at,
            actor=clean(entry.actor),
            action=clean(entry.action),
            cluster=clean(entry.cluster),
            op_id=entry.op_id,
            detail=encode({**entry.detail, **traced_detail()}),
        )
        await self._session.change(insert(audit).values({name: getattr(row, name) for name in audit.c.keys()}))  # noqa: SIM118 - not a dict
        return row

    async def head(self) -> Head:
        """Return the end of the chain."""
        last = await self._session.row(select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1))
        return GENESIS if last is None else Head(last["seq"], last["hash"])

    async def range(self, asked: AuditQuery = ALL, *, after: int | None = None, limit: int = 1000) -> list[AuditRow]:
        """Return the first `limit` rows, after row `after` if given, oldest first."""
        behind = true() if after is None else audit.c.seq > after
        query = select(audit).where(behind, _fitting(asked)).order_by(audit.c.seq)
        return await self._list(query.limit(limit))

    async def newest(self, asked: AuditQuery = ALL, *, limit: int = 1000) -> list[AuditRow]:
        """Return the last `limit` rows, newest first."""
        return await self._list(select(audit).where(_fitting(asked)).order_by(audit.c.seq.desc()).limit(limit))

    async def count(self, asked: AuditQuery = ALL) -> int:
        """Return how many rows match."""
        return int(await self._session.value(select(func.count()).select_from(audit).where(_fitting(asked))))

    async def _list(self, query: Select[Any]) -> list[AuditRow]:
        return [AuditRow(**row) for row in await self._session.rows(query)]


def _fitting(asked: AuditQuery) -> ColumnElement[bool]:
    fits = true() if not asked.since else audit.c.at >= asked.since
    fits = fits if not asked.action else fits & (audit.c.action == asked.action)
    fits = fits if not asked.actor else fits & (audit.c.actor == asked.actor)
    fits = fits if not asked.hidden else fits & audit.c.cluster.not_in(asked.hidden)
    fits = fits if asked.among is None else fits & audit.c.cluster.in_(asked.among)
    return fits if not asked.cluster else fits & (audit.c.cluster == asked.cluster)
