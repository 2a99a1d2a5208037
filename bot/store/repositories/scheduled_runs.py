"""Runs of scheduled reports, saved so that each runs once over all replicas and restarts."""

from collections.abc import Collection

from sqlalchemy import delete, func, select

from bot.store.schema import scheduled_runs
from bot.store.session import Session

_TRIAL = "trial"


class ScheduledRuns:
    """Runs by job and due time."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def once(self, job: str, due_at: float) -> bool:
        """True if the caller is the first to run `job` for `due_at`; commit this together with the effect."""
        new = self._session.insert(scheduled_runs).values(job=job, due_at=due_at)
        return bool(await self._session.change(new.on_conflict_do_nothing(index_elements=["job", "due_at"])))

    async def last(self, jobs: Collection[str], before: float) -> float | None:
        """Latest due time before `before` (Unix seconds) for which one of `jobs` ran."""
        query = select(func.max(scheduled_runs.c.due_at)).where(
            scheduled_runs.c.job.in_(list(jobs)), scheduled_runs.c.due_at < before
        )
        found = await self._session.value(query)
        return None if found is None else float(found)

    async def try_write(self, name: str) -> None:
        """Insert a row and delete it again, to find out if the database takes writes.

        Updating a row to the same values would prove nothing: SQLite then writes nothing.
        """
        job = f"{_TRIAL} {name}"
        await self._session.change(self._session.insert(scheduled_runs).values(job=job, due_at=0.0))
        await self._session.change(delete(scheduled_runs).where(scheduled_runs.c.job == job))
