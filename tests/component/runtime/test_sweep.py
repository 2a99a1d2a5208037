"""The jobs that look after operations: they look further only when an operation needs it."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.clustermgr.read_pace import ReadPace
from bot.operations.model import TRANSITIONS, Operation, OpState
from bot.operations.requests import TaskSwitch
from bot.runtime.jobs import follow_disks, sweep
from bot.runtime.parts import App
from bot.store.database import Store
from bot.telemetry.metrics import Metrics
from bot.views.step_text import WORDING
from bot.watch.admission import Admission

SWITCH = Operation("prod", TaskSwitch("balance", on=False), "U1", 100.0, 1000.0, channel="C1")
ALWAYS = ["compare_settled", "retry_closed_channels", "follow"]
OF_OPEN = ["expire_undecided", "settle_unfinished", "end_due", "advance"]


class Steps:
    """The steps of the jobs, in the order in which they ran; this replica holds each cluster."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def __getattr__(self, name: str) -> Any:
        async def step(*_: object) -> None:
            self.ran.append(name)

        return step


async def steps_of(store: Store) -> list[str]:
    """Run both jobs; return the steps that ran."""
    steps = Steps()
    parts = SimpleNamespace(
        store=store,
        clock=lambda: 200.0,
        metrics=Metrics(),
        watches={},
        clusters={},
        admission=Admission({"prod": 15.0}, lambda: 0.0),
        read_pace=ReadPace(lambda: 0.0),
        membership=SimpleNamespace(active_replicas=1, active=True, alone=True, holds={}, check_of_cluster=None),
        executor=steps,
        reversions=steps,
        drop_follower=steps,
        disk_series=steps,
        fallback=steps,
        dispatcher=steps,
        task_queue=SimpleNamespace(start=lambda work: work.close()),
        intake=None,
        outputs=None,
        receivers=None,
    )
    await sweep(cast("App", parts))
    await follow_disks(cast("App", parts))
    return steps.ran


async def add(store: Store, op: Operation) -> None:
    async with store.begin() as uow:
        await uow.operations.add(op, WORDING)


async def test_without_operations_only_what_needs_none_runs(store: Store) -> None:
    assert sorted(await steps_of(store)) == sorted(ALWAYS)


@pytest.mark.parametrize("state", sorted(set(OpState) - set(TRANSITIONS)))
async def test_ended_operation_needs_no_step(store: Store, state: OpState) -> None:
    await add(store, replace(SWITCH, state=state))
    assert sorted(await steps_of(store)) == sorted(ALWAYS)


@pytest.mark.parametrize("state", sorted(TRANSITIONS))
async def test_operation_that_is_not_final_is_looked_after(store: Store, state: OpState) -> None:
    await add(store, replace(SWITCH, state=state))
    assert sorted(await steps_of(store)) == sorted(ALWAYS + OF_OPEN)


async def test_operation_with_a_lease_is_looked_after(store: Store) -> None:
    await add(store, replace(SWITCH, state=OpState.VERIFIED, lease_until=500.0))
    assert sorted(await steps_of(store)) == sorted(ALWAYS + OF_OPEN)
