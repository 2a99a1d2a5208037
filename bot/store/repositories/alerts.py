"""Alert repository."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, bindparam, exists, insert, select, union, update

from bot.alerting.grouping import GroupMember
from bot.alerting.model import Alert, AlertState, AlertText
from bot.common.errors import Conflict
from bot.store.repositories.alert_codec import FOLDED_KEY, GROUP_KEY, alert_of, columns_of, member_of
from bot.store.schema import alerts, silences
from bot.store.session import Session, one_of

_AT_ONCE = 500
"""Most ids in one query."""
_MEMBER = (
    *(alerts.c[name] for name in ("id", "cluster", "rule", "state", "severity", "since")),
    alerts.c.data[GROUP_KEY].as_string().label("group"),
)

# Every poll of a cluster with an alert asks these.
_OF = select(alerts).where(alerts.c.cluster == bindparam("name")).order_by(alerts.c.id)
_OPEN_OF = _OF.where(alerts.c.state != AlertState.RESOLVED)
_FOLDED_OF = _OF.where(
    (alerts.c.state != AlertState.RESOLVED) | (alerts.c.changed_at >= bindparam("since")),
    alerts.c.data[FOLDED_KEY].as_string().is_not(None),
)

_LOUD = {
    postgres: union(
        select(alerts.c.cluster).where(
            one_of(alerts.c.cluster, "clusters", postgres=postgres), alerts.c.state != AlertState.RESOLVED
        ),
        select(silences.c.cluster).where(one_of(silences.c.cluster, "clusters", postgres=postgres)),
    )
    for postgres in (False, True)
}


def is_loud(cluster: ColumnElement[str]) -> ColumnElement[bool]:
    """True for a cluster that `Alerts.loud` returns: a column of another query."""
    unresolved = exists().where(alerts.c.cluster == cluster, alerts.c.state != AlertState.RESOLVED)
    return unresolved | exists().where(silences.c.cluster == cluster)


class Alerts:
    """The alerts; at most one open one per (cluster, rule, subject), which the database enforces."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def open(self, cluster: str | None = None) -> list[Alert]:
        """Alerts that are not resolved, oldest first."""
        if cluster is None:
            return await self._list(alerts.c.state != AlertState.RESOLVED, None)
        return [alert_of(row) for row in await self._session.rows(_OPEN_OF, {"name": cluster})]

    async def recent(self, since: float, cluster: str | None = None) -> list[Alert]:
        """Alerts that changed at `since` (Unix seconds) or later, open or resolved, oldest first."""
        return await self._list(alerts.c.changed_at >= since, cluster)

    async def _list(self, condition: ColumnElement[bool], cluster: str | None) -> list[Alert]:
        query = select(alerts).where(condition).order_by(alerts.c.id)
        rows = await self._session.rows(query if cluster is None else query.where(alerts.c.cluster == cluster))
        return [alert_of(row) for row in rows]

    async def get(self, alert_id: int) -> Alert | None:
        """The alert of this id, or None."""
        row = await self._session.row(select(alerts).where(alerts.c.id == alert_id))
        return None if row is None else alert_of(row)

    async def latest(self, cluster: str, rule: str, subject: str) -> Alert | None:
        """The open alert of this rule and subject, else the last one that was resolved; None for none."""
        these = (alerts.c.cluster == cluster) & (alerts.c.rule == rule) & (alerts.c.subject == subject)
        row = await self._session.row(select(alerts).where(these).order_by(alerts.c.id.desc()).limit(1))
        return None if row is None else alert_of(row)

    async def folded(self, cluster: str, since: float) -> list[Alert]:
        """The folded alerts of a cluster that are open, or changed at `since` (Unix seconds) or later, oldest first."""
        rows = await self._session.rows(_FOLDED_OF, {"name": cluster, "since": since})
        return [alert_of(row) for row in rows]

    async def some(self, ids: Sequence[int]) -> list[Alert]:
        """The alerts of these ids that are still stored, oldest first."""
        return [
            alert
            for start in range(0, len(ids), _AT_ONCE)
            for alert in await self._list(alerts.c.id.in_(ids[start : start + _AT_ONCE]), None)
        ]

    async def members(self, ids: Sequence[int]) -> list[GroupMember]:
        """The alerts of these ids that are still stored, without their facts, oldest first."""
        found: list[GroupMember] = []
        for start in range(0, len(ids), _AT_ONCE):
            query = select(*_MEMBER).where(alerts.c.id.in_(ids[start : start + _AT_ONCE])).order_by(alerts.c.id)
            found += [member_of(row) for row in await self._session.rows(query)]
        return found

    async def save(self, alert: Alert, text: AlertText) -> Alert:
        """Insert an alert whose id is 0 and return it with its id; else replace its version - 1. `text` is its words.

        Raises Conflict if another writer was first (another open alert of its key, or another version).
        """
        if alert.id == 0:
            made = await self._session.value(insert(alerts).values(columns_of(alert, text)).returning(alerts.c.id))
            return replace(alert, id=made)
        await self._put(alert, text, alert.version - 1)
        return alert

    async def touch(self, alert: Alert, text: AlertText) -> None:
        """Store changes that no reader notices (`clear_since`) without a new version; raises Conflict."""
        await self._put(alert, text, alert.version)

    async def _put(self, alert: Alert, text: AlertText, held: int) -> None:
        this = (alerts.c.id == alert.id) & (alerts.c.version == held)
        if not await self._session.change(update(alerts).where(this).values(columns_of(alert, text))):
            raise Conflict(f"Another writer changed alert #{alert.id} meanwhile.")

    async def loud(self, clusters: Collection[str]) -> set[str]:
        """Those of these clusters with an alert that is not resolved, or with a silence.

        A silence counts while it is in force, and until its end was announced.
        """
        rows = await self._session.rows(_LOUD[self._session.postgres], {"clusters": sorted(clusters)})
        return {row["cluster"] for row in rows}
