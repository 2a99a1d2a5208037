"""Cluster states in the store: one row a cluster."""

from collections.abc import Collection, Mapping

from sqlalchemy import delete, select

from bot.alerting.cluster_state.state import ClusterState
from bot.common.json_object import JsonObject
from bot.store.schema import cluster_states
from bot.store.session import Session
from bot.store.state_codec import decode_state, decode_time, encode_state


class ClusterStates:
    """Cluster states by cluster name."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._locked: dict[str, JsonObject] = {}
        """Rows that this writing unit of work has read: nothing else can change them until it ends."""

    async def get(self, cluster: str) -> ClusterState:
        """The stored state, an empty one if there is none; a writing unit of work locks the row until it ends."""
        return decode_state(await self._stored(cluster))

    async def several(self, clusters: Collection[str]) -> dict[str, ClusterState]:
        """The stored states of these clusters; clusters without one are left out."""
        rows = await self._session.rows(select(cluster_states).where(cluster_states.c.cluster.in_(sorted(clusters))))
        return {row["cluster"]: decode_state(row["data"]) for row in rows}

    async def times(self, clusters: Collection[str]) -> dict[str, float]:
        """Times of the stored states of these clusters (Unix seconds), without reading the states themselves."""
        query = select(cluster_states.c.cluster, cluster_states.c.data["at"].label("at"))
        rows = await self._session.rows(query.where(cluster_states.c.cluster.in_(sorted(clusters))))
        return {row["cluster"]: decode_time({"at": row["at"]}) for row in rows}

    async def put(self, cluster: str, state: ClusterState) -> None:
        """Store the state; keys of another release stay, and an unchanged row is not written."""
        stored = self._locked.get(cluster) or await self._stored(cluster)
        data = {**stored, **encode_state(state)}
        new = self._session.insert(cluster_states).values(cluster=cluster, data=data)
        await self._session.change(
            new.on_conflict_do_update(
                index_elements=["cluster"],
                set_={"data": new.excluded.data},
                where=cluster_states.c.data.is_distinct_from(new.excluded.data),
            )
        )

    async def saved_at(self, clusters: Collection[str]) -> dict[str, float]:
        """Times of the stored states (Unix seconds); a writing unit of work locks the rows for `put_all`."""
        query = select(cluster_states).where(cluster_states.c.cluster.in_(sorted(clusters)))
        query = query.order_by(cluster_states.c.cluster)
        locked = query.with_for_update() if self._session.writable else query
        found = {row["cluster"]: dict(row["data"]) for row in await self._session.rows(locked)}
        self._locked |= found
        return {cluster: decode_time(data) for cluster, data in found.items()}

    async def put_all(self, states: Mapping[str, ClusterState]) -> None:
        """Store the states of clusters of `saved_at` in one statement; keys of another release stay."""
        if states:
            new = self._session.insert(cluster_states)
            replaced = new.on_conflict_do_update(index_elements=["cluster"], set_={"data": new.excluded.data})
            rows = [
                {"cluster": cluster, "data": {**self._locked.get(cluster, {}), **encode_state(states[cluster])}}
                for cluster in sorted(states)
            ]
            await self._session.change_all(replaced, rows)

    async def clusters(self) -> list[str]:
        """The clusters with a stored state."""
        rows = await self._session.rows(select(cluster_states.c.cluster).order_by(cluster_states.c.cluster))
        return [row["cluster"] for row in rows]

    async def forget(self, cluster: str) -> None:
        """Delete the state of a cluster."""
        self._locked.pop(cluster, None)
        await self._session.change(delete(cluster_states).where(cluster_states.c.cluster == cluster))

    async def _stored(self, cluster: str) -> JsonObject:
        query = select(cluster_states.c.data).where(cluster_states.c.cluster == cluster)
        if not self._session.writable:
            return dict(await self._session.value(query) or {})
        stored = dict(await self._session.value(query.with_for_update()) or {})
        if stored:
            self._locked[cluster] = stored
        return stored
