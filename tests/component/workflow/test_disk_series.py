"""A series of disks in bad moments: it waits for what passes, and ends with the way on for what does not."""

import time
from collections.abc import Callable
from dataclasses import field, replace
from functools import partial

import pytest

from bot.clustermgr import disk_reader
from bot.clustermgr.disk_facts import DiskLimits
from bot.common.frozen import frozen
from bot.operations.change_request import RequestOptions
from bot.operations.disk_series import MAX_AGE, part
from bot.operations.disk_step_facts import DropNotBegun, PartAgain, PartBegun, PartSkipped, PartWaits, ReadonlyBefore
from bot.operations.model import Operation, OpState, StepKind, advance
from bot.operations.preflight.facts.disks import JudgedInTurns
from bot.operations.requests import DiskOffline, DisksOffline, NodeOffline
from bot.operations.step_facts import ChecksRefuse, DiskNow, StepFact
from bot.playground.clustermgr_sim import SimulatedCluster
from bot.store.database import Store
from bot.views.operations import card
from bot.workflow.disk_series import DiskSeries
from bot.workflow.drop_progress import DropFollower
from bot.workflow.evaluation import evaluate
from bot.workflow.repository import OperationRepository
from tests.component.clustermgr.test_disk_reader import NODE, dense_node
from tests.component.workflow.test_disk_offline_run import (
    BOTH,
    Bench,
    bench,
    bench_of,
    break_beside,
    empty,
    found_of,
    running_series,
)
from tests.support.view_samples import seen

__all__ = ["bench"]
pytestmark = pytest.mark.fast_time
Weather = Callable[[SimulatedCluster], None]


@frozen
class Weathered(OperationRepository):
    """A repository that calls `then` once, right after a part is stored, or after a fact of that kind."""

    then: Callable[[], None] = lambda: None
    after: type[StepFact] = PartBegun
    done: list[bool] = field(default_factory=list)

    def _turn(self, fact: StepFact | None) -> None:
        if isinstance(fact, self.after) and not self.done:
            self.done.append(True)
            self.then()

    async def begin_part(
        self, parent: Operation, child: Operation, fact_of: Callable[[int], StepFact]
    ) -> tuple[Operation, Operation]:
        """Store a part."""
        stored = await OperationRepository.begin_part(self, parent, child, fact_of)
        self._turn(fact_of(0))
        return stored

    async def note(self, op: Operation, **step: object) -> Operation:
        """Record a step."""
        noted = await OperationRepository.note(self, op, **step)  # type: ignore[arg-type]
        self._turn(noted.history[-1].fact)
        return noted


def weathered(bench: Bench, series: DiskSeries, weather: Weather, after: type[StepFact]) -> None:
    """Let the weather come over the cluster at that step of a series."""
    known = bench.repository
    repository = Weathered(
        known.store, known.wake, known.clock, known.owner, then=lambda: weather(bench.simulated), after=after
    )
    series.repository = series.executor.repository = repository


def switch_off(simulated: SimulatedCluster) -> None:
    simulated.set_switch("disk_drop", "false")


def switch_on(simulated: SimulatedCluster) -> None:
    simulated.set_switch("disk_drop", "true")


def silent(simulated: SimulatedCluster) -> None:
    simulated.fail_next(500, 10_000, "/disk/info")


def unread(simulated: SimulatedCluster) -> None:
    simulated.fail_next(500, 10_000, "/volume/unit/list")


def clear(simulated: SimulatedCluster) -> None:
    simulated.faults.clear()


@pytest.mark.parametrize(
    ("weather", "better"),
    [(switch_off, switch_on), (silent, clear), (unread, clear)],
    ids=["switch off", "disk not read", "units not read"],
)
async def test_part_that_met_a_bad_moment_begins_again(bench: Bench, weather: Weather, better: Weather) -> None:
    op, series = await running_series(bench, DisksOffline((7, 9)))
    weathered(bench, series, weather, PartBegun)
    await series.advance()
    await series.advance()
    found = await found_of(bench, op)
    assert (found.state, bench.sent) == (OpState.RUNNING, [])
    assert isinstance(found.history[-1].fact, PartAgain)
    text = seen(card(found))
    assert "disk #7 is next again" in text
    assert "Cancel the rest" in text
    better(bench.simulated)
    await series.advance()
    assert bench.sent == BOTH


