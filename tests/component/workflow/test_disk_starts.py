"""Two replicas that start a change of disks at one moment: one goes on, and the other is refused and names it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bot.operations.disk_series import SERIES
from bot.operations.model import Operation, OpState
from bot.operations.preflight.context import open_operation
from bot.operations.preflight.verdict import CheckLevel
from bot.operations.requests import DiskBroken, DiskOffline, DisksOffline, Request
from bot.operations.step_facts import ChecksRefuse, ClusterMoved
from bot.operations.supersede import difference_from, has_moved
from bot.store.database import Store
from bot.views.step_text import event_text
from bot.workflow.evaluation import Evaluation, Reevaluation, evaluate
from bot.workflow.repository import OperationRepository
from tests.component.workflow.test_disk_offline_run import Bench, bench, found_of

__all__ = ["bench"]
pytestmark = pytest.mark.fast_time


class Race:
    """Both operations are running before one of them is evaluated again; then they are, in that order or together."""

    def __init__(self, first: int | None) -> None:
        self._first = first
        self._running = 0
        self._both, self._over = asyncio.Event(), asyncio.Event()

    async def turn(self, number: int) -> None:
        """Wait for the turn of a runner to be evaluated."""
        self._running += 1
        if self._running == 2:
            self._both.set()
        await self._both.wait()
        if self._first not in {None, number}:
            await self._over.wait()

    async def run(self, number: int, bench: Bench, op: Operation, evaluation: Evaluation) -> Operation:
        """Start an operation as the approval of a card does."""

        async def again() -> Evaluation:
            await self.turn(number)
            others = await bench.repository.beside(op)
            return await evaluate(bench.cluster, op.request, others, patient=True)

        async def end(running: Operation, found: Evaluation | str) -> Operation | None:
            assert not isinstance(found, str)
            if not has_moved(running, found.verdict):
                return None
            blocks = found.verdict.of_level(CheckLevel.BLOCK)
            fact = ChecksRefuse(blocks) if blocks else ClusterMoved(difference_from(running, found.verdict))
            return await bench.repository.move(running, OpState.BLOCKED, fact=fact)

        try:
            return await bench.executor.start(op, bench.cluster, Reevaluation(evaluation, again, end))
        finally:
            if number == self._first:
                self._over.set()


@asynccontextmanager
async def second_replica(bench: Bench, url: str) -> AsyncIterator[Bench]:
    """Another process on the same database, with its own connections."""
    async with Store.open(url, clock=time.time) as store:
        repository = OperationRepository(store, lambda: None, time.time, "p2")
        yield Bench(bench.simulated, bench.cluster, repository)


def volume_mates(bench: Bench) -> tuple[DiskBroken, DiskBroken]:
    """Breaks of two disks of one volume, on two hosts."""
    data = bench.simulated.data
    pairs = (sorted(volume.disks() - {7}) for volume in data.volumes.by_vid.values() if 7 in volume.disks())
    other = next(disk for disks in pairs for disk in disks if data.disks[disk].host != data.disks[7].host)
    return DiskBroken(7), DiskBroken(other)


def disks_of(op: Operation) -> tuple[int, ...]:
    """The disks that an operation changes."""
    return open_operation(op).disks


@pytest.mark.parametrize("first", [0, 1, None], ids=["lower first", "higher first", "together"])
@pytest.mark.parametrize("case", ["two of a host", "two of a volume", "one and several"])
async def test_one_of_two_changes_of_disks_at_one_moment_goes_on(
    bench: Bench, database_url: str, case: str, first: int | None
) -> None:
    cases: dict[str, tuple[Request, Request]] = {
        "two of a host": (DiskOffline(7), DiskOffline(8)),
        "two of a volume": volume_mates(bench),
        "one and several": (DiskOffline(8), DisksOffline((7, 8))),
    }
    async with second_replica(bench, database_url) as other:
        replicas, race = (bench, other), Race(first)
        ops = [await each.waiting(request) for each, request in zip(replicas, cases[case], strict=True)]
        ended = await asyncio.gather(*(race.run(number, replicas[number], *ops[number]) for number in (0, 1)))
    good = [op for op in ended if op.state in {OpState.VERIFIED, OpState.RUNNING}]
    refused = [op for op in ended if op.state is OpState.BLOCKED]
    assert (len(good), len(refused)) == (1, 1), [event_text(op.history[-1]) for op in ended]
    (winner,), (loser,) = good, refused
    assert winner.options.begun_after == ()
    assert loser.options.begun_after == (winner.id,)
    shows_up = winner.state is OpState.VERIFIED and first is not None
    named = {f"operation #{winner.id}", *(f"disk #{disk}" for disk in disks_of(winner) if shows_up)}
    text = event_text(loser.history[-1]).lower()
    assert any(name in text for name in named) or (shows_up and "3 → 2" in text), text
    assert len(bench.sent) == (0 if winner.kind in SERIES else 2 if isinstance(winner.request, DiskOffline) else 1)


async def test_of_two_overlapping_cards_the_one_proposed_first_may_be_approved(bench: Bench) -> None:
    first, _ = await bench.waiting(DiskOffline(8))
    second, _ = await bench.waiting(DisksOffline((7, 8)))
    assert await bench.repository.beside(first) == []
    assert [op.id for op in await bench.repository.beside(second)] == [first.id]


async def test_operation_that_began_before_counts_until_it_ends(bench: Bench) -> None:
    """Only what saw this one running leaves it alone: everything else that may be under way counts."""
    first, _ = await bench.waiting(DiskOffline(7))
    second, _ = await bench.waiting(DiskOffline(9))
    first = await bench.repository.move(first, OpState.RUNNING, by="U0BEN")
    second = await replace(bench.repository, owner="p2").move(second, OpState.RUNNING, by="U0BEN")
    assert await bench.repository.beside(first) == []
    assert [op.id for op in await bench.repository.beside(first, start=0)] == [second.id]
    assert [op.id for op in await bench.repository.beside(second)] == [first.id]
    await bench.repository.move(second, OpState.UNKNOWN)
    assert [op.id for op in await bench.repository.beside(first)] == [second.id]
    assert (await found_of(bench, second)).options.begun_after == (first.id,)
