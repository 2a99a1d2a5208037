"""The dialog before a change: its consequence first and whole, the act on its button, at any size of the cluster."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.operations.model import Operation, OpState
from bot.operations.policy import POLICIES
from bot.operations.requests import LeaderTransfer, MemberAdd, MemberRemove, Request, TaskSwitch
from bot.views.op_dialog import fitting
from tests.docgen.cluster_fixture import DOWN, Scene
from tests.unit.views.test_membership_cards import ADD, buttons, made

FIVE = Scene(voters=(1, 2, 3, 4, 5))
DEAD = Scene(peers={3: DOWN}, silent=frozenset({3}))


def dialog(op: Operation) -> tuple[str, str]:
    """The first line of the dialog, and its button."""
    found: Any = buttons(op)[0]["confirm"]
    assert "…" not in found["text"]["text"], "cut"
    return found["text"]["text"].split("\n")[0], found["confirm"]["text"]


@pytest.mark.parametrize(
    ("request_", "scene", "first", "button"),
    [
        (
            MemberRemove(3),
            Scene(),
            "Afterwards: quorum 2 of 2, 2 healthy: it can lose no more voters. If peer 1 or 2 stops, writes stop.",
            "Remove peer 3",
        ),
        (MemberRemove(5), FIVE, "Afterwards: quorum 3 of 4, 4 healthy: it can lose 1 more voter.", "Remove peer 5"),
        (
            MemberRemove(4),
            Scene(voters=(1, 2), learners=(4,)),
            "No vote changes: quorum 2 of 2, 2 healthy: it can lose no more voters. If peer 1 or 2 stops, writes stop.",
            "Remove peer 4",
        ),
        (ADD, Scene(), "No vote changes: quorum 2 of 3, 3 healthy: it can lose 1 more voter.", "Add peer 4 as learner"),
        (
            replace(ADD, learner=False),
            Scene(),
            "Afterwards: quorum 3 of 4, 3 healthy: it can lose no more voters. If peer 1 or 2 or 3 stops, writes stop.",
            "Add peer 4 as voter",
        ),
        (
            LeaderTransfer(2),
            Scene(),
            "Leadership moves from peer 1 to peer 2; writes may be refused for less than a second.",
            "Move leadership to peer 2",
        ),
        (
            MemberAdd(18446744073709551615, "cm4:10110", "cm4:9998"),
            Scene(),
            "No vote changes: quorum 2 of 3, 3 healthy: it can lose 1 more voter.",
            "Add it",
        ),
    ],
)
def test_dialog_begins_with_the_consequence_and_names_the_act(
    request_: Request, scene: Scene, first: str, button: str
) -> None:
    op = made(request_, POLICIES["member_remove"], scene)
    assert dialog(op) == (first, button)


def test_forced_transfer_says_that_writes_may_stop() -> None:
    op = made(LeaderTransfer(3), POLICIES["break_glass"], DEAD, forced=True)
    assert dialog(op)[0].endswith("which is not proven healthy: all writes may stop for ten seconds.")
    assert "BREAK-GLASS overrides 1 refused check." in buttons(op)[0]["confirm"]["text"]["text"]


@pytest.mark.parametrize(("task", "button"), [("blob_delete", "Turn blob_delete on"), ("a" * 64, "Turn it on")])
def test_switch_dialog_begins_with_the_task_description(task: str, button: str) -> None:
    op = made(TaskSwitch(task, on=True), POLICIES["task_enable"])
    op = replace(op, state=OpState.WAITING)
    found = buttons(op)[0]["confirm"]
    assert found["confirm"]["text"] == button
    means = "When it is on, blobs that are marked deleted are erased for good."
    assert found["text"]["text"].startswith(means if task == "blob_delete" else "Warning: The stored value of aaa")


@given(st.lists(st.text(max_size=200), max_size=8))
def test_lines_that_do_not_fit_are_omitted_whole(lines: list[str]) -> None:
    whole = ["Afterwards: 2 voters.", *(" ".join(line.split()) for line in lines)]
    text = fitting(whole)
    assert len(text) <= 300
    assert text.startswith("Afterwards: 2 voters.")
