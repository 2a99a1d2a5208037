"""One change at a time: the database lets only one operation hold a lock on a cluster."""

import asyncio
from dataclasses import replace

import pytest

from bot.common.errors import Conflict
from bot.operations.model import Operation, OpState, StepKind, advance, note
from bot.operations.policy import Need, Policy, Terms
from bot.operations.requests import (
    DiskAccess,
    DiskBroken,
    DiskOffline,
    DisksOffline,
    LeaderTransfer,
    MemberRemove,
    NodeOffline,
    TaskSwitch,
)
from bot.operations.step_facts import ApprovalProgress
from bot.store.database import Store
from bot.views.step_text import WORDING

REMOVE = Operation("prod", MemberRemove(3), "U1", 100.0, 1000.0, channel="C1")
SWITCH = Operation("prod", TaskSwitch("balance", on=False), "U1", 100.0, 1000.0, channel="C1")


def waiting(op: Operation) -> Operation:
    return advance(op, OpState.WAITING, at=101.0)


async def add(store: Store, op: Operation) -> Operation:
    async with store.begin() as uow:
        return await uow.operations.add(op, WORDING)


async def test_one_of_ten_concurrent_membership_changes_succeeds(store: Store) -> None:
    async def propose(turn: int) -> bool:
        request = LeaderTransfer(3) if turn % 2 else MemberRemove(3)
        try:
            await add(store, waiting(replace(REMOVE, request=request)))
        except Conflict:
            return False
        return True

    assert sorted(await asyncio.gather(*map(propose, range(10)))) == [False] * 9 + [True]


async def test_other_clusters_tasks_and_final_operations_do_not_block(store: Store) -> None:
    first = await add(store, waiting(REMOVE))
    await add(store, waiting(replace(REMOVE, cluster="test")))
    await add(store, waiting(SWITCH))
    await add(store, waiting(replace(SWITCH, request=TaskSwitch("disk_drop", on=True))))
    await add(store, advance(REMOVE, OpState.BLOCKED, at=101.0))
    with pytest.raises(Conflict):
        await add(store, waiting(SWITCH))
    async with store.begin() as uow:
        await uow.operations.save(advance(first, OpState.CANCELLED, at=102.0), WORDING)
        await uow.operations.add(waiting(REMOVE), WORDING)


async def test_one_change_of_each_disk_beside_a_membership_change_is_kept(store: Store) -> None:
    await add(store, waiting(REMOVE))
    await add(store, waiting(replace(REMOVE, request=DiskOffline(7))))
    await add(store, waiting(replace(REMOVE, request=DiskOffline(8))))
    await add(store, waiting(replace(REMOVE, request=DisksOffline((1, 2)))))
    for request in (DiskOffline(7), DiskBroken(7), DiskAccess(8, readonly=False), NodeOffline("10.0.1.2:8889")):
        with pytest.raises(Conflict):
            await add(store, waiting(replace(REMOVE, request=request)))


@pytest.mark.parametrize("state", [OpState.RUNNING, OpState.UNKNOWN])
async def test_running_and_unknown_operations_block(store: Store, state: OpState) -> None:
    await add(store, replace(waiting(REMOVE), state=state))
    with pytest.raises(Conflict):
        await add(store, waiting(REMOVE))


async def test_approvals_terms_and_leases_round_trip(store: Store) -> None:
    op = replace(
        waiting(SWITCH),
        terms=Terms(Policy(approvals=2), (Need("approver", 1),)),
        card=7,
        lease_until=500.5,
        warn_at=400.0,
    )
    noted = await add(store, op)
    once = note(noted, at=102.0, by="U2", kind=StepKind.APPROVED, fact=ApprovalProgress(1, 2), approvals=("U2",))
    async with store.begin() as uow:
        await uow.operations.save(once, WORDING)
    async with store.read() as uow:
        assert await uow.operations.get(noted.id) == once
        assert await uow.operations.time_limited() == [once]
        assert await uow.operations.time_limited("test") == []
        assert await uow.operations.of_card(7) == once
        assert await uow.operations.of_card(8) is None
