"""Workspaces in the store: what each Slack workspace takes of what cmbot can send."""

from dataclasses import dataclass

from sqlalchemy import select

from bot.store.schema import workspaces
from bot.store.session import Session


@dataclass(frozen=True, slots=True)
class Workspace:
    """One workspace: its id, the form of tables that it takes, and since when that is known (Unix seconds)."""

    team: str
    tables: str
    since: float


class Workspaces:
    """What is known of workspaces, by their id."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def every(self) -> list[Workspace]:
        """Return all that is stored: one row, or a few after the app was moved to another workspace."""
        rows = await self._session.rows(select(workspaces).order_by(workspaces.c.team))
        return [Workspace(row["team"], row["tables"], row["since"]) for row in rows]

    async def put(self, found: Workspace) -> None:
        """Store what was found last."""
        new = self._session.insert(workspaces).values(team=found.team, tables=found.tables, since=found.since)
        await self._session.change(
            new.on_conflict_do_update(
                index_elements=["team"], set_={"tables": new.excluded.tables, "since": new.excluded.since}
            )
        )
