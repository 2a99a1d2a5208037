"""Membership of this process among the replicas: its heartbeat, its holds, and how long it may rely on them."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from bot.common.errors import Fenced, StoreError
from bot.leadership.assignment import AssignmentPlan, alone, beside, plan
from bot.leadership.model import Assignments, Hold, Replica, watch_of
from bot.leadership.ports import HeldCheck, HoldCheck, ReplicaStore, ReplicaUnit

log = structlog.get_logger(__name__)

BEATS = 3
"""Heartbeats in the time of a lease."""
TRUST = 0.9
"""Part of a lease for which its holder relies on the lease without another heartbeat."""
ALONE_BEAT = 60.0
"""Seconds between two heartbeats of a process that is alone: they only show that the process runs."""
KEEP_EXPIRED = 600.0
"""Seconds for which an expired replica is still listed."""


@dataclass(slots=True)
class Membership:
    """Heartbeat and holds of this process. `steady` is a clock in seconds that also runs while the process is stopped.

    Another replica has expired when its heartbeat did not change for a lease of `steady`, or by the database's clock.
    With `alone` the database is a file (SQLite), and this process takes all tasks at its start. A process that starts
    on the same file later takes them over; this one takes them back when that one ends. `gained` is called with newly
    held tasks, to start them at once. `elsewhere` maps the tasks that other active replicas hold to their names.
    `revision` is the schema revision of this release, `older` are the other active replicas of earlier ones.
    """

    store: ReplicaStore
    name: str
    tasks: Sequence[str]
    lease: float
    alone: bool
    steady: Callable[[], float]
    gained: Callable[[Sequence[str]], None]
    holds: dict[str, Hold] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    active_replicas: int = 0
    elsewhere: dict[str, str] = field(default_factory=dict)
    revision: str = ""
    older: Sequence[Replica] = ()
    _heard: dict[str, tuple[float, float]] = field(default_factory=dict)
    _joined: bool = False
    _until: float = 0.0
    _leaving: bool = False
    _read: Assignments | None = None
    """The replicas and holds as they were last read."""

    @property
    def active(self) -> bool:
        """True while other replicas cannot consider this process expired: only then may it act."""
        return self.steady() < self._until

    def hold(self, task: str) -> Hold | None:
        """Hold of this process on a task, None if the process does not hold the task now."""
        return self.holds.get(task) if self.active else None

    def check_of(self, hold: Hold) -> HeldCheck:
        """HoldCheck for units of work that began under this hold."""
        return HeldCheck(hold, self._check)

    def check_of_cluster(self, cluster: str) -> HoldCheck | None:
        """HoldCheck of a cluster that this process holds, else None (`bot.leadership.ports.CheckOfCluster`)."""
        hold = self.hold(watch_of(cluster))
        return None if hold is None else self.check_of(hold)

    def older_than(self, revision: str) -> Sequence[str]:
        """Names of the other active replicas whose release needs an earlier schema revision than this one."""
        return [each.name for each in self.older if each.revision < revision]

    def idle(self, clusters: Sequence[str]) -> str:
        """Explain why clusters are not polled, or polled by a process that should not run; "" if all is well.

        Replicas over one database server share the clusters, so a replica that polls none of them is well.
        """
        if not self._joined:
            return "not polling yet: this process has no lease yet"
        if not self.active:
            return "not polling: this process could not renew its lease"
        others = {name: self.elsewhere.get(watch_of(name), "") for name in clusters if not self.hold(watch_of(name))}
        if lost := [name for name, holder in others.items() if not holder]:
            return f"no process polls {', '.join(lost)}"
        if self.alone and others:
            who = ", ".join(sorted(set(others.values())))
            return f"stop one of two processes on the same database file: {who} polls {', '.join(others)}"
        return ""

    async def _check(self, hold: Hold, uow: ReplicaUnit) -> None:
        try:
            await uow.replicas.require_hold(hold)
        except Fenced:
            if self.holds.get(hold.task) == hold:
                del self.holds[hold.task]
            log.warning("replica.fenced", task=hold.task, fence=hold.token)
            raise

    async def run(self) -> None:
        """Keep beating until cancelled."""
        while True:
            await asyncio.sleep(self.lease / BEATS)
            if not (self.alone and await self._unchanged()):
                await self.try_to_beat()

    async def _unchanged(self) -> bool:
        """True if the assignments have not changed and the last heartbeat is recent: then nothing must be written."""
        try:
            async with self.store.read() as uow:
                assignments = await uow.replicas.assignments(self._read)
        except StoreError:
            return False
        self._read = assignments
        alone = len(assignments.replicas) == 1
        only = [each for each in assignments.replicas if alone and each.name == self.name]
        young = [each for each in only if each.until and abs(assignments.now - each.beat_at) < ALONE_BEAT]
        held = {hold.task: hold for hold in assignments.held_by(self.name)}
        return bool(young) and held == self.holds and held.keys() >= set(self.tasks)

    async def try_to_beat(self) -> bool:
        """Send one heartbeat; False if the database did not take it."""
        try:
            async with asyncio.timeout(max(self.lease / 2, 0.5)):
                await self.beat()
        except (StoreError, TimeoutError) as error:
            log.warning("replica.no_heartbeat", error=str(error), alive=self.active)
            return False
        return True

    async def beat(self) -> None:
        """Save a heartbeat, and take, hand over and release tasks by the plan; raises StoreError."""
        began = self.steady()
        async with self.store.begin() as uow:
            seen = await uow.replicas.assignments(self._read)
            me = self._me(seen)
            # At its start a process that is alone on a file cannot tell active replicas from those that ended.
            first = self.alone and not self._joined
            expired = {each.name for each in seen.replicas} if first else self._expired(seen, began)
            active = [each for each in seen.replicas if each.name not in expired and each.until]
            assignments = replace(seen, replicas=active)
            if first:
                await uow.replicas.reset()
            else:
                await _expire(uow, me, seen, expired)
            await uow.replicas.beat(me)
            steps = self._plan(me, assignments)
            held = {hold.task: hold for hold in assignments.held_by(self.name)}
            for task in (*steps.release, *(task for task, _ in steps.hand_over)):
                held.pop(task, None)
            held |= await _apply(uow, me, steps, assignments.now)
        self._read = seen
        others = [other for other in assignments.replicas if other.name != self.name]
        self._until = float("inf") if self.alone and not others else began + self.lease * TRUST
        self._joined = True
        self._update(assignments, others, held)

    def _expired(self, assignments: Assignments, now: float) -> set[str]:
        """Names of the others that expired: by the database's clock, or without a heartbeat for a lease of ours."""
        others = [each for each in assignments.replicas if each.until and each.name != self.name]
        heard = {each.name: (each.beat_at, now) for each in others}
        before = self._heard.items()
        heard |= {name: entry for name, entry in before if name in heard and heard[name][0] == entry[0]}
        self._heard = heard
        silent = {name for name, (_, since) in heard.items() if now - since >= self.lease}
        # Two processes on one file save times by their own clocks, so those times decide nothing.
        return silent if self.alone else silent | {each.name for each in others if each.until <= assignments.now}

    def _me(self, assignments: Assignments) -> Replica:
        until = assignments.now + (BEATS * ALONE_BEAT if self.alone else self.lease)
        tasks = () if self._leaving else tuple(self.tasks)
        # A replica that expired counts as new again.
        own = (each.since for each in assignments.replicas if each.name == self.name and each.until)
        since = next(own, assignments.now)
        return Replica(self.name, since, assignments.now, until, tasks, self.revision)

    def _plan(self, me: Replica, assignments: Assignments) -> AssignmentPlan:
        if not self.alone:
            return plan(me, assignments, self.lease)
        return beside(me, assignments) if self._joined else alone(me, assignments)

    def _update(self, assignments: Assignments, others: Sequence[Replica], held: dict[str, Hold]) -> None:
        came = [task for task, hold in held.items() if self.holds.get(task) != hold]
        gone = [task for task in self.holds if task not in held]
        self.holds = held
        self.known = frozenset(self.tasks).union(*(other.tasks for other in others))
        self.active_replicas = 1 + len(others)
        self._note_older([other for other in others if other.revision < self.revision])
        names = {other.name for other in others}
        self.elsewhere = {
            task: hold.holder for task, hold in assignments.holds.items() if task not in held and hold.holder in names
        }
        if came or gone:
            log.info("replica.holds", came=came, gone=gone, held=len(held), living=self.active_replicas)
        if came:
            self.gained(came)

    def _note_older(self, older: Sequence[Replica]) -> None:
        if {each.name for each in older} != {each.name for each in self.older}:
            log.info("replica.older", names=[each.name for each in older])
        self.older = older

    async def release(self) -> None:
        """Release all tasks and take no more, but stay active: for an orderly stop. Never raises."""
        self._leaving = True
        await self.try_to_beat()

    async def leave(self) -> None:
        """Deregister this replica and release its claims. Never raises."""
        try:
            async with asyncio.timeout(max(self.lease / 2, 0.5)), self.store.begin() as uow:
                await uow.replicas.expire([self.name])
                await uow.replicas.delete([self.name])
        except (StoreError, TimeoutError) as error:
            log.warning("replica.left_unsaid", error=str(error))
        self.holds, self._until = {}, 0.0


async def _expire(uow: ReplicaUnit, me: Replica, assignments: Assignments, expired: Collection[str]) -> None:
    await uow.replicas.expire(expired)
    old = [
        other.name
        for other in assignments.replicas
        if other.name != me.name and not other.until and other.beat_at < assignments.now - KEEP_EXPIRED
    ]
    await uow.replicas.delete(old)


async def _apply(uow: ReplicaUnit, me: Replica, steps: AssignmentPlan, now: float) -> Mapping[str, Hold]:
    taken = dict.fromkeys(steps.take, me.name)
    holds = await uow.replicas.assign_all({**dict.fromkeys(steps.release, ""), **dict(steps.hand_over), **taken}, now)
    return {task: holds[task] for task in steps.take}
