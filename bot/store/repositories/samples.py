"""Measurements in the store, for trends and summaries."""

from collections.abc import Iterable, Sequence

from sqlalchemy import BigInteger, cast, func, select

from bot.alerting.reports.trend import Measurement, Sample
from bot.store.schema import samples
from bot.store.session import Session
from bot.store.state_codec import decode_measurement, encode_measurement


class Samples:
    """Measurements by cluster and time."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, cluster: str, at: float, values: Measurement) -> None:
        """Store what was measured at `at`; a second measurement of that time is dropped."""
        new = self._session.insert(samples).values(cluster=cluster, at=at, data=encode_measurement(values))
        await self._session.change(new.on_conflict_do_nothing(index_elements=["cluster", "at"]))

    async def add_all(self, measured: Sequence[tuple[str, float, Measurement]]) -> None:
        """Store measurements of several clusters, as `add` does."""
        if measured:
            new = self._session.insert(samples).on_conflict_do_nothing(index_elements=["cluster", "at"])
            rows = [
                {"cluster": cluster, "at": at, "data": encode_measurement(values)} for cluster, at, values in measured
            ]
            await self._session.change_all(new, rows)

    async def fill(self, cluster: str, measured: Iterable[Sample]) -> None:
        """Store many measurements in one statement. Raises Conflict when a time is taken."""
        rows = [{"cluster": cluster, "at": at, "data": encode_measurement(values)} for at, values in measured]
        await self._session.fill(samples, rows)

    async def range(self, cluster: str, since: float, *, every: float = 0.0) -> list[Sample]:
        """Measurements at `since` or later, oldest first.

        With `every` (seconds) only the last measurement of each such span is read.
        """
        query = select(samples.c.at, samples.c.data).where(samples.c.cluster == cluster, samples.c.at >= since)
        if every >= 1:
            span = cast(samples.c.at, BigInteger).op("/")(int(every))
            last = select(func.max(samples.c.at)).where(samples.c.cluster == cluster, samples.c.at >= since)
            query = query.where(samples.c.at.in_(last.group_by(span)))
        rows = await self._session.rows(query.order_by(samples.c.at))
        return [(row["at"], decode_measurement(row["data"])) for row in rows]

    async def first(self, cluster: str) -> float | None:
        """Time of the oldest stored measurement, None without any."""
        found = await self._session.value(select(func.min(samples.c.at)).where(samples.c.cluster == cluster))
        return None if found is None else float(found)
