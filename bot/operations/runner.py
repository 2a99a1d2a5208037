"""Execution: one request, then looking until the effect is seen; and the truth about what a dead process left."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from bot.cluster.health import healthy_count, quorum, voter_health, voters
from bot.cluster.models import Snapshot
from bot.cluster.tasks import meaning_of
from bot.commands.spec import ClusterPort
from bot.errors import ClusterError, ClusterRefused, ClusterUnreachable, Conflict, OutcomeUnknown
from bot.operations.ledger import Ledger
from bot.operations.model import Operation, OpState
from bot.operations.switch import read_switch

log = structlog.get_logger(__name__)

LOOK_EVERY = 0.5
"""Seconds between two looks for the effect."""
STILL_SECONDS = 60.0
"""How long one leader with a quorum must have held, all applied, before an unseen effect counts as not applied."""


@dataclass(slots=True)
class Runner:
    """Carries out operations that were approved, and settles those whose outcome is not known."""

    ledger: Ledger
    clusters: Mapping[str, ClusterPort]
    clock: Callable[[], float]
    verify_within: float
    under_way: set[int] = field(default_factory=set)
    _still: dict[int, Snapshot] = field(default_factory=dict)
    _looked: dict[int, Snapshot] = field(default_factory=dict)

    async def run(self, op: Operation, cluster: ClusterPort) -> Operation:
        """Send the one request of a RUNNING operation, look for its effect, note what is true."""
        self.under_way.add(op.id)
        try:
            return await self._run(op, cluster)
        finally:
            self.under_way.discard(op.id)

    async def _run(self, op: Operation, cluster: ClusterPort) -> Operation:
        doubt = ""
        try:
            await cluster.api.config_set(op.seen["key"], op.seen["will_send"], first=await _leader_first(cluster))
        except OutcomeUnknown as error:
            doubt = f"{error}"
        except (ClusterRefused, ClusterUnreachable) as error:
            return await self.ledger.move(op, OpState.FAILED, words=f"{error}")
        value, read = await self._read_back(op, cluster)
        if read and value == op.seen["will_send"]:
            return await self.ledger.move(op, OpState.VERIFIED, words=_now_is(op, value))
        found = _now_is(op, value) if read else "its value could not be read back"
        words = doubt or f"the cluster answered 200, but the effect was not seen in {self.verify_within:g} s"
        return await self.ledger.move(op, OpState.UNKNOWN, words=f"{words}; {found}")

    async def _read_back(self, op: Operation, cluster: ClusterPort) -> tuple[str | None, bool]:
        """Read until the value is the one sent or the time is over: (value, whether it could be read at all)."""
        value, read = None, False
        until = self.clock() + self.verify_within
        while True:
            try:
                value, read = await read_switch(cluster, op.seen["key"]), True
            except ClusterError as error:
                log.info("operation.unread", op=op.id, error=str(error))
            if (read and value == op.seen["will_send"]) or self.clock() >= until:
                return value, read
            await asyncio.sleep(LOOK_EVERY)

    async def sweep(self) -> None:
        """Expire what waited too long and settle what is not known; called by the clock."""
        for op in await self.ledger.due():
            await self._quietly(op, OpState.EXPIRED, "nobody confirmed it in time")
        for op in await self.ledger.in_state(OpState.RUNNING):
            if op.id not in self.under_way:
                await self._adopt(op)
        for op in await self.ledger.in_state(OpState.UNKNOWN):
            await self._settle(op)

    async def _quietly(self, op: Operation, to: OpState, words: str) -> None:
        try:
            await self.ledger.move(op, to, words=words)
        except Conflict:
            log.info("operation.moved_meanwhile", op=op.id)

    async def _adopt(self, op: Operation) -> None:
        """Tell the truth about an operation whose process died while it ran: it is never sent again."""
        if await self._seen(op):
            await self._quietly(
                op, OpState.VERIFIED, f"cmbot was restarted meanwhile; {_now_is(op, op.seen['will_send'])}"
            )
        else:
            await self._quietly(
                op, OpState.UNKNOWN, "cmbot was restarted while this ran; whether it was sent is not known"
            )

    async def _seen(self, op: Operation) -> bool:
        cluster = self.clusters.get(op.cluster)
        if cluster is None:
            return False
        try:
            return bool(await read_switch(cluster, op.seen["key"]) == op.seen["will_send"])
        except ClusterError:
            return False

    async def _settle(self, op: Operation) -> None:
        cluster = self.clusters.get(op.cluster)
        if cluster is None:
            return
        if await self._seen(op):
            await self._quietly(op, OpState.VERIFIED, f"the effect was seen; {_now_is(op, op.seen['will_send'])}")
        elif await self._held_still(op, cluster):
            await self._quietly(
                op, OpState.FAILED, f"not applied: one leader with a quorum held for {STILL_SECONDS:g} s without it"
            )

    async def _held_still(self, op: Operation, cluster: ClusterPort) -> bool:
        now = await _last_look(cluster)
        before, self._looked[op.id] = self._looked.get(op.id), now
        if not _settled(before, now):
            self._still.pop(op.id, None)
            return False
        start = self._still.setdefault(op.id, now)
        if _reign(start) != _reign(now):
            self._still[op.id] = now
            return False
        return now.at - start.at >= STILL_SECONDS


def _settled(before: Snapshot | None, now: Snapshot) -> bool:
    if now.leader is None:
        return False
    status = now.leader[1].raft_status
    enough = healthy_count(voter_health(before, now)) >= quorum(len(voters(now.leader[1])))
    return enough and status.applied >= status.commit and status.transferee == 0


def _reign(snapshot: Snapshot) -> tuple[int, int]:
    status = snapshot.leader[1].raft_status if snapshot.leader else None
    return (status.leader, status.term) if status else (0, 0)


async def _last_look(cluster: ClusterPort) -> Snapshot:
    looks = [look async for look in cluster.looks(bad_disks=False)]
    return looks[-1]


async def _leader_first(cluster: ClusterPort) -> str | None:
    leader = (await _last_look(cluster)).leader
    return leader[0] if leader else None


def _now_is(op: Operation, value: str | None) -> str:
    meaning = meaning_of(value, op.seen["dialect"])
    return f"{op.request['task']} is now {meaning.word}"
