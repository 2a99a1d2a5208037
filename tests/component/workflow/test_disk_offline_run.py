"""Taking disks offline on each release; going on after a stop of the process; over real sockets and a database."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import pytest

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.clustermgr.disk_facts import DiskLimits
from bot.common.frozen import frozen
from bot.leadership.ports import holds_every_cluster
from bot.operations.change_request import RequestOptions
from bot.operations.codec import decode_seen, encode_seen
from bot.operations.disk_series import MAX_AGE, part, parts_of, stopped
from bot.operations.disk_step_facts import (
    ApprovalTooOld,
    DropNotBegun,
    OfflineResumed,
    OfflineStep,
    OfflineStepBegun,
    PartBegun,
    PartSkipped,
    PartWaits,
    SeriesEnded,
    SeriesOver,
)
from bot.operations.model import Operation, OpState, StepKind, advance
from bot.operations.requests import DiskOffline, DisksOffline, NodeDrop, NodeOffline, Request
from bot.operations.step_facts import ChecksRefuse, DiskNow
from bot.playground.clustermgr_sim import SimulatedCluster, Timing
from bot.playground.clustermgr_sim.data import Data
from bot.store.database import Store
from bot.views.operations import card
from bot.views.step_text import WORDING, event_text
from bot.workflow.disk_series import DiskSeries
from bot.workflow.drop_progress import MAX_FOLLOWED, DropFollower
from bot.workflow.evaluation import Evaluation, Reevaluation, evaluate
from bot.workflow.executor import STILL_SECONDS, Executor
from bot.workflow.repository import OperationRepository

pytestmark = pytest.mark.fast_time
QUICK = Timing(wait=1.0, election=0.4, refresh=0.2, transfer=0.05)
FLAVOURS = ("v1", "v3.5", "master")
READONLY, DROP = OfflineStepBegun(7, OfflineStep.READONLY), OfflineStepBegun(7, OfflineStep.DROP)
SEEN = DiskNow(7, 1, readonly=True)


@dataclass
class Bench:
    """A simulated cluster, the store, and a process of that name that runs operations."""

    simulated: SimulatedCluster
    cluster: Cluster
    repository: OperationRepository
    executor: Executor = field(init=False)

    def __post_init__(self) -> None:
        self.executor = Executor(self.repository, {"prod": self.cluster}, time.time, verify_within=2.0)

    async def waiting(self, request: Request, *, expires_in: float = 900.0) -> tuple[Operation, Evaluation]:
        """A waiting operation whose card shows what is true now."""
        evaluation = await evaluate(self.cluster, request, (), patient=True)
        assert not evaluation.verdict.blocked, evaluation.verdict.of_level(evaluation.verdict.level)
        now = time.time()
        op = Operation("prod", request, "U0ANNA", now, now + expires_in, channel="C0OPS", seen=evaluation.seen)
        return await self.repository.open(advance(op, OpState.WAITING, at=now, kind=StepKind.PROPOSED)), evaluation

    async def run(self, request: Request) -> Operation:
        op, evaluation = await self.waiting(request)

        async def end(_op: Operation, _found: Evaluation | str) -> Operation | None:
            return None

        again = partial(evaluate, self.cluster, request, (), patient=True)
        return await self.executor.start(op, self.cluster, Reevaluation(evaluation, again, end))

    async def resumed(self, *facts: object, expires_in: float = 900.0) -> Operation:
        """What becomes of an operation that a stopped process left after these steps."""
        op, _ = await self.waiting(DiskOffline(7), expires_in=expires_in)
        op = await replace(self.repository, owner="stopped").move(op, OpState.RUNNING, by="U0BEN")
        for fact in facts:
            op = await self.repository.note(op, fact=fact)  # type: ignore[arg-type]  # facts of steps
        await self.executor.settle_unfinished()
        found = await self.repository.get(op.id)
        assert found is not None
        return found

    @property
    def sent(self) -> list[tuple[str, object]]:
        return [(seen.path, json.loads(seen.body)) for seen in self.simulated.log.matching("POST")]


BOTH = [("/disk/access", {"disk_id": 7, "readonly": True}), ("/disk/drop", {"disk_id": 7})]


@asynccontextmanager
async def bench_of(
    store: Store, flavour: str, data: Data | None = None, timing: Timing = QUICK
) -> AsyncIterator[Bench]:
    async with (
        SimulatedCluster(flavour=flavour, schedulers=1, timing=timing, data=data) as simulated,
        ClustermgrClient(simulated.hosts) as api,
    ):
        for task in ("disk_drop", "disk_repair", "shard_repair"):
            simulated.set_switch(task, "Enable" if flavour == "v1" else "true")
        repository = OperationRepository(store, lambda: None, time.time, "p1")
        yield Bench(simulated, Cluster("prod", "C0OPS", api, time.time, 5.0), repository)


@pytest.fixture
async def bench(store: Store) -> AsyncIterator[Bench]:
    async with bench_of(store, "master") as made:
        yield made


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_disk_goes_offline_in_two_requests_on_each_release(store: Store, flavour: str) -> None:
    async with bench_of(store, flavour) as bench:
        op = await bench.run(DiskOffline(7))
        assert (op.state, event_text(op.history[-1])) == (OpState.VERIFIED, "disk #7 is being dropped")
        assert bench.sent == BOTH


async def test_operation_without_a_sent_step_begins_again(bench: Bench) -> None:
    op = await bench.resumed()
    assert op.state is OpState.VERIFIED
    assert OfflineResumed(own=False) in [event.fact for event in op.history]
    assert op.runner == "p1"
    assert bench.sent == BOTH


async def test_seen_first_step_is_followed_by_the_drop_alone(bench: Bench) -> None:
    bench.simulated.set_disk_readonly(7)
    op = await bench.resumed(READONLY, SEEN)
    assert op.state is OpState.VERIFIED
    assert bench.sent == BOTH[1:]


async def test_resumed_operation_sends_to_the_leader_that_was_checked(bench: Bench) -> None:
    """The cluster has elected another leader since the approval."""
    op, _ = await bench.waiting(DiskOffline(7))
    await replace(bench.repository, owner="stopped").move(op, OpState.RUNNING, by="U0BEN")
    await bench.simulated.elect(2)
    await bench.executor.settle_unfinished()
    found = await bench.repository.get(op.id)
    assert found is not None
    assert (found.state, found.seen.leader) == (OpState.VERIFIED, bench.simulated.host(2))
    assert [(sent.node, sent.path) for sent in bench.simulated.log.matching("POST")] == [
        (2, "/disk/access"),
        (2, "/disk/drop"),
    ]


@frozen
class Electing(OperationRepository):
    """A repository whose record of a first request takes so long that another leader is elected meanwhile."""

    simulated: SimulatedCluster | None = None

    async def note(self, op: Operation, **step: object) -> Operation:
        """Record a step."""
        noted = await OperationRepository.note(self, op, **step)  # type: ignore[arg-type]
        if noted.history[-1].fact == READONLY and self.simulated is not None:
            await self.simulated.elect(2)
        return noted


async def test_request_after_a_slow_record_goes_to_the_leader_of_the_new_checks(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.workflow.disk_offline.RECORD_SECONDS", -1.0)
    known = bench.repository
    bench.executor.repository = Electing(known.store, known.wake, known.clock, known.owner, simulated=bench.simulated)
    op = await bench.run(DiskOffline(7))
    assert op.state is OpState.VERIFIED
    assert {sent.node for sent in bench.simulated.log.matching("POST")} == {2}


async def test_first_step_without_its_effect_has_an_unknown_outcome(bench: Bench) -> None:
    op = await bench.resumed(READONLY)
    assert op.state is OpState.UNKNOWN
    assert bench.sent == []
    bench.simulated.set_disk_readonly(7)
    await bench.executor.settle_unfinished()
    found = await bench.repository.get(op.id)
    assert found is not None
    assert found.state is OpState.FAILED
    assert "disk #7 is read-only; it is not being dropped" in event_text(found.history[-1])
    assert bench.sent == []


async def test_recorded_drop_is_never_sent_again(bench: Bench) -> None:
    bench.simulated.set_disk_readonly(7)
    op = await bench.resumed(READONLY, SEEN, DROP)
    assert op.state is OpState.UNKNOWN
    bench.simulated.drop_disk(7)
    await bench.executor.settle_unfinished()
    found = await bench.repository.get(op.id)
    assert found is not None
    assert found.state is OpState.VERIFIED
    assert bench.sent == []


async def test_old_approval_does_not_cover_the_second_step(bench: Bench) -> None:
    bench.simulated.set_disk_readonly(7)
    op = await bench.resumed(READONLY, SEEN, expires_in=-1.0)
    assert op.state is OpState.FAILED
    assert "the approval is too old" in event_text(op.history[-1])
    assert bench.sent == []


async def test_disk_that_is_writable_again_is_not_dropped(bench: Bench) -> None:
    op = await bench.resumed(READONLY, SEEN)
    assert op.state is OpState.FAILED
    assert "disk #7 is writable again" in event_text(op.history[-1])
    assert bench.sent == []


@pytest.mark.parametrize(
    ("facts", "state"), [((READONLY,), OpState.UNKNOWN), ((READONLY, SEEN), OpState.FAILED), ((), OpState.BLOCKED)]
)
async def test_old_approval_ends_an_operation_whose_disk_cannot_be_read(
    bench: Bench, facts: tuple[object, ...], state: OpState
) -> None:
    bench.simulated.fail_next(500, 1000, "/disk/info")
    assert (await bench.resumed(*facts)).state is OpState.RUNNING
    bench.executor.clock = lambda: time.time() + 1000.0
    await bench.executor.settle_unfinished()
    (found,) = await bench.repository.recent("prod", 1)
    assert found.state is state
    assert bench.sent == []


async def settled_for(bench: Bench, seconds: float) -> None:
    for _ in range(int(seconds / 5) + 3):
        await bench.executor.settle_unfinished()
        await asyncio.sleep(5)


async def test_unread_disk_is_never_settled_as_not_applied(bench: Bench) -> None:
    bench.simulated.set_disk_readonly(7)
    op = await bench.resumed(READONLY, SEEN, DROP)
    assert op.state is OpState.UNKNOWN
    bench.simulated.fail_next(500, 1000, "/disk/droppinglist")
    await settled_for(bench, STILL_SECONDS)
    found = await bench.repository.get(op.id)
    assert found is not None
    assert found.state is OpState.UNKNOWN
    bench.simulated.faults.clear()
    await settled_for(bench, STILL_SECONDS)
    found = await bench.repository.get(op.id)
    assert found is not None
    assert found.state is OpState.FAILED


async def test_changed_cluster_voids_the_approval_between_the_steps(bench: Bench) -> None:
    bench.simulated.set_disk_readonly(7)
    op, _ = await bench.waiting(DiskOffline(7))
    op = await replace(bench.repository, owner="stopped").move(op, OpState.RUNNING, by="U0BEN")
    bench.simulated.set_switch("disk_drop", "false")
    await bench.executor.settle_unfinished()
    found = await bench.repository.get(op.id)
    assert found is not None
    assert found.state is OpState.BLOCKED
    assert bench.sent == []


async def test_units_left_on_a_dropped_disk_are_said_until_they_are_gone(bench: Bench) -> None:
    op = await bench.run(DiskOffline(7))
    bench.simulated.move_chunks(7, 0)
    await bench.simulated.until(lambda: bench.simulated.data.disks[7].status == 5)
    bench.simulated.land_unit(7)
    follower = DropFollower(bench.repository, {"prod": bench.cluster}, time.time, every=0.0)
    await follower.follow()
    found = await bench.repository.get(op.id)
    assert found is not None
    assert "1 unit of 1 volume is still on it: do not pull it" in event_text(found.history[-1])
    steps = len(found.history)
    await follower.follow()
    bench.simulated.move_chunks(7, 0)
    await follower.follow()
    found = await bench.repository.get(op.id)
    assert found is not None
    assert len(found.history) == steps + 1
    assert "safe to pull: no unit left" in event_text(found.history[-1])


@pytest.mark.parametrize("flavour", ["v1", "v3.5"])
async def test_node_is_dropped_last_where_the_release_has_the_call(store: Store, flavour: str) -> None:
    async with bench_of(store, flavour) as bench:
        data = bench.simulated.data
        for disk in data.disks.values():
            disk.idc = "z0"
        for number in (6, 7, 8):
            data.disks[number].status = 5
            bench.simulated.move_chunks(number, 0)
        bench.simulated.recount()
        op = await bench.run(NodeOffline(data.disks[5].host.removeprefix("http://")))
        series = DiskSeries(bench.repository, bench.executor, {"prod": bench.cluster}, time.time)
        follower = DropFollower(bench.repository, {"prod": bench.cluster}, time.time, every=0.0)
        await series.advance()
        bench.simulated.move_chunks(5, 0)
        await bench.simulated.until(lambda: data.disks[5].status == 5)
        await follower.follow()
        for _ in range(3):
            await series.advance()
        found = await bench.repository.get(op.id)
        assert found is not None
        assert found.state is OpState.VERIFIED
        node = [("/node/drop", {"node_id": 2})] if flavour != "v1" else []
        assert bench.sent == [
            ("/disk/access", {"disk_id": 5, "readonly": True}),
            ("/disk/drop", {"disk_id": 5}),
            *node,
        ]


# --- the drop of a node


async def out_of_use(bench: Bench) -> NodeDrop:
    """A node whose disks are all dropped."""
    data = bench.simulated.data
    for number in (5, 6, 7, 8):
        data.disks[number].status = 5
        bench.simulated.move_chunks(number, 0)
    bench.simulated.recount()
    return NodeDrop(data.disks[5].node_id)


@pytest.mark.parametrize("flavour", ["v3.5", "master"])
async def test_drop_of_a_node_is_verified_by_its_state(store: Store, flavour: str) -> None:
    async with bench_of(store, flavour) as bench:
        op = await bench.run(await out_of_use(bench))
        assert (op.state, event_text(op.history[-1])) == (OpState.VERIFIED, "node 2 is dropped")


@pytest.mark.parametrize("flavour", ["v3.5", "master"])
async def test_lost_reply_to_the_drop_of_a_node_is_settled_by_its_state(store: Store, flavour: str) -> None:
    async with bench_of(store, flavour) as bench:
        bench.simulated.lose_replies(path="/node/drop")
        op = await bench.run(await out_of_use(bench))
        assert [event.state for event in op.history[-2:]] == [OpState.UNKNOWN, OpState.VERIFIED]
        assert [path for path, _ in bench.sent] == ["/node/drop"]


async def test_node_that_is_dropped_late_is_unknown_until_it_is_seen(store: Store) -> None:
    async with bench_of(store, "master", timing=replace(QUICK, refresh=3_600.0)) as bench:
        op = await bench.run(await out_of_use(bench))
        assert op.state is OpState.UNKNOWN
        assert "node 2 is not dropped yet" in event_text(op.history[-1])
        await settled_for(bench, STILL_SECONDS)
        assert (await found_of(bench, op)).state is OpState.UNKNOWN
        bench.simulated.recount()
        await bench.executor.settle_unfinished()
        assert (await found_of(bench, op)).state is OpState.VERIFIED


async def test_drop_of_a_node_that_no_call_shows_is_accepted_and_not_proven(store: Store) -> None:
    async with bench_of(store, "v3.5") as bench:
        bench.simulated.fail_next(404, 1_000, "/node/info")
        op = await bench.run(await out_of_use(bench))
        shown = f"{card(op).text} {card(op).blocks}"
        assert "*Accepted, not proven*" in shown
        assert "this release has no call that shows its state" in shown
        assert "erified" not in shown


async def test_lost_reply_that_no_call_settles_stays_unknown(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.workflow.executor.NODE_STILL_SECONDS", 5.0)
    async with bench_of(store, "v3.5") as bench:
        bench.simulated.fail_next(404, 1_000, "/node/info")
        bench.simulated.lose_replies(path="/node/drop")
        op = await bench.run(await out_of_use(bench))
        await settled_for(bench, 10.0)
        assert (await found_of(bench, op)).state is OpState.UNKNOWN


async def test_part_of_an_ended_series_is_cancelled_unsent(bench: Bench) -> None:
    whole, _ = await bench.waiting(DisksOffline((7, 9)))
    whole = await bench.repository.move(whole, OpState.RUNNING, by="U0BEN")
    child = part(whole, DiskOffline(7), whole.seen, time.time())
    whole, child = await bench.repository.begin_part(whole, child, partial(PartBegun, 7))
    await bench.repository.move(whole, OpState.CANCELLED, fact=stopped(whole, None))
    await DiskSeries(bench.repository, bench.executor, {"prod": bench.cluster}, time.time).advance()
    found = await bench.repository.get(child.id)
    assert found is not None
    assert found.state is OpState.CANCELLED
    assert bench.sent == []


async def test_part_that_a_stopped_process_recorded_is_begun_once(bench: Bench) -> None:
    whole, _ = await bench.waiting(DisksOffline((7, 9)))
    whole = await bench.repository.move(whole, OpState.RUNNING, by="U0BEN")
    child = part(whole, DiskOffline(7), whole.seen, time.time())
    await bench.repository.begin_part(whole, child, partial(PartBegun, 7))
    series = DiskSeries(bench.repository, bench.executor, {"prod": bench.cluster}, time.time)
    await series.advance()
    assert bench.sent == BOTH
    await series.advance()
    assert [body for path, body in bench.sent if path == "/disk/drop"] == [{"disk_id": 7}, {"disk_id": 9}]
    found = await bench.repository.get(whole.id)
    assert found is not None
    assert found.approvals == whole.approvals


# --- a series between its parts


async def running_series(bench: Bench, request: Request, *, forced: bool = False) -> tuple[Operation, DiskSeries]:
    """A running series, and what advances it."""
    options = RequestOptions(forced=forced)
    evaluation = await evaluate(bench.cluster, request, (), options, patient=True)
    assert not evaluation.verdict.blocked
    now = time.time()
    op = Operation("prod", request, "U0ANNA", now, now + 900.0, options=options, channel="C0OPS", seen=evaluation.seen)
    op = await bench.repository.open(advance(op, OpState.WAITING, at=now))
    op = await bench.repository.move(op, OpState.RUNNING, by="U0BEN")
    return op, DiskSeries(bench.repository, bench.executor, {"prod": bench.cluster}, time.time, every=0.0)


async def found_of(bench: Bench, op: Operation) -> Operation:
    found = await bench.repository.get(op.id)
    assert found is not None
    return found


def break_beside(bench: Bench, number: int) -> None:
    """Break other disks of a volume that disk 7 holds, without passing a limit."""
    on_7 = [volume.disks() for volume in bench.simulated.data.volumes.by_vid.values() if 7 in volume.disks()]
    bench.cluster.disk_limits = DiskLimits(9, 9, 10)
    for disk in sorted(on_7[0] - {7})[:number]:
        bench.simulated.break_disk(disk)


async def empty(bench: Bench, disk: int) -> None:
    """Let the drop of a disk end well."""
    bench.simulated.move_chunks(disk, 0)
    await bench.simulated.until(lambda: bench.simulated.data.disks[disk].status == 5)


async def test_forced_series_stops_at_a_check_that_its_card_did_not_override(bench: Bench) -> None:
    bench.simulated.data.services[:] = [each for each in bench.simulated.data.services if each.name != "SCHEDULER"]
    op, series = await running_series(bench, DisksOffline((7, 9)), forced=True)
    break_beside(bench, 3)
    await series.advance()
    found = await found_of(bench, op)
    assert bench.sent == []
    assert found.state is OpState.FAILED
    assert "can lose no more" in event_text(found.history[-1])


async def test_forced_series_goes_on_over_what_its_card_overrides(bench: Bench) -> None:
    bench.simulated.set_switch("disk_drop", "false")
    _, series = await running_series(bench, DisksOffline((7, 9)), forced=True)
    await series.advance()
    assert bench.sent == BOTH


async def test_node_leaves_out_its_broken_disk(bench: Bench) -> None:
    data = bench.simulated.data
    for disk in data.disks.values():
        disk.idc = "z0"
    for number in (7, 8):
        data.disks[number].status = 5
        bench.simulated.move_chunks(number, 0)
    bench.simulated.recount()
    bench.simulated.break_disk(5)
    bench.cluster.disk_limits = DiskLimits(9, 9, 10)
    op, series = await running_series(bench, NodeOffline(data.disks[5].host.removeprefix("http://")))
    assert parts_of(op).disks == (6,)
    bench.simulated.break_disk(6)
    await series.advance()
    found = await found_of(bench, op)
    assert found.state is OpState.RUNNING
    assert PartSkipped(6) in [event.fact for event in found.history]


async def test_cancelled_series_sends_no_drop_of_a_part_that_a_process_left(bench: Bench) -> None:
    op, _ = await running_series(bench, DisksOffline((7, 9)))
    seen = (await evaluate(bench.cluster, DiskOffline(7), (), patient=True)).seen
    op, child = await bench.repository.begin_part(
        op, part(op, DiskOffline(7), seen, time.time()), partial(PartBegun, 7)
    )
    child = await replace(bench.repository, owner="stopped").move(child, OpState.RUNNING)
    bench.simulated.set_disk_readonly(7)
    for fact in (READONLY, SEEN):
        child = await bench.repository.note(child, fact=fact)
    await bench.repository.move(op, OpState.CANCELLED, fact=stopped(op, None))
    await bench.executor.settle_unfinished()
    found = await found_of(bench, child)
    assert bench.sent == []
    assert found.history[-1].fact == DropNotBegun(7, before=False, why=SeriesOver(op.id))


async def test_series_waits_while_no_scheduler_is_there(bench: Bench) -> None:
    op, series = await running_series(bench, DisksOffline((7, 9)))
    services, before = bench.simulated.data.services, list(bench.simulated.data.services)
    services[:] = [each for each in services if each.name != "SCHEDULER"]
    await series.advance()
    found = await found_of(bench, op)
    assert (found.state, bench.sent) == (OpState.RUNNING, [])
    waits = found.history[-1].fact
    assert isinstance(waits, PartWaits)
    assert "scheduler" in [check.key for check in waits.checks]
    await series.advance()
    assert (await found_of(bench, op)).version == found.version
    services[:] = before
    await series.advance()
    assert bench.sent == BOTH


async def test_recorded_part_whose_disk_was_dropped_meanwhile_is_skipped(bench: Bench) -> None:
    op, series = await running_series(bench, DisksOffline((7, 9)))
    op, child = await bench.repository.begin_part(
        op, part(op, DiskOffline(7), op.seen, time.time()), partial(PartBegun, 7)
    )
    bench.simulated.data.disks[7].status = 5
    bench.simulated.move_chunks(7, 0)
    await series.advance()
    found = await found_of(bench, child)
    assert (found.state, found.history[-1].fact, bench.sent) == (OpState.CANCELLED, PartSkipped(7), [])
    await series.advance()
    assert [body for _, body in bench.sent][-1:] == [{"disk_id": 9}]


async def test_series_ends_after_a_drop_that_left_units(bench: Bench) -> None:
    op, series = await running_series(bench, DisksOffline((7, 9)))
    await series.advance()
    await empty(bench, 7)
    bench.simulated.land_unit(7)
    await DropFollower(bench.repository, {"prod": bench.cluster}, time.time, every=0.0).follow()
    await series.advance()
    found = await found_of(bench, op)
    assert (found.state, bench.sent) == (OpState.FAILED, BOTH)
    assert "do not pull it" in event_text(found.history[-1])


async def test_card_of_several_disks_says_of_each_if_it_may_be_pulled(bench: Bench) -> None:
    op, series = await running_series(bench, DisksOffline((7, 9)))
    follower = DropFollower(bench.repository, {"prod": bench.cluster}, time.time, every=0.0)
    await series.advance()
    begun = await found_of(bench, op)
    assert "disk #7, operation #2: *do not pull*: its units are not counted yet" in str(card(begun).blocks)
    await follower.follow()
    moving = await found_of(bench, op)
    left = len(bench.simulated.data.volumes.units_of(7))
    assert re.search(
        rf"disk #7, being dropped, as of <!date[^>]*>: \*do not pull: {left} units\*", str(card(moving).blocks)
    )
    assert "disk #9, not begun: *do not pull*" in str(card(moving).blocks)
    await empty(bench, 7)
    await follower.follow()
    dropped = await found_of(bench, op)
    assert re.search(r"disk #7, dropped, as of <!date[^>]*>: \*safe to pull\*", str(card(dropped).blocks))
    assert decode_seen(encode_seen(dropped.seen, WORDING)).counts == dropped.seen.counts


async def test_card_of_several_disks_names_the_units_on_a_dropped_one(bench: Bench) -> None:
    op, series = await running_series(bench, DisksOffline((7, 9)))
    await series.advance()
    await empty(bench, 7)
    bench.simulated.land_unit(7)
    await DropFollower(bench.repository, {"prod": bench.cluster}, time.time, every=0.0).follow()
    shown = str(card(await found_of(bench, op)).blocks)
    assert re.search(r"disk #7, dropped, as of <!date[^>]*>: \*do not pull: 1 unit\*", shown)


async def test_series_ends_when_its_approval_is_too_old(bench: Bench) -> None:
    op, series = await running_series(bench, DisksOffline((7, 9)))
    series.clock = lambda: time.time() + MAX_AGE + 60.0
    await series.advance()
    found = await found_of(bench, op)
    assert (found.state, bench.sent) == (OpState.FAILED, [])
    assert found.history[-1].fact == stopped(op, ApprovalTooOld())


async def test_series_ends_at_a_margin_that_its_card_did_not_show(bench: Bench) -> None:
    op, series = await running_series(bench, DisksOffline((7, 9)))
    break_beside(bench, 2)
    await series.advance()
    found = await found_of(bench, op)
    assert (found.state, bench.sent) == (OpState.FAILED, [])
    ended = found.history[-1].fact
    assert isinstance(ended, SeriesEnded)
    assert isinstance(ended.why, ChecksRefuse)
    assert "volumes" in [check.key for check in ended.why.checks]


async def test_disks_of_other_replicas_leave_place_for_own_ones(bench: Bench) -> None:
    op = await bench.run(DiskOffline(7))
    for _ in range(MAX_FOLLOWED):
        await bench.repository.open(replace(op, id=0, version=0, cluster="other"))
    bench.simulated.drop_disk(9)
    mine = await bench.repository.open(replace(op, id=0, version=0, request=DiskOffline(9)))
    follower = DropFollower(bench.repository, {"prod": bench.cluster, "other": bench.cluster}, time.time, every=0.0)
    await follower.follow(lambda name: holds_every_cluster(name) if name == "prod" else None)
    assert (await found_of(bench, mine)).seen.drop is not None