async def test_part_that_lost_its_second_step_to_a_bad_moment_takes_it_later(bench: Bench) -> None:
    op, series = await running_series(bench, DisksOffline((7, 9)))
    weathered(bench, series, switch_off, DiskNow)
    await series.advance()
    (child,) = [each for each in await bench.repository.recent("prod", 9) if each.options.part_of]
    ended = child.history[-1].fact
    assert (child.state, bench.sent) == (OpState.FAILED, BOTH[:1])
    assert isinstance(ended, DropNotBegun)
    await series.advance()
    await series.advance()
    waits = (await found_of(bench, op)).history[-1].fact
    assert isinstance(waits, PartWaits)
    assert [check.key for check in waits.checks] == ["task"]
    switch_on(bench.simulated)
    await series.advance()
    assert bench.sent == BOTH
    (second, _) = [each for each in await bench.repository.recent("prod", 9) if each.options.part_of]
    assert second.state is OpState.VERIFIED
    assert ReadonlyBefore(7) in [event.fact for event in second.history]


async def test_part_with_a_final_reason_ends_the_series_with_the_way_on(bench: Bench) -> None:
    op, series = await running_series(bench, DisksOffline((7, 9)))
    weathered(bench, series, lambda simulated: simulated.break_disk(7), PartBegun)
    await series.advance()
    await series.advance()
    found = await found_of(bench, op)
    assert (found.state, bench.sent) == (OpState.FAILED, [])
    assert "`/cm disk offline 7 9 prod reason=…`" in seen(card(found))


async def test_age_of_the_approval_counts_from_the_approval(bench: Bench) -> None:
    """Steps that only say why a disk waits make an approval no younger."""
    op, series = await running_series(bench, DisksOffline((7, 9)))
    approved = op.history[-1].at
    later = approved + MAX_AGE - 600.0
    series.repository = series.executor.repository = replace(bench.repository, clock=lambda: later)
    series.clock = lambda: later
    switch_off(bench.simulated)
    await series.advance()
    assert isinstance((await found_of(bench, op)).history[-1].fact, PartWaits)
    switch_on(bench.simulated)
    series.clock = lambda: approved + MAX_AGE + 60.0
    await series.advance()
    found = await found_of(bench, op)
    assert (found.state, bench.sent) == (OpState.FAILED, [])
    text = seen(card(found))
    assert "the approval is too old: propose the rest again" in text
    assert "`/cm disk offline 7 9 prod reason=…`" in text


async def test_smaller_margin_stops_a_series_that_has_begun_with_the_way_on(bench: Bench) -> None:
    op, series = await running_series(bench, DisksOffline((9, 7)))
    await series.advance()
    await empty(bench, 9)
    sent = list(bench.sent)
    break_beside(bench, 2)
    await series.advance()
    found = await found_of(bench, op)
    assert (found.state, bench.sent) == (OpState.FAILED, sent)
    text = seen(card(found))
    assert "disk #9 was begun; disk #7 stays as it is" in text
    assert "`/cm disk offline 7 prod reason=…`" in text


