"""Workspaces in the store: what each Slack workspace takes of what cmbot can send."""

from sqlalchemy import select

from bot.common.frozen import frozen
from bot.store.schema import workspaces
from bot.store.session import Session


@frozen
class Workspace:
    """One workspace: its id, the richest form of tables that it takes, and if it takes containers.

    Known since a time in Unix seconds.
    """

    team: str
    tables: str
    since: float
    containers: bool = True


class Workspaces:
    """What is known of workspaces, by their id."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def every(self) -> list[Workspace]:
        """Return all that is stored: one row, or a few after the app was moved to another workspace."""
        rows = await self._session.rows(select(workspaces).order_by(workspaces.c.team))
        return [Workspace(row["team"], row["tables"], row["since"], containers=bool(row["containers"])) for row in rows]

    async def put(self, found: Workspace) -> None:
        """Store what was found last."""
        values = {"tables": found.tables, "since": found.since, "containers": found.containers}
        new = self._session.insert(workspaces).values(team=found.team, **values)
        await self._session.change(
            new.on_conflict_do_update(index_elements=["team"], set_={name: new.excluded[name] for name in values})
        )
