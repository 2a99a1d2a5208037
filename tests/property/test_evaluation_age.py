"""However long the database, the evaluation and the cluster take: no request is sent on a stale evaluation."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from bot.common.errors import ClusterRefused
from bot.operations.model import ObservedState, Operation, OpState, advance
from bot.operations.preflight.facts.quorum import QuorumLost, VotersInReach
from bot.operations.preflight.fingerprint import Fingerprint
from bot.operations.preflight.verdict import PreflightResult, block, passed
from bot.operations.requests import MemberRemove
from bot.operations.supersede import has_moved
from bot.workflow.evaluation import FRESH_SECONDS, Evaluation, Reevaluation
from bot.workflow.executor import Executor
from bot.workflow.repository import OperationRepository
from tests.support.in_memory_ports import FakeApi, FakeCluster

ASKED = Operation("prod", MemberRemove(3), "U1", 0.0, 9e9, id=7)
WAITING = advance(ASKED, OpState.WAITING, at=0.0)
FINE = PreflightResult((passed("quorum", VotersInReach(3, 3), bound="3"),), Fingerprint())
MOVED = PreflightResult((passed("quorum", VotersInReach(2, 3), bound="2"),), Fingerprint())
BLOCKED = PreflightResult((block("quorum", QuorumLost(1, 3, (2, 3))),), Fingerprint())


@dataclass
class Time:
    """A monotonic clock that moves when something takes its time."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Book:
    """The steps of one operation; each takes as long as the database is locked."""

    time: Time
    lock: float
    owner: str = "p1"
    states: list[OpState] = field(default_factory=list)

    async def move(self, op: Operation, to: OpState, **step: Any) -> Operation:
        self.time.now += self.lock
        self.states.append(to)
        known = {name: value for name, value in step.items() if name in {"by", "text", "seen"}}
        return advance(op, to, at=self.time.now, **known)


@dataclass
class Api(FakeApi):
    """Notes when a removal is sent, and to which host; then refuses, which ends it."""

    time: Time = field(default_factory=Time)
    sent: list[tuple[float, str | None]] = field(default_factory=list)

    async def member_remove(self, peer_id: int, *, at: str | None = None) -> None:  # noqa: ARG002 - the port's
        self.sent.append((self.time.now, at))
        raise ClusterRefused("no")


def evaluation(verdict: PreflightResult, host: str, at: float) -> Evaluation:
    return Evaluation(verdict, ObservedState(leader=host, verdict=verdict), at=at)


@given(
    age=st.floats(0, 20),
    lock=st.floats(0, 20),
    takes=st.floats(0, 10),
    then=st.sampled_from([FINE, MOVED, BLOCKED]),
)
def test_no_request_is_sent_on_an_evaluation_beyond_the_limit(
    age: float, lock: float, takes: float, then: PreflightResult
) -> None:
    time = Time()
    api, book = Api(time=time), Book(time, lock)
    first = evaluation(FINE, "cm1:9998", time.now - age)
    made = [first]

    async def again() -> Evaluation:
        time.now += takes
        made.append(evaluation(then, "cm2:9998", time.now))
        return made[-1]

    async def end(running: Operation, found: Evaluation | str) -> Operation | None:
        assert not isinstance(found, str)
        return await book.move(running, OpState.SUPERSEDED) if has_moved(running, found.verdict) else None

    executor = Executor(cast("OperationRepository", book), {}, time, verify_within=0.0)
    op = replace(WAITING, seen=first.seen)
    asyncio.run(executor.start(op, FakeCluster(api=api), Reevaluation(first, again, end, time), seen=first.seen))
    stale = age + lock > FRESH_SECONDS
    assert len(made) == (2 if stale else 1)
    assert len(api.sent) == (0 if stale and then is not FINE else 1)
    for when, host in api.sent:
        assert 0 <= when - made[-1].at <= FRESH_SECONDS
        assert host == made[-1].seen.leader, "sent to the leader that was evaluated"
    assert book.states == [OpState.RUNNING, OpState.FAILED if api.sent else OpState.SUPERSEDED]