async def test_break_glass_between_the_steps_lifts_only_what_its_card_shows(bench: Bench) -> None:
    switch_off(bench.simulated)
    options = RequestOptions(forced=True)
    made = await evaluate(bench.cluster, DiskOffline(7), (), options, patient=True)
    now = time.time()
    op = Operation("prod", DiskOffline(7), "U0ANNA", now, now + 900.0, options=options, channel="C0", seen=made.seen)
    op = await bench.repository.open(advance(op, OpState.WAITING, at=now, kind=StepKind.PROPOSED))
    op = await replace(bench.repository, owner="stopped").move(op, OpState.RUNNING, by="U0BEN")
    services = bench.simulated.data.services
    services[:] = [each for each in services if each.name != "SCHEDULER"]
    await bench.executor.settle_unfinished()
    found = await found_of(bench, op)
    refused = found.history[-1].fact
    assert (found.state, bench.sent) == (OpState.BLOCKED, [])
    assert isinstance(refused, ChecksRefuse)
    assert [check.key for check in refused.checks] == ["scheduler"]


async def test_effects_of_a_disk_operation_are_read_from_the_leader(bench: Bench) -> None:
    """Another host may show an older state, or the disks of another group."""
    await bench.simulated.elect(2)
    await bench.run(DiskOffline(7))
    reads = [each for each in bench.simulated.log.matching("GET") if each.path in {"/disk/info", "/disk/droppinglist"}]
    assert bench.sent == BOTH
    assert {each.node for each in reads} == {2}


@pytest.mark.parametrize("lost", [False, True], ids=["healthy", "volumes lose two units"])
async def test_disk_of_a_dense_node_is_judged_fully_at_its_turn(store: Store, lost: bool) -> None:
    """The card of a node of 80 disks says whose volumes are judged now, and whose at their turn."""
    async with bench_of(store, "master", dense_node(80, 25)) as bench:
        op, series = await running_series(bench, NODE)
        assert op.seen.verdict is not None
        turns = op.seen.verdict.check("turns")
        assert turns is not None
        assert isinstance(turns.fact, JudgedInTurns)
        assert "and the volumes of disks #101, #102" in seen(card(replace(op, state=OpState.WAITING)))
        for disk in turns.fact.now:
            op = await bench.repository.note(op, fact=PartSkipped(disk))
        late, data = turns.fact.later[0], bench.simulated.data
        held = next(volume.disks() for volume in data.volumes.by_vid.values() if late in volume.disks())
        bench.cluster.disk_limits = DiskLimits(9, 9, 10)
        for disk in sorted(held - {late})[: 2 if lost else 0]:
            bench.simulated.break_disk(disk)
        await series.advance()
        found = await found_of(bench, op)
        if not lost:
            assert bench.sent == [
                ("/disk/access", {"disk_id": late, "readonly": True}),
                ("/disk/drop", {"disk_id": late}),
            ]
            return
        assert (found.state, bench.sent) == (OpState.FAILED, [])
        text = seen(card(found))
        assert "can lose 1 more unit" in text
        assert "`/cm node offline 10.9.0.1:8899 prod reason=…`" in text


