"""Replicas and holds in the store: heartbeats, who does what under which fencing token, and the fence itself."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict

from sqlalchemy import ColumnElement, delete, func, select, update

from bot.common.errors import Fenced
from bot.leadership.model import Hold, Replica, Roster
from bot.store.schema import holds, inbound, posts, replicas
from bot.store.session import Session

LOCK = 0x7265706C
"""Key of the advisory lock under which one replica at a time decides what it does: "repl" in ASCII."""

_FREE = {"claimed_by": "", "claimed_until": 0.0}


class Replicas:
    """Who lives and who holds what. Lives are measured by the database's clock, which is the same for all.

    SQLite has no clock: its rows bear the system clock `clock`, for those who look at them. Which process is dead is
    found there by observation (bot/leadership/membership.py) and noted by `expire`.
    """

    def __init__(self, session: Session, clock: Callable[[], float]) -> None:
        self._session = session
        self._clock = clock

    async def roster(self) -> Roster:
        """All replicas and holds as of now; a writing unit of work keeps other deciders waiting until it ends."""
        if self._session.postgres and self._session.writable:
            await self._session.value(select(func.pg_advisory_xact_lock(LOCK)))
        known = [
            Replica(**{**row, "tasks": tuple(row["tasks"])})
            for row in await self._session.rows(select(replicas).order_by(replicas.c.name))
        ]
        held = {row["task"]: Hold(**row) for row in await self._session.rows(select(holds).order_by(holds.c.task))}
        return Roster(await self._now(), known, held)

    async def _now(self) -> float:
        now = await self.server_time()
        return self._clock() if now is None else now

    async def server_time(self) -> float | None:
        """The present by the clock of the database server (Unix seconds); None for SQLite, which has none."""
        if not self._session.postgres:
            return None
        return float(await self._session.value(select(func.extract("epoch", func.clock_timestamp()))))

    async def beat(self, replica: Replica) -> None:
        """Note that it lives, as it says."""
        values = {**asdict(replica), "tasks": list(replica.tasks)}
        new = self._session.insert(replicas).values(values)
        del values["name"]
        await self._session.change(new.on_conflict_do_update(index_elements=["name"], set_=values))

    async def assign(self, task: str, holder: str, now: float) -> Hold:
        """Give a piece of work to `holder` ("": to nobody) under a new token: whoever had it cannot write any more."""
        new = self._session.insert(holds).values(task=task, holder=holder, token=1, since=now)
        changed = {"holder": holder, "token": holds.c.token + 1, "since": now}
        statement = new.on_conflict_do_update(index_elements=["task"], set_=changed).returning(holds.c.token)
        return Hold(task, holder, int(await self._session.value(statement)), now)

    async def fence(self, hold: Hold) -> None:
        """Raise Fenced when the hold has passed to somebody else; until the unit of work ends it cannot pass."""
        query = select(holds.c.token).where(holds.c.task == hold.task, holds.c.holder == hold.holder)
        token = await self._session.value(query.with_for_update(read=True) if self._session.writable else query)
        if token != hold.token:
            raise Fenced(f"Another process does {hold.task} now, so nothing was written.")

    async def expire(self, names: Collection[str]) -> None:
        """Count these as dead: what they had claimed of inbound work and of messages to be sent is free at once."""
        if not names:
            return
        theirs = sorted(names)
        await self._free(inbound.c.claimed_by.in_(theirs), posts.c.claimed_by.in_(theirs))
        await self._session.change(update(replicas).where(replicas.c.name.in_(theirs)).values(until=0.0))

    async def bury_all(self) -> None:
        """Forget every replica and free all that was claimed; for a process that is alone, at its start."""
        await self._free(inbound.c.claimed_by != "", posts.c.claimed_by != "")
        await self._session.change(delete(replicas))

    async def _free(self, accepted: ColumnElement[bool], sending: ColumnElement[bool]) -> None:
        """Free claims; messages that wait for their next try are tried at once: the dead went by another clock."""
        await self._session.change(update(inbound).where(accepted, ~inbound.c.done).values(_FREE))
        await self._session.change(update(posts).where(sending).values(_FREE))
        waiting = (posts.c.state == "pending") & (posts.c.next_attempt_at > 0)
        await self._session.change(update(posts).where(waiting).values(next_attempt_at=0.0))

    async def forget(self, names: Collection[str]) -> None:
        """Delete replicas."""
        if names:
            await self._session.change(delete(replicas).where(replicas.c.name.in_(sorted(names))))

    async def living(self) -> Sequence[str]:
        """The names of those alive now."""
        after = await self._now() if self._session.postgres else 0.0
        query = select(replicas.c.name).where(replicas.c.until > after).order_by(replicas.c.name)
        return [row["name"] for row in await self._session.rows(query)]
