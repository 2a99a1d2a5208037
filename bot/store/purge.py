"""Deletion of rows that cannot change any more, in batches; bot/store/retention.py has the retention times."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, select, tuple_

from bot.alerting.model import AlertState
from bot.common.frozen import frozen
from bot.operations.codec import thread_of
from bot.operations.model import TRANSITIONS
from bot.store.schema import (
    alert_events,
    alerts,
    channels,
    codes,
    external_alerts,
    inbox_rows,
    metadata,
    notes,
    operations,
    outputs,
    posts,
    samples,
    scheduled_runs,
    silences,
)
from bot.store.session import Session

_OPEN = operations.c.state.in_(list(TRANSITIONS)) | (operations.c.lease_until > 0)


@frozen
class Changeable:
    """Rows that may still change: ids of alerts, operations, their cards, and silences; keys of alert groups."""

    alerts: frozenset[int] = frozenset()
    operations: frozenset[int] = frozenset()
    silences: frozenset[int] = frozenset()
    group_keys: frozenset[str] = frozenset()

    def of(self, kind: str) -> frozenset[int]:
        """Ids of one table."""
        return {"alerts": self.alerts, "operations": self.operations, "silences": self.silences}[kind]


class Expiry:
    """Deletes rows, but none that may still change."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def drop_aged(self, table: str, before: float, limit: int) -> int:
        """Delete up to `limit` rows that were final before a time (Unix seconds); return their number."""
        held = metadata.tables[table]
        key = tuple(held.primary_key.columns)
        chosen = select(*key).where(_aged(table, before)).limit(limit)
        rows = await self._session.rows(chosen)
        if not rows:
            return 0
        return await self._session.change(delete(held).where(tuple_(*key).in_([tuple(row.values()) for row in rows])))

    async def changeable(self) -> Changeable:
        """Find the rows that may still change."""
        cards = await self._session.rows(select(operations.c.id, operations.c.card, operations.c.request).where(_OPEN))
        threads = (thread_of(row["request"]) for row in cards)
        return Changeable(
            await self._ids(select(alerts.c.id).where(alerts.c.state != AlertState.RESOLVED)),
            frozenset(threads) | {number for row in cards for number in (row["id"], row["card"])},
            await self._ids(select(silences.c.id)),
            await self._group_keys(),
        )

    async def _group_keys(self) -> frozenset[str]:
        rows = await self._session.rows(select(channels.c.data))
        return frozenset(str(group["slot"]) for row in rows for group in row["data"].get("digests", ()))

    async def _ids(self, query: Select[Any]) -> frozenset[int]:
        return frozenset(row["id"] for row in await self._session.rows(query))

    async def settled_posts(self, before: float, after: int, limit: int) -> list[tuple[int, str]]:
        """Messages that were sent or given up before a time, after number `after`: (number, slot)."""
        over = posts.c.state.in_(["sent", "dead"]) & (posts.c.updated_at < before) & (posts.c.seq > after)
        query = select(posts.c.seq, posts.c.slot).where(over).order_by(posts.c.seq).limit(limit)
        return [(row["seq"], row["slot"]) for row in await self._session.rows(query)]

    async def drop_posts(self, numbers: Collection[int]) -> int:
        """Delete these messages unless they have changed meanwhile; Slack still shows them."""
        this = posts.c.seq.in_(list(numbers)) & posts.c.state.in_(["sent", "dead"])
        return await self._session.change(delete(posts).where(this)) if numbers else 0

    async def sampled(self) -> list[str]:
        """Clusters with samples."""
        return [row["cluster"] for row in await self._session.rows(select(samples.c.cluster).distinct())]

    async def sample_times(self, cluster: str, after: float, before: float, limit: int) -> list[float]:
        """Times of the samples of a cluster, oldest first."""
        within = (samples.c.cluster == cluster) & (samples.c.at > after) & (samples.c.at < before)
        rows = await self._session.rows(select(samples.c.at).where(within).order_by(samples.c.at).limit(limit))
        return [row["at"] for row in rows]

    async def drop_samples(self, cluster: str, times: Sequence[float]) -> int:
        """Delete the samples of these times."""
        this = (samples.c.cluster == cluster) & samples.c.at.in_(list(times))
        return await self._session.change(delete(samples).where(this))


def _aged(table: str, before: float) -> ColumnElement[bool]:
    rules: Mapping[str, ColumnElement[bool]] = MappingProxyType(
        {
            "samples": samples.c.at < before,
            "inbound": (inbox_rows.c.seen_at < before) & inbox_rows.c.done,
            "firings": scheduled_runs.c.due_at < before,
            "silences": silences.c.until < before,
            "alerts": (alerts.c.state == AlertState.RESOLVED) & (alerts.c.resolved_at < before),
            "alert_events": (alert_events.c.at < before)
            & alert_events.c.alert.not_in(select(alerts.c.id).where(alerts.c.state != AlertState.RESOLVED)),
            "notes": notes.c.kept_at < before,
            # Those of an open alert stay: its end must reach the receivers that have its begin.
            "outputs": (outputs.c.updated_at < before)
            & outputs.c.alert.not_in(select(alerts.c.id).where(alerts.c.state != AlertState.RESOLVED)),
            "external_alerts": external_alerts.c.expires_at < before,
            "codes": (codes.c.sealed == "") & (codes.c.locked_until < before),
            "operations": (operations.c.created_at < before) & ~_OPEN & (operations.c.expires_at < before),
        }
    )
    return rules[table]
