"""The events of alerts in the store: appended, read for timelines."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, insert, select

from bot.alerting.history import AlertRecord
from bot.alerting.model import Severity
from bot.store.schema import alert_events
from bot.store.session import Session

_FIELDS = ("alert", "cluster", "kind", "at", "by", "sentence")


class AlertEvents:
    """Events of alerts; none is changed."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, records: Sequence[AlertRecord]) -> None:
        """Store events."""
        rows = [{**{name: getattr(each, name) for name in _FIELDS}, "severity": int(each.severity)} for each in records]
        if rows:
            await self._session.change_all(insert(alert_events), rows)

    async def between(self, since: float, until: float, cluster: str, limit: int = 1000) -> list[AlertRecord]:
        """The last `limit` events of a cluster within a time, the oldest first."""
        within = (alert_events.c.cluster == cluster) & (alert_events.c.at >= since) & (alert_events.c.at <= until)
        return await self._newest(within, limit)

    async def _newest(self, condition: ColumnElement[bool], limit: int) -> list[AlertRecord]:
        order = (alert_events.c.at.desc(), alert_events.c.id.desc())
        rows = await self._session.rows(select(alert_events).where(condition).order_by(*order).limit(limit))
        return [
            AlertRecord(severity=Severity(row["severity"]), id=row["id"], **{name: row[name] for name in _FIELDS})
            for row in reversed(rows)
        ]
