"""What becomes of operations without anybody clicking: adopted, settled, not applied, closed; over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.clustermgr.health import raft_alone
from bot.clustermgr.models import Snapshot
from bot.common.errors import Fenced
from bot.leadership.model import Replica
from bot.operations.model import ObservedState, Operation, OpState, advance
from bot.operations.preflight.fingerprint import Fingerprint
from bot.operations.preflight.verdict import PreflightResult
from bot.operations.requests import LeaderTransfer, MemberRemove
from bot.playground.clustermgr_sim import SimulatedCluster, Timing
from bot.store.database import Store
from bot.telemetry.trace import Trace, within
from bot.views.step_text import event_text
from bot.workflow.evaluation import Evaluation, Reevaluation
from bot.workflow.executor import STILL_SECONDS, Executor
from bot.workflow.repository import OperationRepository
from tests.support.databases import Clock

QUICK = Timing(wait=1.0, election=0.4, refresh=0.2, transfer=0.05)
REMOVE = Operation("prod", MemberRemove(3), "U0ANNA", 0.0, 2e9, channel="C0OPS")
TRANSFER = replace(REMOVE, request=LeaderTransfer(2))


@dataclass(slots=True)
class Stopped(Cluster):
    """A handle whose looks wait until the process that has it is woken."""

    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def snapshot_pair(self, *, patient: bool = True, bad_disks: bool = False) -> tuple[Snapshot | None, Snapshot]:
        """Wait, then look."""
        await self.go.wait()
        return await Cluster.snapshot_pair(self, patient=patient, bad_disks=bad_disks)


class Scenery:
    """A simulated cluster, its handle on the test's clock, the ledger and the executor."""

    def __init__(self, simulated: SimulatedCluster, client: ClustermgrClient, store: Store, clock: Clock) -> None:
        self.simulated, self.clock = simulated, clock
        self.cluster = Cluster("prod", "C0OPS", client, clock, 5.0)
        self.store = store
        self.repository = OperationRepository(store, lambda: None, clock, "p1")
        self.executor = self.executor_of("p1")

    def executor_of(self, process: str, **options: Any) -> Executor:
        """How a process of that name runs operations."""
        repository = replace(self.repository, owner=process)
        return Executor(repository, {"prod": self.cluster}, self.clock, verify_within=0.0, **options)

    async def lives(self, process: str, until: float) -> None:
        """A heartbeat of that process."""
        async with self.store.begin() as uow:
            await uow.replicas.beat(Replica(process, 0.0, 0.0, until))

    async def opened(self, op: Operation, *states: OpState) -> Operation:
        """An operation led through those states."""
        op = await self.repository.open(advance(op, OpState.WAITING, at=self.clock()))
        for state in states:
            op = await self.repository.move(op, state, by="U0BEN")
        return op

    async def state_of(self, op: Operation) -> tuple[OpState, str]:
        """Where it stands, and why."""
        found = await self.repository.get(op.id)
        assert found is not None
        return found.state, event_text(found.history[-1])


async def never(*_args: object) -> Any:
    """What a fresh evaluation never needs."""
    raise AssertionError("a fresh evaluation was made again")


def fresh() -> Reevaluation:
    """An evaluation made just now."""
    return Reevaluation(Evaluation(PreflightResult((), Fingerprint()), ObservedState()), never, never)


@pytest.fixture
async def scenery(store: Store, clock: Clock) -> AsyncIterator[Scenery]:
    async with SimulatedCluster(timing=QUICK) as simulated, ClustermgrClient(simulated.hosts) as client:
        yield Scenery(simulated, client, store, clock)


async def test_operation_of_a_dead_process_is_verified_not_sent(scenery: Scenery) -> None:
    op = await scenery.opened(TRANSFER, OpState.RUNNING)
    scenery.executor = scenery.executor_of("p2")
    await scenery.executor.settle_unfinished()
    assert await scenery.state_of(op) == (
        OpState.UNKNOWN,
        "the cmbot process that ran this stopped; it is not known whether the request was sent",
    )
    await scenery.simulated.elect(2)
    await scenery.executor.settle_unfinished()
    assert await scenery.state_of(op) == (OpState.VERIFIED, "the effect was seen; peer 2 leads")
    assert not scenery.simulated.log.matching(method="POST")


