"""Measurements over time, for trends and summaries."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import BigInteger, cast, func, select

from bot.store.schema import samples
from bot.store.session import Session


class Samples:
    """One JSON object per cluster and time."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, cluster: str, at: float, values: Mapping[str, Any]) -> None:
        """Keep `values` as measured at `at`; a second measurement of that time is dropped."""
        new = self._session.insert(samples).values(cluster=cluster, at=at, data=dict(values))
        await self._session.change(new.on_conflict_do_nothing(index_elements=["cluster", "at"]))

    async def fill(self, cluster: str, measured: Iterable[tuple[float, Mapping[str, Any]]]) -> None:
        """Keep many measurements, (time, values) each, in one statement; raises Conflict when a time is taken."""
        await self._session.fill(samples, [{"cluster": cluster, "at": at, "data": dict(data)} for at, data in measured])

    async def range(self, cluster: str, since: float, *, every: float = 0.0) -> list[tuple[float, dict[str, Any]]]:
        """What was measured at `since` or later: (time, values), oldest first.

        With `every` (seconds) only the last of each such span is read, for a long time in few rows.
        """
        query = select(samples.c.at, samples.c.data).where(samples.c.cluster == cluster, samples.c.at >= since)
        if every >= 1:
            span = cast(samples.c.at, BigInteger).op("/")(int(every))
            last = select(func.max(samples.c.at)).where(samples.c.cluster == cluster, samples.c.at >= since)
            query = query.where(samples.c.at.in_(last.group_by(span)))
        return [(row["at"], dict(row["data"])) for row in await self._session.rows(query.order_by(samples.c.at))]

    async def first(self, cluster: str) -> float | None:
        """When the oldest that is kept was measured; None without any."""
        found = await self._session.value(select(func.min(samples.c.at)).where(samples.c.cluster == cluster))
        return None if found is None else float(found)
