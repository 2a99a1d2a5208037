"""Alerts that an Alertmanager reports, as they were reported last."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from bot.alerting.external import ExternalAlert
from bot.store.schema import external_alerts
from bot.store.session import Session

MAX_FIRING = 500
"""Most alerts of one cluster that are kept as firing: another one is not taken."""


class ExternalAlerts:
    """The alerts by cluster and fingerprint."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def put(self, alerts: Sequence[ExternalAlert]) -> int:
        """Keep these reports; return the number of those that were not taken, because their cluster has too many."""
        refused = 0
        for cluster in dict.fromkeys(alert.cluster for alert in alerts):
            own = {alert.fingerprint: alert for alert in alerts if alert.cluster == cluster}
            known = await self._firing(cluster, max(alert.received_at for alert in own.values()))
            # The end of an alert that is known, and news of it, are always taken; the end of another one is no news.
            new = [each for each in own.values() if each.firing and each.fingerprint not in known]
            room = max(0, MAX_FIRING - len(known))
            refused += len(new[room:])
            taken = [each for each in own.values() if each.fingerprint in known] + new[:room]
            if taken:
                insert = self._session.insert(external_alerts)
                changed = {name: insert.excluded[name] for name in ("firing", "data", "received_at", "expires_at")}
                statement = insert.on_conflict_do_update(index_elements=["cluster", "fingerprint"], set_=changed)
                await self._session.change_all(statement, [_row(each) for each in taken])
        return refused

    async def of_cluster(self, cluster: str) -> tuple[ExternalAlert, ...]:
        """The alerts of a cluster, firing or over, the oldest first."""
        query = select(external_alerts).where(external_alerts.c.cluster == cluster)
        rows = await self._session.rows(query.order_by(external_alerts.c.received_at, external_alerts.c.fingerprint))
        return tuple(_alert(row) for row in rows)

    async def news(self, since: float) -> Mapping[str, float]:
        """The clusters of which something was reported after `since` (Unix seconds), with the time of the last."""
        at = func.max(external_alerts.c.received_at).label("at")
        query = select(external_alerts.c.cluster, at).where(external_alerts.c.received_at > since)
        rows = await self._session.rows(query.group_by(external_alerts.c.cluster))
        return {row["cluster"]: row["at"] for row in rows}

    async def _firing(self, cluster: str, now: float) -> set[str]:
        current = external_alerts.c.firing & (external_alerts.c.expires_at > now)
        this = (external_alerts.c.cluster == cluster) & current
        rows = await self._session.rows(select(external_alerts.c.fingerprint).where(this))
        return {row["fingerprint"] for row in rows}


def _row(alert: ExternalAlert) -> dict[str, Any]:
    return {
        "cluster": alert.cluster,
        "fingerprint": alert.fingerprint,
        "firing": alert.firing,
        "data": {
            "name": alert.name,
            "severity": alert.severity,
            "summary": alert.summary,
            "labels": [list(label) for label in alert.labels],
            "source": alert.source,
            "started_at": alert.started_at,
        },
        "received_at": alert.received_at,
        "expires_at": alert.expires_at,
    }


def _alert(row: Mapping[Any, Any]) -> ExternalAlert:
    data: Mapping[str, Any] = row["data"]
    return ExternalAlert(
        cluster=row["cluster"],
        fingerprint=row["fingerprint"],
        firing=row["firing"],
        name=data["name"],
        severity=data["severity"],
        summary=data["summary"],
        labels=tuple((str(name), str(value)) for name, value in data["labels"]),
        source=data["source"],
        started_at=data["started_at"],
        received_at=row["received_at"],
        expires_at=row["expires_at"],
    )
