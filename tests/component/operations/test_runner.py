"""What becomes of operations without anybody clicking: adopted, settled, not applied, closed; over real sockets."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.cluster.client import ClustermgrClient
from bot.cluster.handle import Cluster
from bot.operations.ledger import Ledger
from bot.operations.model import Operation, OpKind, OpState, advance
from bot.operations.runner import STILL_SECONDS, Runner
from bot.playground.cluster import SimulatedCluster, Timing
from bot.store.store import Store
from tests.storage import Clock

QUICK = Timing(wait=1.0, election=0.4, refresh=0.2, transfer=0.05)
REMOVE = Operation("prod", OpKind.MEMBER_REMOVE, {"peer_id": 3}, "U0ANNA", 0.0, 2e9, channel="C0OPS")
TRANSFER = replace(REMOVE, kind=OpKind.LEADER_TRANSFER, request={"peer_id": 2})


class Scenery:
    """A simulated cluster, its handle on the test's clock, the ledger and the runner."""

    def __init__(self, simulated: SimulatedCluster, client: ClustermgrClient, store: Store, clock: Clock) -> None:
        self.simulated, self.clock = simulated, clock
        self.cluster = Cluster("prod", "C0OPS", client, clock, 5.0)
        self.ledger = Ledger(store, lambda: None, clock)
        self.runner = Runner(self.ledger, {"prod": self.cluster}, clock, verify_within=0.0)

    async def opened(self, op: Operation, *states: OpState) -> Operation:
        """An operation led through those states."""
        op = await self.ledger.open(advance(op, OpState.WAITING, at=self.clock()))
        for state in states:
            op = await self.ledger.move(op, state, by="U0BEN")
        return op

    async def state_of(self, op: Operation) -> tuple[OpState, str]:
        """Where it stands, and why."""
        found = await self.ledger.get(op.id)
        assert found is not None
        return found.state, found.history[-1].words


@pytest.fixture
async def scenery(store: Store, clock: Clock) -> AsyncIterator[Scenery]:
    async with SimulatedCluster(timing=QUICK) as simulated, ClustermgrClient(simulated.hosts) as client:
        yield Scenery(simulated, client, store, clock)


async def test_what_a_dead_process_left_is_looked_for_and_never_sent_again(scenery: Scenery) -> None:
    op = await scenery.opened(TRANSFER, OpState.RUNNING)
    await scenery.runner.sweep()
    assert await scenery.state_of(op) == (
        OpState.UNKNOWN,
        "cmbot was restarted while this ran; whether it was sent is not known",
    )
    await scenery.simulated.elect(2)
    await scenery.runner.sweep()
    assert await scenery.state_of(op) == (OpState.VERIFIED, "the effect was seen; peer 2 leads")
    assert not scenery.simulated.log.matching(method="POST")


async def test_what_was_done_before_the_process_died_is_told_as_done(scenery: Scenery) -> None:
    op = await scenery.opened(TRANSFER, OpState.RUNNING)
    await scenery.simulated.elect(2)
    await scenery.runner.sweep()
    assert await scenery.state_of(op) == (OpState.VERIFIED, "cmbot was restarted meanwhile; peer 2 leads")


async def test_an_effect_that_is_not_there_counts_as_not_applied_after_one_calm_minute(scenery: Scenery) -> None:
    op = await scenery.opened(REMOVE, OpState.RUNNING, OpState.UNKNOWN)
    for _ in range(int(STILL_SECONDS / 5) + 1):
        await scenery.runner.sweep()
        assert (await scenery.state_of(op))[0] is OpState.UNKNOWN
        scenery.clock.now += 5
    await scenery.runner.sweep()
    state, words = await scenery.state_of(op)
    assert state is OpState.FAILED
    assert "not applied: one leader with a quorum held for 60 s without it" in words


async def test_a_minute_with_an_election_in_it_proves_nothing(scenery: Scenery) -> None:
    op = await scenery.opened(REMOVE, OpState.RUNNING, OpState.UNKNOWN)
    for turn in range(int(STILL_SECONDS / 5) + 2):
        if turn == 6:
            await scenery.simulated.elect(2)
        await scenery.runner.sweep()
        scenery.clock.now += 5
    assert (await scenery.state_of(op))[0] is OpState.UNKNOWN


async def test_a_200_without_an_effect_is_unknown(scenery: Scenery) -> None:
    """A transfer to an unreachable voter answers 200, whatever happens next."""
    await scenery.simulated.kill(2)
    op = await scenery.opened(TRANSFER)
    await scenery.runner.start(op, scenery.cluster, by="U0BEN")
    state, words = await scenery.state_of(op)
    assert state is OpState.UNKNOWN
    assert words.startswith("the cluster answered 200, but the effect was not seen")
    assert len(scenery.simulated.log.matching(method="POST", path="/leadership/transfer")) == 1


async def test_a_cluster_that_left_the_settings_leaves_nothing_open(scenery: Scenery) -> None:
    opened = [
        await scenery.opened(replace(REMOVE, cluster="gone")),
        await scenery.opened(replace(REMOVE, cluster="lost"), OpState.RUNNING),
        await scenery.opened(replace(REMOVE, cluster="past"), OpState.RUNNING, OpState.UNKNOWN),
    ]
    stays = await scenery.opened(REMOVE)
    await scenery.runner.close_gone()
    told = [await scenery.state_of(op) for op in opened]
    assert [state for state, _ in told] == [OpState.CLOSED] * 3
    assert [words.partition("; ")[2] for _, words in told] == [
        "nothing was sent",
        *["whether it was done is not known"] * 2,
    ]
    assert (await scenery.state_of(stays))[0] is OpState.WAITING


async def test_what_nobody_decided_on_expires(scenery: Scenery) -> None:
    op = await scenery.opened(replace(REMOVE, expires_at=scenery.clock() + 60))
    await scenery.runner.sweep()
    assert (await scenery.state_of(op))[0] is OpState.WAITING
    scenery.clock.now += 60
    await scenery.runner.sweep()
    assert (await scenery.state_of(op))[0] is OpState.EXPIRED


async def test_a_look_of_the_watch_serves_as_the_earlier_of_two(scenery: Scenery) -> None:
    earlier = await scenery.cluster.look(5.0)
    scenery.clock.now += 4
    before, now = await scenery.cluster.two_looks()
    assert before is earlier
    assert now.at - earlier.at == 4
    await scenery.simulated.elect(2)
    before, now = await scenery.cluster.two_looks(patient=False)
    assert before is None, "what was seen under another leader proves nothing"
    assert now.leader is not None
