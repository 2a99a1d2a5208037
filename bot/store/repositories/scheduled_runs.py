"""Scheduled firings that happened, so that each happens once in all."""

from collections.abc import Collection

from sqlalchemy import delete, func, select

from bot.store.schema import firings
from bot.store.session import Session

_TRIAL = "trial"


class ScheduledRuns:
    """What fired when, over all processes and restarts."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def once(self, job: str, due_at: float) -> bool:
        """Whether the caller is the first to fire `job` as due at `due_at`; commit it together with its effect."""
        new = self._session.insert(firings).values(job=job, due_at=due_at)
        return bool(await self._session.change(new.on_conflict_do_nothing(index_elements=["job", "due_at"])))

    async def last(self, jobs: Collection[str], before: float) -> float | None:
        """When any of `jobs` fired last that was due before `before`, as it was due (Unix seconds)."""
        query = select(func.max(firings.c.due_at)).where(firings.c.job.in_(list(jobs)), firings.c.due_at < before)
        found = await self._session.value(query)
        return None if found is None else float(found)

    async def tried(self, name: str) -> None:
        """Write a row and delete it again: whether the database takes a write at all, without leaving anything.

        A row that is only written as it was would not do: SQLite notices that, and writes nothing.
        """
        job = f"{_TRIAL} {name}"
        await self._session.change(self._session.insert(firings).values(job=job, due_at=0.0))
        await self._session.change(delete(firings).where(firings.c.job == job))