async def test_effect_before_the_process_stopped_is_verified(scenery: Scenery) -> None:
    op = await scenery.opened(TRANSFER, OpState.RUNNING)
    await scenery.simulated.elect(2)
    await scenery.executor_of("p2").settle_unfinished()
    assert await scenery.state_of(op) == (OpState.VERIFIED, "the cmbot process that ran this stopped; peer 2 leads")


async def test_another_process_goes_on_in_the_trace_of_the_proposal(scenery: Scenery) -> None:
    proposal, sweep = Trace("a" * 32), Trace("b" * 32)
    with within(proposal):
        op = await scenery.opened(replace(TRANSFER, trace=str(proposal)), OpState.RUNNING)
    await scenery.simulated.elect(2)
    with within(sweep):
        await scenery.executor_of("p2").settle_unfinished()
    async with scenery.store.read() as uow:
        *earlier, last = [row.details for row in await uow.audit.range() if row.op_id == op.id]
        rows = [row async for page in uow.dump.pages("posts") for row in page]
    assert (last["trace"], last["cause"]) == (proposal.id, sweep.id)
    assert all(row["trace"] == proposal.id and "cause" not in row for row in earlier)
    assert {row["trace"] for row in rows} == {proposal.id}
    requests = {name.lower(): value for seen in scenery.simulated.log.entries for name, value in seen.headers.items()}
    assert requests["x-reqid"].startswith(f"{proposal.id}-")


@pytest.mark.parametrize("states", [(OpState.RUNNING,), (OpState.RUNNING, OpState.UNKNOWN)])
async def test_operation_of_a_live_process_is_left_to_it(scenery: Scenery, states: tuple[OpState, ...]) -> None:
    """Another one looks neither while it runs nor while its effect is looked for, until its process is dead."""
    await scenery.lives("p1", until=2e12)
    op = await scenery.opened(TRANSFER, *states)
    await scenery.simulated.elect(2)
    await scenery.executor_of("p2").settle_unfinished()
    assert (await scenery.state_of(op))[0] is states[-1]
    await scenery.lives("p1", until=0.0)
    await scenery.executor_of("p2").settle_unfinished()
    assert (await scenery.state_of(op))[0] is OpState.VERIFIED


async def test_operations_of_foreign_clusters_are_left_alone(scenery: Scenery) -> None:
    op = await scenery.opened(TRANSFER, OpState.RUNNING)
    await scenery.executor_of("p2").settle_unfinished(lambda _cluster: None)
    assert (await scenery.state_of(op))[0] is OpState.RUNNING


async def test_unrecorded_result_of_this_process_is_verified(scenery: Scenery) -> None:
    """The database was down when the answer came: the process that sent the request records the result later."""
    op = await scenery.opened(TRANSFER, OpState.RUNNING)
    await scenery.executor.settle_unfinished(lambda _cluster: None)
    assert await scenery.state_of(op) == (
        OpState.UNKNOWN,
        "its result could not be stored; it is not known whether the request was sent",
    )


async def test_a_process_that_may_be_counted_as_dead_sends_nothing(scenery: Scenery) -> None:
    op = await scenery.opened(TRANSFER)
    with pytest.raises(Fenced):
        await scenery.executor_of("p1", alive=lambda: False).start(op, scenery.cluster, fresh(), by="U0BEN")
    assert (await scenery.state_of(op))[0] is OpState.WAITING
    answers = iter((True, False))
    await scenery.executor_of("p1", alive=lambda: next(answers)).start(op, scenery.cluster, fresh(), by="U0BEN")
    state, text = await scenery.state_of(op)
    assert state is OpState.FAILED
    assert text.startswith("nothing was sent")
    assert not scenery.simulated.log.matching(method="POST")


