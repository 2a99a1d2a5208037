"""Settlement: the comparison with the cluster, and the operations that make it prove nothing."""

from dataclasses import replace

import pytest

from bot.operations.model import Event, ObservedState, Operation, OpState, Settlement
from bot.operations.requests import LeaderTransfer, MemberAdd, MemberRemove, Request, TaskSwitch
from bot.operations.settlement import changed_later, contradicts
from bot.operations.step_facts import LegacyWords

FIRST = Operation("prod", MemberRemove(3), "U0ANNA", 0.0, 900.0, id=1)
SENT = (Event(10.0, OpState.RUNNING, "U0BEN", LegacyWords("approved")),)


def test_comparison_needs_a_settlement() -> None:
    with pytest.raises(ValueError, match=r"^operation #1 was not settled$"):
        contradicts(FIRST, there=True, calm=True)


@pytest.mark.parametrize(
    ("done", "there", "calm", "found"),
    [
        (True, True, False, False),
        (True, False, False, None),
        (True, False, True, True),
        (False, False, True, False),
        (False, True, False, True),
    ],
)
def test_effect_proves_at_once_and_its_absence_once_calm(
    done: bool, there: bool, calm: bool, found: bool | None
) -> None:
    settled = replace(FIRST, seen=ObservedState(settlement=Settlement(done, 20.0)))
    assert contradicts(settled, there=there, calm=calm) is found


@pytest.mark.parametrize(
    ("request_", "cluster", "changes"),
    [
        (MemberAdd(3, "cm3:10110", "cm3:9998"), "prod", True),
        (LeaderTransfer(3), "prod", True),
        (MemberRemove(2), "prod", False),
        (MemberRemove(3), "test", False),
        (TaskSwitch("balance", on=True), "prod", False),
    ],
)
def test_later_operation_on_the_same_peer_proves_nothing(request_: Request, cluster: str, changes: bool) -> None:
    later = replace(FIRST, request=request_, cluster=cluster, id=2, state=OpState.VERIFIED, history=SENT)
    assert changed_later(FIRST, [later]) is changes
    assert not changed_later(FIRST, [replace(later, id=1)])
    assert not changed_later(FIRST, [replace(later, state=OpState.CANCELLED, history=())])
