"""Cluster states in the store: one row a cluster."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Executable, Text, bindparam, case, cast, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import RowMapping

from bot.alerting.cluster_state.state import ClusterState
from bot.common.json_object import JsonObject
from bot.store.column_types import encode
from bot.store.repositories.alerts import Alerts, is_loud
from bot.store.schema import cluster_states
from bot.store.session import Session, insert_into, one_of
from bot.store.state_codec import decode_state, decode_time, encode_state

_STORED, _STORED_POSTGRES = (
    select(cluster_states)
    .where(one_of(cluster_states.c.cluster, "clusters", postgres=postgres))
    .order_by(cluster_states.c.cluster)
    for postgres in (False, True)
)
_LOCKED = _STORED_POSTGRES.with_for_update()
_ONE = select(cluster_states.c.data).where(cluster_states.c.cluster == bindparam("name"))
_ONE_LOCKED = _ONE.with_for_update()
_QUIET = _STORED.add_columns(is_loud(cluster_states.c.cluster).label("loud"))

# Every replica asks this every few seconds about all clusters of the others.
_NAMES, _TIMES = (bindparam(name, type_=postgresql.ARRAY(Text)) for name in ("names", "times"))
_KNOWN = func.unnest(_NAMES, _TIMES).table_valued("cluster", "at", name="known").render_derived()
_AT = cluster_states.c.data["at"]
# A spoiled time counts as 0, as it is decoded; null, for none that is known, is another one than all of these.
_TIME = case((func.jsonb_typeof(_AT) == "number", _AT), else_=cast(0, postgresql.JSONB))
_CHANGED = (
    select(cluster_states)
    .join(_KNOWN, cluster_states.c.cluster == _KNOWN.c.cluster)
    .where(cast(_KNOWN.c.at, postgresql.JSONB) != _TIME)
)
_TIMES_OF = select(cluster_states.c.cluster, _AT.label("at")).where(
    one_of(cluster_states.c.cluster, "clusters", postgres=False)
)


def _put_all(new: sqlite.Insert | postgresql.Insert) -> Executable:
    return new.on_conflict_do_update(index_elements=["cluster"], set_={"data": new.excluded.data})


def _put_changed(new: sqlite.Insert | postgresql.Insert) -> Executable:
    changed = cluster_states.c.data.is_distinct_from(new.excluded.data)
    return new.on_conflict_do_update(index_elements=["cluster"], set_={"data": new.excluded.data}, where=changed)


_PUT_ALL, _PUT = (
    {postgres: put(insert_into(cluster_states, postgres=postgres)) for postgres in (False, True)}
    for put in (_put_all, _put_changed)
)


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
        stored = _STORED_POSTGRES if self._session.postgres else _STORED
        return _decoded(await self._session.rows(stored, {"clusters": sorted(clusters)}))

    async def changed(self, known: Mapping[str, float | None]) -> dict[str, ClusterState]:
        """The stored states of these clusters whose time (Unix seconds) is another one than the known one."""
        if self._session.postgres:
            values = {"names": list(known), "times": [encode(at) for at in known.values()]}
            return _decoded(await self._session.rows(_CHANGED, values))
        rows = await self._session.rows(_TIMES_OF, {"clusters": sorted(known)})
        others = [row["cluster"] for row in rows if decode_time({"at": row["at"]}) != known[row["cluster"]]]
        return await self.several(others) if others else {}

    async def put(self, cluster: str, state: ClusterState) -> None:
        """Store the state; keys of another release stay, and an unchanged row is not written."""
        stored = self._locked.get(cluster) or await self._stored(cluster)
        values = {"cluster": cluster, "data": {**stored, **encode_state(state)}}
        await self._session.change(_PUT[self._session.postgres], values)

    async def quiet_since(self, clusters: Collection[str]) -> dict[str, float]:
        """Times of the stored states (Unix seconds, 0 for none) of those clusters without an open alert or a silence.

        A writing unit of work locks the rows for `put_all`.
        """
        names = {"clusters": sorted(clusters)}
        if self._session.postgres:
            # A lock that waited does not ask the other tables again: what is loud is read once the rows are locked.
            rows = await self._session.rows(_LOCKED if self._session.writable else _STORED_POSTGRES, names)
            loud = await Alerts(self._session).loud(clusters)
        else:
            rows = await self._session.rows(_QUIET, names)
            loud = {row["cluster"] for row in rows if row["loud"]}
        found = {row["cluster"]: dict(row["data"]) for row in rows}
        if new := set(clusters) - found.keys() - loud:
            loud |= await Alerts(self._session).loud(new)
        self._locked |= found
        return {cluster: decode_time(found.get(cluster, {})) for cluster in clusters if cluster not in loud}

    async def put_all(self, states: Mapping[str, ClusterState]) -> None:
        """Store the states of clusters of `saved_at` in one statement; keys of another release stay."""
        if states:
            rows = [
                {"cluster": cluster, "data": {**self._locked.get(cluster, {}), **encode_state(states[cluster])}}
                for cluster in sorted(states)
            ]
            await self._session.change_all(_PUT_ALL[self._session.postgres], rows)

    async def clusters(self) -> list[str]:
        """The clusters with a stored state."""
        rows = await self._session.rows(select(cluster_states.c.cluster).order_by(cluster_states.c.cluster))
        return [row["cluster"] for row in rows]

    async def forget(self, cluster: str) -> None:
        """Delete the state of a cluster."""
        self._locked.pop(cluster, None)
        await self._session.change(delete(cluster_states).where(cluster_states.c.cluster == cluster))

    async def _stored(self, cluster: str) -> JsonObject:
        values = {"name": cluster}
        if not self._session.writable:
            return dict(await self._session.value(_ONE, values) or {})
        stored = dict(await self._session.value(_ONE_LOCKED, values) or {})
        if stored:
            self._locked[cluster] = stored
        return stored


def _decoded(rows: Sequence[RowMapping]) -> dict[str, ClusterState]:
    return {row["cluster"]: decode_state(row["data"]) for row in rows}
