"""Replicas and holds in the store: heartbeats, the holder of each task with its fencing token, and the fence."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import ColumnElement, bindparam, delete, func, select, update

from bot.common.errors import Fenced
from bot.leadership.model import Assignments, Hold, Replica
from bot.store.schema import holds, inbox_rows, posts, replicas
from bot.store.session import Session, one_of

LOCK = 0x7265706C
"""Key of the advisory lock under which one replica at a time plans its tasks: "repl" in ASCII."""

_AT_ONCE = 200
"""Most tasks in one statement."""
_VERSION = select(func.count().label("number"), func.coalesce(func.sum(holds.c.token), 0).label("tokens")).select_from(
    holds
)
_NOW = func.extract("epoch", func.clock_timestamp())
_VERSION_NOW = _VERSION.add_columns(_NOW.label("now"))
_TOKEN = select(holds.c.token).where(holds.c.task == bindparam("held"), holds.c.holder == bindparam("by"))
_TOKEN_LOCKED = _TOKEN.with_for_update(read=True)
_HELD = {
    postgres: select(holds).where(one_of(holds.c.task, "tasks", postgres=postgres)).order_by(holds.c.task)
    for postgres in (False, True)
}
_HELD_LOCKED = {postgres: query.with_for_update(read=True) for postgres, query in _HELD.items()}
_FREE = {"claimed_by": "", "claimed_until": 0.0}


class Replicas:
    """Replicas and holds. The clock of the database, which is the same for all, measures leases.

    SQLite has no clock: its rows have times of the system clock `clock`, for display only. There a replica expires
    when others see no heartbeat of it (bot/leadership/membership.py); `expire` saves that.
    """

    def __init__(self, session: Session, clock: Callable[[], float]) -> None:
        self._session = session
        self._clock = clock

    async def assignments(self, known: Assignments | None = None) -> Assignments:
        """All replicas and holds as of now; in a writing unit of work other replicas wait until it ends.

        The holds of `known`, read earlier, are taken if no task has changed hands since: there is a row for each
        cluster, and every heartbeat needs them.
        """
        if self._session.postgres and self._session.writable:
            await self._session.value(select(func.pg_advisory_xact_lock(LOCK)))
        rows = await self._session.rows(select(replicas).order_by(replicas.c.name))
        listed = [Replica(**{**row, "tasks": tuple(row["tasks"])}) for row in rows]
        number, tokens, now = await self._version()
        if known is not None and (number, tokens) == known.version:
            return Assignments(now, listed, known.holds)
        return Assignments(now, listed, await self._holds())

    async def _holds(self) -> Mapping[str, Hold]:
        return {row["task"]: Hold(**row) for row in await self._session.rows(select(holds).order_by(holds.c.task))}

    async def _version(self) -> tuple[int, int, float]:
        """`Assignments.version` of what is stored, and the time: each change adds a hold or raises a token."""
        row = (await self._session.rows(_VERSION_NOW if self._session.postgres else _VERSION))[0]
        return int(row["number"]), int(row["tokens"]), float(row["now"]) if self._session.postgres else self._clock()

    async def _now(self) -> float:
        now = await self.server_time()
        return self._clock() if now is None else now

    async def server_time(self) -> float | None:
        """Time of the database server (Unix seconds); None for SQLite."""
        if not self._session.postgres:
            return None
        return float(await self._session.value(select(_NOW)))

    async def beat(self, replica: Replica) -> None:
        """Save a heartbeat."""
        values = {**asdict(replica), "tasks": list(replica.tasks)}
        new = self._session.insert(replicas).values(values)
        del values["name"]
        await self._session.change(new.on_conflict_do_update(index_elements=["name"], set_=values))

    async def assign(self, task: str, holder: str, now: float) -> Hold:
        """Give a task to `holder` ("" to release it) under a new token: the former holder can write no more."""
        return (await self.assign_all({task: holder}, now))[task]

    async def assign_all(self, holders: Mapping[str, str], now: float) -> Mapping[str, Hold]:
        """Give tasks to their `holders`, as `assign` does; the rows are locked in the order of the tasks."""
        found: dict[str, Hold] = {}
        tasks = sorted(holders)
        for start in range(0, len(tasks), _AT_ONCE):
            rows = [
                {"task": task, "holder": holders[task], "token": 1, "since": now}
                for task in tasks[start : start + _AT_ONCE]
            ]
            new = self._session.insert(holds).values(rows)
            changed = {"holder": new.excluded.holder, "token": holds.c.token + 1, "since": now}
            statement = new.on_conflict_do_update(index_elements=["task"], set_=changed)
            for row in await self._session.rows(statement.returning(holds.c.task, holds.c.token)):
                found[row["task"]] = Hold(row["task"], holders[row["task"]], int(row["token"]), now)
        return found

    async def require_hold(self, hold: Hold) -> None:
        """Raise Fenced if another replica has the task now; until the unit of work ends it cannot change hands."""
        values = {"held": hold.task, "by": hold.holder}
        token = await self._session.value(_TOKEN_LOCKED if self._session.writable else _TOKEN, values)
        if token != hold.token:
            raise Fenced(f"Nothing was written: another process holds {hold.task} now.")

    async def lost(self, held: Collection[Hold]) -> set[str]:
        """Tasks of these holds that another replica has now; until the unit of work ends the others cannot pass on."""
        if not held:
            return set()
        queries = _HELD_LOCKED if self._session.writable else _HELD
        rows = await self._session.rows(queries[self._session.postgres], {"tasks": sorted(hold.task for hold in held)})
        found = {(row["task"], row["holder"], row["token"]) for row in rows}
        return {hold.task for hold in held if (hold.task, hold.holder, hold.token) not in found}

    async def expire(self, names: Collection[str]) -> None:
        """Expire replicas, and release their claims on inbound deliveries and on messages to be sent."""
        if not names:
            return
        theirs = sorted(names)
        await self._release(inbox_rows.c.claimed_by.in_(theirs), posts.c.claimed_by.in_(theirs))
        await self._session.change(update(replicas).where(replicas.c.name.in_(theirs)).values(until=0.0))

    async def reset(self) -> None:
        """Delete every replica and release every claim: for the start of a process that is alone."""
        await self._release(inbox_rows.c.claimed_by != "", posts.c.claimed_by != "")
        await self._session.change(delete(replicas))

    async def _release(self, accepted: ColumnElement[bool], sending: ColumnElement[bool]) -> None:
        """Release claims and retry waiting messages at once: their retry time may come from another clock."""
        await self._session.change(update(inbox_rows).where(accepted, ~inbox_rows.c.done).values(_FREE))
        await self._session.change(update(posts).where(sending).values(_FREE))
        waiting = (posts.c.state == "pending") & (posts.c.next_attempt_at > 0)
        await self._session.change(update(posts).where(waiting).values(next_attempt_at=0.0))

    async def delete(self, names: Collection[str]) -> None:
        """Delete replicas."""
        if names:
            await self._session.change(delete(replicas).where(replicas.c.name.in_(sorted(names))))

    async def active(self) -> Sequence[str]:
        """Names of the active replicas."""
        after = await self._now() if self._session.postgres else 0.0
        query = select(replicas.c.name).where(replicas.c.until > after).order_by(replicas.c.name)
        return [row["name"] for row in await self._session.rows(query)]
