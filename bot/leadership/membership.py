"""Membership: this process among the others. Its heartbeat, what it holds, and for how long it may believe that."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from bot.common.errors import Fenced, StoreError
from bot.leadership.assignment import AssignmentPlan, alone, beside, plan
from bot.leadership.model import Hold, Replica, Roster, watch_of
from bot.leadership.ports import Fence, ReplicaStore, ReplicaUnit

log = structlog.get_logger(__name__)

BEATS = 3
"""Heartbeats in the time of a lease."""
TRUST = 0.9
"""The part of a lease for which its holder believes it without another heartbeat."""
ALONE_BEAT = 60.0
"""Seconds between two heartbeats of a process that is alone: they only show that it lives."""
KEEP_DEAD = 600.0
"""How long a dead replica is still shown, in seconds."""


@dataclass(slots=True)
class Membership:
    """One process's part. `steady` is a clock that only goes on (seconds), also while the process is stopped.

    Another process is dead when its heartbeat did not change for a lease of `steady`, or by the database's clock.
    `alone` is a process whose database is a file (SQLite): everything is its own at its start. A process that starts
    on the same file later takes it over, and what that one leaves is taken back. `gained` is called with the tasks that
    came, to be taken up at once; `elsewhere` are those that another living process holds, with its name.
    """

    store: ReplicaStore
    name: str
    tasks: Sequence[str]
    lease: float
    alone: bool
    steady: Callable[[], float]
    gained: Callable[[Sequence[str]], None] = lambda _: None
    holds: dict[str, Hold] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    living: int = 0
    elsewhere: dict[str, str] = field(default_factory=dict)
    _heard: dict[str, tuple[float, float]] = field(default_factory=dict)
    _joined: bool = False
    _until: float = 0.0
    _leaving: bool = False

    @property
    def alive(self) -> bool:
        """Whether this process may act: its last heartbeat is not so long ago that others may count it as dead."""
        return self.steady() < self._until

    def hold(self, task: str) -> Hold | None:
        """The hold under which this process does `task` now, None when it does not."""
        return self.holds.get(task) if self.alive else None

    def fence(self, hold: Hold) -> Fence:
        """What a writing unit of work checks first, for work that began under this hold."""
        return partial(self._check, hold)

    def fence_for(self, cluster: str) -> Fence | None:
        """The fence of a cluster's watch when this process has it, else None (`bot.leadership.ports.Duty`)."""
        hold = self.hold(watch_of(cluster))
        return None if hold is None else self.fence(hold)

    def idle(self, clusters: Sequence[str]) -> str:
        """Why some of these clusters are not watched, or by a process that should not run; "" when all is well.

        Processes over one database server share the clusters, so one that waits for its turn is well.
        """
        if not self._joined:
            return "this process has no lease yet, so it watches nothing yet"
        if not self.alive:
            return "this process could not renew its lease, so it watches nothing"
        others = {name: self.elsewhere.get(watch_of(name), "") for name in clusters if not self.hold(watch_of(name))}
        if lost := [name for name, holder in others.items() if not holder]:
            return f"no process watches {', '.join(lost)}"
        if self.alone and others:
            who = ", ".join(sorted(set(others.values())))
            return f"another process on the same database file ({who}) watches {', '.join(others)}: end one of the two"
        return ""

    async def _check(self, hold: Hold, uow: ReplicaUnit) -> None:
        try:
            await uow.replicas.fence(hold)
        except Fenced:
            if self.holds.get(hold.task) == hold:
                del self.holds[hold.task]
            log.warning("replica.fenced", task=hold.task, fence=hold.token)
            raise

    async def run(self) -> None:
        """Keep beating until cancelled."""
        while True:
            await asyncio.sleep(self.lease / BEATS)
            if not (self.alone and await self._quiet()):
                await self.try_to_beat()

    async def _quiet(self) -> bool:
        """Whether nothing has changed on the file and the last heartbeat is young, so that nothing need be written."""
        try:
            async with self.store.read() as uow:
                roster = await uow.replicas.roster()
        except StoreError:
            return False
        only = [each for each in roster.replicas if each.name == self.name] if len(roster.replicas) == 1 else []
        young = [each for each in only if each.until and abs(roster.now - each.beat_at) < ALONE_BEAT]
        held = {hold.task: hold for hold in roster.held_by(self.name)}
        return bool(young) and held == self.holds and held.keys() >= set(self.tasks)

    async def try_to_beat(self) -> bool:
        """One heartbeat; False when the database did not take it."""
        try:
            async with asyncio.timeout(max(self.lease / 2, 0.5)):
                await self.beat()
        except (StoreError, TimeoutError) as error:
            log.warning("replica.no_heartbeat", error=str(error), alive=self.alive)
            return False
        return True

    async def beat(self) -> None:
        """Say that this process lives, and take, hand over and leave what is to be; raises StoreError."""
        began = self.steady()
        async with self.store.begin() as uow:
            seen = await uow.replicas.roster()
            me = self._me(seen)
            # At its start a process that has the file to itself cannot tell the living from what an earlier life left.
            first = self.alone and not self._joined
            dead = {each.name for each in seen.replicas} if first else self._dead(seen, began)
            roster = replace(seen, replicas=[each for each in seen.replicas if each.name not in dead and each.until])
            await _bury(uow, me, seen, dead, everybody=first)
            await uow.replicas.beat(me)
            steps = self._plan(me, roster)
            held = {hold.task: hold for hold in roster.held_by(self.name)}
            for task in (*steps.leave, *(task for task, _ in steps.hand)):
                held.pop(task, None)
            held |= await _carry_out(uow, me, steps, roster.now)
        others = [other for other in roster.replicas if other.name != self.name]
        self._until = float("inf") if self.alone and not others else began + self.lease * TRUST
        self._joined = True
        self._note(roster, others, held)

    def _dead(self, roster: Roster, now: float) -> set[str]:
        """The others that are dead: by the database's clock, or because they were not heard for a lease on ours."""
        alive = [each for each in roster.replicas if each.until and each.name != self.name]
        heard = {each.name: (each.beat_at, now) for each in alive}
        before = self._heard.items()
        heard |= {name: entry for name, entry in before if name in heard and heard[name][0] == entry[0]}
        self._heard = heard
        silent = {name for name, (_, since) in heard.items() if now - since >= self.lease}
        # Two processes on one file go by clocks of their own, so the times that they note do not decide.
        return silent if self.alone else silent | {each.name for each in alive if each.until <= roster.now}

    def _me(self, roster: Roster) -> Replica:
        until = roster.now + (BEATS * ALONE_BEAT if self.alone else self.lease)
        tasks = () if self._leaving else tuple(self.tasks)
        # Who was counted as dead is a newcomer again.
        since = next((each.since for each in roster.replicas if each.name == self.name and each.until), roster.now)
        return Replica(self.name, since, roster.now, until, tasks)

    def _plan(self, me: Replica, roster: Roster) -> AssignmentPlan:
        if not self.alone:
            return plan(me, roster, self.lease)
        return beside(me, roster) if self._joined else alone(me, roster)

    def _note(self, roster: Roster, others: Sequence[Replica], held: dict[str, Hold]) -> None:
        came = [task for task, hold in held.items() if self.holds.get(task) != hold]
        gone = [task for task in self.holds if task not in held]
        self.holds = held
        self.known = frozenset(self.tasks).union(*(other.tasks for other in others))
        self.living = 1 + len(others)
        names = {other.name for other in others}
        self.elsewhere = {
            task: hold.holder for task, hold in roster.holds.items() if task not in held and hold.holder in names
        }
        if came or gone:
            log.info("replica.holds", came=came, gone=gone, held=len(held), living=self.living)
        if came:
            self.gained(came)

    async def release(self) -> None:
        """Leave all work to the others and take none any more, but stay alive; at an orderly end. Never raises."""
        self._leaving = True
        await self.try_to_beat()

    async def leave(self) -> None:
        """Be gone: what was claimed is free at once. Never raises."""
        try:
            async with asyncio.timeout(max(self.lease / 2, 0.5)), self.store.begin() as uow:
                await uow.replicas.expire([self.name])
                await uow.replicas.forget([self.name])
        except (StoreError, TimeoutError) as error:
            log.warning("replica.left_unsaid", error=str(error))
        self.holds, self._until = {}, 0.0


async def _bury(uow: ReplicaUnit, me: Replica, roster: Roster, dead: Collection[str], *, everybody: bool) -> None:
    if everybody:
        await uow.replicas.bury_all()
        return
    await uow.replicas.expire(dead)
    old = [
        other.name
        for other in roster.replicas
        if other.name != me.name and not other.until and other.beat_at < roster.now - KEEP_DEAD
    ]
    await uow.replicas.forget(old)


async def _carry_out(uow: ReplicaUnit, me: Replica, steps: AssignmentPlan, now: float) -> Mapping[str, Hold]:
    for task in steps.leave:
        await uow.replicas.assign(task, "", now)
    for task, other in steps.hand:
        await uow.replicas.assign(task, other, now)
    return {task: await uow.replicas.assign(task, me.name, now) for task in steps.take}
