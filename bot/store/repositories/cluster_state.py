"""What the watch remembers of each cluster between two ticks."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import delete, select

from bot.store.schema import memory
from bot.store.session import Session


class ClusterStates:
    """One JSON object per cluster."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, cluster: str) -> dict[str, Any]:
        """What is remembered, {} when nothing is; a writing unit of work keeps it locked until it ends."""
        query = select(memory.c.data).where(memory.c.cluster == cluster)
        held = await self._session.value(query.with_for_update() if self._session.writable else query)
        return dict(held or {})

    async def several(self, clusters: Collection[str]) -> dict[str, dict[str, Any]]:
        """What is remembered of each of these, those of which nothing is left out."""
        rows = await self._session.rows(select(memory).where(memory.c.cluster.in_(sorted(clusters))))
        return {row["cluster"]: dict(row["data"]) for row in rows}

    async def put(self, cluster: str, data: Mapping[str, Any]) -> None:
        """Remember `data` instead; writes nothing when it is the same."""
        new = self._session.insert(memory).values(cluster=cluster, data=dict(data))
        await self._session.change(
            new.on_conflict_do_update(
                index_elements=["cluster"],
                set_={"data": new.excluded.data},
                where=memory.c.data.is_distinct_from(new.excluded.data),
            )
        )

    async def clusters(self) -> list[str]:
        """The clusters of which something is remembered."""
        rows = await self._session.rows(select(memory.c.cluster).order_by(memory.c.cluster))
        return [row["cluster"] for row in rows]

    async def forget(self, cluster: str) -> None:
        """Remember nothing of it."""
        await self._session.change(delete(memory).where(memory.c.cluster == cluster))
