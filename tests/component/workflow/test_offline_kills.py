"""Disks taken offline by a process that is killed at each of its steps; the next one on the same file ends the work.

A step is a commit, or a request whose reply arrives. Right before a request nothing but the commit before it happened.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.clustermgr.models import DiskStatus
from bot.common.frozen import frozen
from bot.operations.disk_step_facts import DropNotBegun, OfflineStepBegun
from bot.operations.model import Operation, OpState, advance
from bot.operations.requests import DiskOffline, DisksOffline
from bot.operations.step_facts import DiskNow, NotApplied, StepFact
from bot.playground.clustermgr_sim import SimulatedCluster, Timing
from bot.store.database import Store
from bot.workflow.disk_series import DiskSeries
from bot.workflow.drop_progress import DropFollower
from bot.workflow.evaluation import Evaluation, Reevaluation, evaluate
from bot.workflow.executor import Executor
from bot.workflow.repository import OperationRepository

pytestmark = pytest.mark.fast_time
QUICK = Timing(wait=1.0, election=0.4, refresh=0.2, transfer=0.05, collect=0.2, unit_move=0.05)
DISKS = (7, 9)
PATIENCE = 600.0
KILLS = (
    "series running",
    "disk 7 recorded",
    "disk 7 SeriesBegun",
    "disk 7 access answered",
    "disk 7 DiskNow",
    "disk 7 drop answered",
    "disk 7 dropping",
    "disk 7 DropEnded",
    "disk 9 recorded",
    "series SeriesEnded",
)
"""Steps at which a process is killed: all of the first disk, and those of the series around it."""


class Killed(BaseException):
    """End of a process without warning: nothing below catches it."""


@dataclass
class Steps:
    """The steps of all processes, in their order; the first process that takes step `kill_at` is killed right after."""

    kill_at: str = ""
    taken: list[str] = field(default_factory=list)
    killed: bool = False

    def take(self, step: str) -> None:
        self.taken.append(step)
        if step == self.kill_at and not self.killed:
            self.killed = True
            raise Killed


@frozen
class MortalRepository(OperationRepository):
    """Takes a step with each commit; the counts of units that change no state are left out."""

    steps: Steps = field(default_factory=Steps)

    async def _save(self, moved: Operation, **options: Any) -> Operation:
        saved = await OperationRepository._save(self, moved, **options)
        fact = moved.history[-1].fact
        step = f"{fact.step} begins" if isinstance(fact, OfflineStepBegun) else type(fact).__name__
        step = "dropping" if moved.state is OpState.VERIFIED and isinstance(fact, DiskNow) else step
        self.steps.take(f"{_what(moved)} {step if fact else moved.state}")
        return saved

    async def begin_part(
        self, parent: Operation, child: Operation, fact_of: Callable[[int], StepFact]
    ) -> tuple[Operation, Operation]:
        begun = await OperationRepository.begin_part(self, parent, child, fact_of)
        self.steps.take(f"{_what(begun[1])} recorded")
        return begun


class MortalClient(ClustermgrClient):
    """Takes a step with each reply to a change of a disk."""

    steps: Steps

    async def disk_access(self, disk_id: int, *, readonly: bool, at: str | None = None) -> None:
        await super().disk_access(disk_id, readonly=readonly, at=at)
        self.steps.take(f"disk {disk_id} access answered")

    async def disk_drop(self, disk_id: int, *, at: str | None = None) -> None:
        await super().disk_drop(disk_id, at=at)
        self.steps.take(f"disk {disk_id} drop answered")


def _what(op: Operation) -> str:
    return f"disk {op.request.disk_id}" if isinstance(op.request, DiskOffline) else "series"


@dataclass
class Process:
    store: Store
    cluster: Cluster
    repository: MortalRepository

    async def live(self) -> None:
        """Approve the series unless that is done, and look for work every five seconds until there is none."""
        executor = Executor(self.repository, {"prod": self.cluster}, time.time, verify_within=2.0)
        series = DiskSeries(self.repository, executor, {"prod": self.cluster}, time.time, every=0.0)
        follower = DropFollower(self.repository, {"prod": self.cluster}, time.time, every=0.0)
        for op in await self.repository.in_state(OpState.WAITING):
            evaluation = await evaluate(self.cluster, op.request, (), patient=True)
            again = partial(evaluate, self.cluster, op.request, (), patient=True)
            await executor.start(op, self.cluster, Reevaluation(evaluation, again, self._end), by="U0BEN")
        while not await self._is_done():
            await executor.settle_unfinished()
            await follower.follow()
            await series.advance()
            await asyncio.sleep(5)

    @staticmethod
    async def _end(_op: Operation, _found: Evaluation | str) -> Operation | None:
        return None

    async def _is_done(self) -> bool:
        ops = await self.repository.recent("prod", 50)
        followed = [op for op in ops if op.state is OpState.VERIFIED and isinstance(op.request, DiskOffline)]
        return all(op.final for op in ops) and all(op.seen.drop and op.seen.drop.over for op in followed)


@dataclass
class Outcome:
    """The operations in their order, the changes that the cluster saw, the dropped disks, and the steps taken."""

    operations: list[Operation]
    sent: list[tuple[str, int]]
    dropped: tuple[int, ...]
    steps: list[str]
    killed: bool


async def ended(folder: Path, kill_at: str) -> Outcome:
    """Let processes take the disks offline; the first one is killed after that step."""
    url, steps = f"sqlite:///{folder}/cmbot.db", Steps(kill_at)
    async with SimulatedCluster(schedulers=1, timing=QUICK) as simulated:
        async with Store.open(url) as store:
            await store.migrate()
            async with ClustermgrClient(simulated.hosts) as api:
                cluster, request, now = Cluster("prod", "C0OPS", api, time.time, 5.0), DisksOffline(DISKS), time.time()
                seen = (await evaluate(cluster, request, (), patient=True)).seen
                op = Operation("prod", request, "U0ANNA", now, now + 900.0, channel="C0OPS", seen=seen)
                await OperationRepository(store, lambda: None, time.time).open(advance(op, OpState.WAITING, at=now))
        for name in ("p1", "p2"):
            with suppress(Killed):
                async with process(url, simulated, steps, name) as alive, asyncio.timeout(PATIENCE):
                    await alive.live()
        async with Store.open(url) as store, store.read() as uow:
            operations = sorted(await uow.operations.recent(50), key=lambda op: op.id)
    sent = [(seen.path, json.loads(seen.body)["disk_id"]) for seen in simulated.log.matching("POST")]
    dropped = tuple(disk.disk_id for disk in simulated.data.disks.values() if disk.status == DiskStatus.DROPPED)
    return Outcome(operations, sent, dropped, steps.taken, steps.killed)


@asynccontextmanager
async def process(url: str, simulated: SimulatedCluster, steps: Steps, name: str) -> AsyncIterator[Process]:
    async with Store.open(url) as store, MortalClient(simulated.hosts) as api:
        api.steps = steps
        repository = MortalRepository(store, lambda: None, time.time, name, steps=steps)
        yield Process(store, Cluster("prod", "C0OPS", api, time.time, 5.0), repository)


@pytest.mark.parametrize("kill_at", KILLS)
async def test_process_killed_at_a_step_leaves_disks_that_the_next_one_drops(tmp_path: Path, kill_at: str) -> None:
    outcome = await ended(tmp_path, kill_at)
    assert outcome.killed
    assert outcome.sent == [(path, disk) for disk in DISKS for path in ("/disk/access", "/disk/drop")]
    assert [op.state for op in outcome.operations] == [OpState.VERIFIED] * 3
    assert outcome.dropped == DISKS


@pytest.mark.parametrize(
    ("kill_at", "sent", "fact"),
    [
        ("disk 7 readonly begins", [], NotApplied),
        ("disk 7 drop begins", [("/disk/access", 7)], DropNotBegun),
    ],
)
async def test_recorded_request_that_never_left_is_not_sent_later(
    tmp_path: Path, kill_at: str, sent: list[tuple[str, int]], fact: type[StepFact]
) -> None:
    """Nothing tells it from one that is under way; the series ends, and its other disk stays as it is."""
    outcome = await ended(tmp_path, kill_at)
    assert outcome.killed
    assert outcome.sent == sent
    assert [op.state for op in outcome.operations] == [OpState.FAILED] * 2
    assert isinstance(outcome.operations[1].history[-1].fact, fact)
    assert outcome.dropped == ()


async def test_steps_of_an_undisturbed_process_are_those_at_which_it_is_killed(tmp_path: Path) -> None:
    outcome = await ended(tmp_path, "")
    own = [step for step in outcome.steps if not step.startswith("disk 9") or step == "disk 9 recorded"]
    assert sorted(own) == sorted([*KILLS, "disk 7 readonly begins", "disk 7 drop begins"])
    assert len(set(outcome.steps)) == len(outcome.steps)
