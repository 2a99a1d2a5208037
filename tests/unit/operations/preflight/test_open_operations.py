"""An open operation keeps every other operation of its kind off its cluster, and of its disks off these disks."""

import pytest

from bot.operations.model import Operation, OpState, lock_of
from bot.operations.preflight.check import preflight
from bot.operations.preflight.context import PreflightContext, open_operation
from bot.operations.preflight.facts.leadership import OperationOpen
from bot.operations.preflight.verdict import CheckLevel
from bot.operations.requests import (
    DiskAccess,
    DiskBroken,
    DiskOffline,
    DisksOffline,
    LeaderTransfer,
    MemberAdd,
    MemberRemove,
    NodeDrop,
    NodeOffline,
    OpKind,
    Request,
    TaskSwitch,
)
from bot.views.preflight_text.leadership import operation_open
from bot.views.preflight_text.table import check_text
from tests.docgen.cluster_fixture import Scene
from tests.docgen.disk_fixture import DiskScene

REQUESTS: dict[OpKind, Request] = {
    OpKind.TASK_SWITCH: TaskSwitch("balance", on=False),
    OpKind.MEMBER_ADD: MemberAdd(4, "cm4:10110", "cm4:9998"),
    OpKind.MEMBER_REMOVE: MemberRemove(3),
    OpKind.LEADER_TRANSFER: LeaderTransfer(2),
    OpKind.DISK_ACCESS: DiskAccess(7, readonly=True),
    OpKind.DISK_BROKEN: DiskBroken(7),
    OpKind.DISK_OFFLINE: DiskOffline(7),
    OpKind.DISKS_OFFLINE: DisksOffline((7, 8)),
    OpKind.NODE_OFFLINE: NodeOffline("10.0.1.2:8889"),
    OpKind.NODE_DROP: NodeDrop(2),
}
DISK = DiskOffline(7)


def blocked_by(request: Request, open_: Request, state: OpState = OpState.WAITING) -> str:
    """The sentence of the check for open operations if it refuses, else ""."""
    other = open_operation(Operation("prod", open_, "U1", 1.0, 2.0, state, id=7))
    facts = PreflightContext(operations=(other,), disks=DiskScene().facts())
    check = preflight(request, *Scene().snapshots(), facts=facts).check("operations")
    assert check is not None
    return check_text(check).sentence if check.level is CheckLevel.BLOCK else ""


@pytest.mark.parametrize("state", [OpState.WAITING, OpState.RUNNING, OpState.UNKNOWN])
@pytest.mark.parametrize("kind", OpKind)
def test_open_operation_blocks_another_of_its_kind(kind: OpKind, state: OpState) -> None:
    assert "#7" in blocked_by(REQUESTS[kind], REQUESTS[kind], state)


@pytest.mark.parametrize(
    "open_",
    [DiskAccess(7, readonly=False), DiskBroken(7), DisksOffline((6, 7)), NodeOffline("10.0.1.2:8889")],
    ids=repr,
)
def test_operation_on_the_disk_blocks_another_on_it(open_: Request) -> None:
    assert blocked_by(DISK, open_)
    assert blocked_by(open_, DISK)


@pytest.mark.parametrize(
    "open_",
    [
        DiskOffline(8),
        DisksOffline((1, 2)),
        NodeOffline("10.0.1.3:8889"),
        MemberRemove(3),
        LeaderTransfer(2),
        TaskSwitch("disk_drop", on=False),
    ],
    ids=repr,
)
def test_operation_on_other_things_does_not_block(open_: Request) -> None:
    assert not blocked_by(DISK, open_)
    assert not blocked_by(open_, DISK)


def test_several_disks_are_taken_offline_by_one_operation_at_a_time() -> None:
    assert blocked_by(DisksOffline((1, 2)), DisksOffline((7, 8)))
    assert blocked_by(NodeOffline("10.0.1.3:8889"), DisksOffline((1, 2)))
    assert {lock_of(request) for request in (DisksOffline((1,)), NodeOffline("h:1"))} == {"disks"}
    assert lock_of(NodeDrop(2)) == "node:2"


def test_locks_of_one_disk_are_equal_for_every_change_of_it() -> None:
    assert {lock_of(request) for request in (DiskAccess(7, readonly=True), DiskBroken(7), DISK)} == {"disk:7"}
    assert lock_of(DiskOffline(8)) == "disk:8"


def test_unknown_operation_in_the_way_names_the_command_that_settles_it() -> None:
    text = operation_open(OperationOpen(12, OpKind.NODE_DROP, OpState.UNKNOWN, ""))
    assert "/cm op settle 12" in text.next_step
    assert "settle" not in operation_open(OperationOpen(12, OpKind.NODE_DROP, OpState.RUNNING, "")).next_step