async def test_break_glass_lifts_no_volumes_of_a_disk_that_is_judged_at_its_turn(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card showed volumes of disk 7 that were not read; those of disk 9 were left to its turn."""
    monkeypatch.setattr(disk_reader, "VOLUMES_NOW", 1)
    for path in ("/volume/get", "/volume/list"):
        bench.simulated.fail_next(500, 10_000, path)
    op, series = await running_series(bench, DisksOffline((7, 9)), forced=True)
    assert op.seen.verdict is not None
    turns, lifted = op.seen.verdict.check("turns"), op.seen.verdict.check("volumes_unread")
    assert turns is not None
    assert lifted is not None
    assert (turns.fact, lifted.forced) == (JudgedInTurns((7,), (9,)), True)
    await series.advance()
    assert bench.sent == BOTH
    await empty(bench, 7)
    await series.advance()
    found = await found_of(bench, op)
    waits = found.history[-1].fact
    assert (found.state, bench.sent) == (OpState.RUNNING, BOTH)
    assert isinstance(waits, PartWaits)
    assert (waits.disk, [check.key for check in waits.checks]) == (9, ["volumes_unread"])
    clear(bench.simulated)
    await series.advance()
    assert bench.sent == [*BOTH, ("/disk/access", {"disk_id": 9, "readonly": True}), ("/disk/drop", {"disk_id": 9})]


# --- a series that waits


async def node_with_one_disk(bench: Bench) -> tuple[Operation, DiskSeries]:
    """A running series of a blobnode that has disk 5 alone; its drop has begun and cannot end."""
    data = bench.simulated.data
    for disk in data.disks.values():
        disk.idc = "z0"
    for number in (6, 7, 8):
        data.disks[number].status = 5
        bench.simulated.move_chunks(number, 0)
    bench.simulated.recount()
    op, series = await running_series(bench, NodeOffline(data.disks[5].host.removeprefix("http://")))
    await series.advance()
    return op, series


async def test_node_whose_disk_is_never_empty_ends_with_its_approval(bench: Bench) -> None:
    op, series = await node_with_one_disk(bench)
    switch_off(bench.simulated)
    await series.advance()
    assert (await found_of(bench, op)).state is OpState.RUNNING
    series.clock = lambda: time.time() + MAX_AGE + 60.0
    await series.advance()
    found = await found_of(bench, op)
    assert found.state is OpState.FAILED
    assert "the approval is too old: propose the rest again" in seen(card(found))


async def test_part_of_an_unknown_outcome_does_not_hold_its_series_for_ever(bench: Bench) -> None:
    op, series = await running_series(bench, DisksOffline((7, 9)))
    op, child = await bench.repository.begin_part(
        op, part(op, DiskOffline(7), op.seen, time.time()), partial(PartBegun, 7)
    )
    child = await bench.repository.move(child, OpState.RUNNING)
    await bench.repository.move(child, OpState.UNKNOWN)
    await series.advance()
    assert (await found_of(bench, op)).state is OpState.RUNNING
    series.clock = lambda: time.time() + MAX_AGE + 60.0
    await series.advance()
    found = await found_of(bench, op)
    assert (found.state, bench.sent) == (OpState.FAILED, [])
    assert "the approval is too old" in seen(card(found))


@pytest.mark.parametrize("flaw", ["no leader", "disk list"])
async def test_card_says_that_the_id_of_the_node_was_not_read(bench: Bench, flaw: str) -> None:
    op, series = await node_with_one_disk(bench)
    await empty(bench, 5)
    await DropFollower(bench.repository, {"prod": bench.cluster}, time.time, every=0.0).follow()
    if flaw == "no leader":
        await bench.simulated.elect(1)
        for node in (1, 2):
            await bench.simulated.kill(node)
    else:
        bench.simulated.fail_next(500, 1_000, "/disk/list")
    await series.advance()
    found = await found_of(bench, op)
    waits = found.history[-1].fact
    assert isinstance(waits, PartWaits)
    assert (waits.disk, [check.key for check in waits.checks]) == (0, ["disks"])
    text = seen(card(found))
    assert "the node is next and waits: The disks of the cluster could not be read" in text
    assert ("prod has no leader at present" in text) == (flaw == "no leader")
    assert "/node/drop" not in [path for path, _ in bench.sent]
    await series.advance()
    assert (await found_of(bench, op)).version == found.version


async def test_reasons_to_wait_that_alternate_are_said_once_an_hour(bench: Bench) -> None:
    op, series = await running_series(bench, DisksOffline((7, 9)))
    services, before = bench.simulated.data.services, list(bench.simulated.data.services)
    steps = []
    for hours in (0.0, 0.0, 0.0, 1.1):
        later = partial(_later, hours)
        series.clock = later
        series.repository = series.executor.repository = replace(bench.repository, clock=later)
        for off in (True, False):
            bench.simulated.set_switch("disk_drop", "false" if off else "true")
            services[:] = before if off else [each for each in before if each.name != "SCHEDULER"]
            await series.advance()
        steps.append(len((await found_of(bench, op)).history))
    assert [step - steps[0] for step in steps] == [0, 0, 0, 2]


def _later(hours: float) -> float:
    return time.time() + 3600.0 * hours