async def test_result_found_by_another_process_stands(scenery: Scenery) -> None:
    """Stopped between its request and its note, taken over, and woken: its note is not believed any more."""
    op = await scenery.opened(TRANSFER)
    cluster = Stopped("prod", "C0OPS", scenery.cluster.api, scenery.clock, 5.0)
    task = asyncio.create_task(scenery.executor.start(op, cluster, fresh(), by="U0BEN"))
    await scenery.simulated.until(lambda: bool(scenery.simulated.log.matching(method="POST")))
    await scenery.executor_of("p2").settle_unfinished()
    found = await scenery.state_of(op)
    cluster.go.set()
    assert event_text((await task).history[-1]) == found[1]
    assert await scenery.state_of(op) == found


async def test_missing_effect_counts_as_not_applied_after_a_minute(scenery: Scenery) -> None:
    op = await scenery.opened(REMOVE, OpState.RUNNING, OpState.UNKNOWN)
    for _ in range(int(STILL_SECONDS / 5) + 1):
        await scenery.executor.settle_unfinished()
        assert (await scenery.state_of(op))[0] is OpState.UNKNOWN
        scenery.clock.now += 5
    await scenery.executor.settle_unfinished()
    state, text = await scenery.state_of(op)
    assert state is OpState.FAILED
    assert "not applied: one leader with a quorum held for 60 s without it" in text


async def test_a_minute_with_an_election_in_it_proves_nothing(scenery: Scenery) -> None:
    op = await scenery.opened(REMOVE, OpState.RUNNING, OpState.UNKNOWN)
    for turn in range(int(STILL_SECONDS / 5) + 2):
        if turn == 6:
            await scenery.simulated.elect(2)
        await scenery.executor.settle_unfinished()
        scenery.clock.now += 5
    assert (await scenery.state_of(op))[0] is OpState.UNKNOWN


async def test_a_200_without_an_effect_is_unknown(scenery: Scenery) -> None:
    """A transfer to an unreachable voter answers 200 and does nothing."""
    await scenery.simulated.kill(2)
    op = await scenery.opened(TRANSFER)
    await scenery.executor.start(op, scenery.cluster, fresh(), by="U0BEN")
    state, text = await scenery.state_of(op)
    assert state is OpState.UNKNOWN
    assert text.startswith("the cluster answered 200, but the effect was not seen")
    assert len(scenery.simulated.log.matching(method="POST", path="/leadership/transfer")) == 1


async def test_a_cluster_that_left_the_settings_leaves_nothing_open(scenery: Scenery) -> None:
    opened = [
        await scenery.opened(replace(REMOVE, cluster="gone")),
        await scenery.opened(replace(REMOVE, cluster="lost"), OpState.RUNNING),
        await scenery.opened(replace(REMOVE, cluster="past"), OpState.RUNNING, OpState.UNKNOWN),
    ]
    stays = await scenery.opened(REMOVE)
    await scenery.executor.close_gone()
    found = [await scenery.state_of(op) for op in opened]
    assert [state for state, _ in found] == [OpState.CLOSED] * 3
    assert [text.partition("; ")[2] for _, text in found] == [
        "nothing was sent",
        *["it is not known whether it was done"] * 2,
    ]
    assert (await scenery.state_of(stays))[0] is OpState.WAITING


async def test_operation_without_a_decision_expires(scenery: Scenery) -> None:
    op = await scenery.opened(replace(REMOVE, expires_at=scenery.clock() + 60))
    await scenery.executor.expire_undecided()
    assert (await scenery.state_of(op))[0] is OpState.WAITING
    scenery.clock.now += 60
    await scenery.executor.expire_undecided()
    assert (await scenery.state_of(op))[0] is OpState.EXPIRED


async def test_poll_of_the_watch_is_the_earlier_snapshot(scenery: Scenery) -> None:
    earlier = await scenery.cluster.snapshot(5.0)
    scenery.clock.now += 4
    before, now = await scenery.cluster.snapshot_pair()
    assert before == raft_alone(earlier)
    assert now.at - earlier.at == 4
    await scenery.simulated.elect(2)
    before, now = await scenery.cluster.snapshot_pair(patient=False)
    assert before is None, "what was seen under another leader proves nothing"
    assert now.leader is not None
