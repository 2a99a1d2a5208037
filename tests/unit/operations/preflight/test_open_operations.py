"""An open operation keeps every other operation of its kind off its cluster."""

import pytest

from bot.operations.model import OpState
from bot.operations.preflight.check import preflight
from bot.operations.preflight.context import OpenOperation, PreflightContext
from bot.operations.preflight.verdict import CheckLevel
from bot.operations.requests import LeaderTransfer, MemberAdd, MemberRemove, OpKind, Request, TaskSwitch
from bot.views.preflight_text.table import check_text
from tests.docgen.cluster_fixture import Scene

REQUESTS: dict[OpKind, Request] = {
    OpKind.TASK_SWITCH: TaskSwitch("balance", on=False),
    OpKind.MEMBER_ADD: MemberAdd(4, "cm4:10110", "cm4:9998"),
    OpKind.MEMBER_REMOVE: MemberRemove(3),
    OpKind.LEADER_TRANSFER: LeaderTransfer(2),
}


@pytest.mark.parametrize("state", [OpState.WAITING, OpState.RUNNING, OpState.UNKNOWN])
@pytest.mark.parametrize("kind", OpKind)
def test_open_operation_blocks_another_of_its_kind(kind: OpKind, state: OpState) -> None:
    request = REQUESTS[kind]
    other = OpenOperation(7, kind, state, request.task if isinstance(request, TaskSwitch) else "")
    check = preflight(request, *Scene().snapshots(), facts=PreflightContext(operations=(other,))).check("operations")
    assert check is not None
    assert check.level is CheckLevel.BLOCK
    assert "#7" in check_text(check).sentence
