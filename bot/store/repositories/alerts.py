"""Alerts in the store."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.engine import RowMapping

from bot.alerting.model import Alert, AlertState, Severity
from bot.common.errors import Conflict
from bot.store.schema import alerts
from bot.store.session import Session

_AT_ONCE = 500
"""Ids that one query names."""
_FIELDS = tuple(field.name for field in fields(Alert) if field.name != "id")


def _values(alert: Alert) -> dict[str, Any]:
    values = {name: getattr(alert, name) for name in _FIELDS}
    return {**values, "lines": list(alert.lines), "data": dict(alert.data), "severity": int(alert.severity)}


def _alert(row: RowMapping) -> Alert:
    values = dict(row)
    values["state"] = AlertState(row["state"])
    values["severity"] = Severity(row["severity"])
    values["lines"] = tuple(row["lines"])
    return Alert(**values)


class Alerts:
    """The alerts; at most one open one per (cluster, rule, subject), which the database enforces."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def open(self, cluster: str | None = None) -> list[Alert]:
        """Those not resolved, oldest first."""
        return await self._list(alerts.c.state != AlertState.RESOLVED, cluster)

    async def recent(self, since: float, cluster: str | None = None) -> list[Alert]:
        """Those that changed at `since` (Unix seconds) or later, open or resolved, oldest first."""
        return await self._list(alerts.c.changed_at >= since, cluster)

    async def _list(self, condition: Any, cluster: str | None) -> list[Alert]:
        query = select(alerts).where(condition).order_by(alerts.c.id)
        rows = await self._session.rows(query if cluster is None else query.where(alerts.c.cluster == cluster))
        return [_alert(row) for row in rows]

    async def get(self, alert_id: int) -> Alert | None:
        """One, or None."""
        row = await self._session.row(select(alerts).where(alerts.c.id == alert_id))
        return None if row is None else _alert(row)

    async def some(self, ids: Sequence[int]) -> list[Alert]:
        """Those of these ids that are kept, oldest first."""
        return [
            alert
            for start in range(0, len(ids), _AT_ONCE)
            for alert in await self._list(alerts.c.id.in_(ids[start : start + _AT_ONCE]), None)
        ]

    async def save(self, alert: Alert) -> Alert:
        """Insert it when its id is 0 and return it with its id; else replace version - 1 by it.

        Raises Conflict when somebody else was first (another open one of its key, or another version).
        """
        if alert.id == 0:
            made = await self._session.value(insert(alerts).values(_values(alert)).returning(alerts.c.id))
            return replace(alert, id=made)
        await self._put(alert, alert.version - 1)
        return alert

    async def touch(self, alert: Alert) -> None:
        """Store what no reader notices (`clear_since`) without a new version; raises Conflict."""
        await self._put(alert, alert.version)

    async def _put(self, alert: Alert, held: int) -> None:
        this = (alerts.c.id == alert.id) & (alerts.c.version == held)
        if not await self._session.change(update(alerts).where(this).values(_values(alert))):
            raise Conflict(f"Alert {alert.id} was changed by somebody else meanwhile.")

    async def told(self) -> dict[str, int]:
        """How many alerts that were told are not resolved, by cluster; no entry without any."""
        calling = alerts.c.state.in_([AlertState.FIRING, AlertState.ACKNOWLEDGED])
        query = select(alerts.c.cluster, func.count().label("n")).where(calling).group_by(alerts.c.cluster)
        return {row["cluster"]: row["n"] for row in await self._session.rows(query)}
