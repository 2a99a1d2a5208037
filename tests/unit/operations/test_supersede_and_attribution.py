"""Superseded approvals, effects, replacements, and attribution of changes to operations."""

from dataclasses import replace

import pytest

from bot.alerting.cluster_state.observations import MemberChange, SwitchChange
from bot.alerting.cluster_state.state import Change, LeaderChange
from bot.operations.attribution import caused_by
from bot.operations.change_request import ChangeRequest, RequestOptions
from bot.operations.model import ObservedState, Operation, OpState, advance
from bot.operations.policy import Policy
from bot.operations.preflight.check import preflight
from bot.operations.replacement_plan import Replacement, next_change, was_caught_up
from bot.operations.requests import LeaderTransfer, MemberAdd, MemberRemove, Request, TaskSwitch
from bot.operations.supersede import difference_from, has_moved, replacement_of
from bot.views.preflight_text.changes import changes
from bot.views.step_text import event_text
from bot.workflow.actions import effect_of
from tests.docgen.cluster_fixture import DOWN, Scene
from tests.support.refusals import refused

HEALTHY = Scene()
OP = Operation("prod", LeaderTransfer(2), "U0ANNA", 100.0, 1000.0, channel="C0OPS", id=12)


def waiting(scene: Scene = HEALTHY) -> Operation:
    verdict = preflight(LeaderTransfer(2), *scene.snapshots())
    return advance(OP, OpState.WAITING, at=101.0, seen=ObservedState(verdict=verdict), approvals=("U0BEN",))


def test_unchanged_state_keeps_the_approval_valid() -> None:
    assert not has_moved(waiting(), preflight(LeaderTransfer(2), *HEALTHY.snapshots()))


@pytest.mark.parametrize(
    ("scene", "state", "phrase"),
    [
        (replace(HEALTHY, leader=3, term=8), OpState.WAITING, "leader: peer 1 → peer 3"),
        (replace(HEALTHY, voters=(1, 2, 3, 4)), OpState.WAITING, "voters: 1, 2, 3 → 1, 2, 3, 4"),
        (replace(HEALTHY, leader=0), OpState.BLOCKED, "leader: peer 1 → none"),
        (
            replace(HEALTHY, peers={2: DOWN}, silent=frozenset({2})),
            OpState.BLOCKED,
            "peer 2 is no longer proven healthy",
        ),
    ],
)
def test_changed_state_voids_approval_and_replacement_takes_the_card(scene: Scene, state: OpState, phrase: str) -> None:
    op, fresh = waiting(), preflight(LeaderTransfer(2), *scene.snapshots())
    assert has_moved(op, fresh)
    difference = difference_from(op, fresh)
    assert phrase in changes(difference)
    seen, policy = ObservedState(verdict=fresh), Policy(expires_after=60)
    replacement = replacement_of(op, seen, fresh, difference, policy, now=500.0)
    text = event_text(replacement.history[-1])
    assert text.startswith("the cluster changed since: " if fresh.blocked else "replaces operation #12; no approvals")
    assert (replacement.state, replacement.id, replacement.card_id, replacement.approvals, replacement.expires_at) == (
        state,
        0,
        12,
        (),
        560.0,
    )
    assert (replacement.request, replacement.requester, replacement.seen.difference) == (
        op.request,
        op.requester,
        difference,
    )


def test_card_of_an_older_release_is_superseded() -> None:
    old = advance(OP, OpState.WAITING, at=101.0, seen=ObservedState())
    fresh = preflight(LeaderTransfer(2), *HEALTHY.snapshots())
    assert has_moved(old, fresh)
    assert changes(difference_from(old, fresh)) == ("an older release made the card",)


def ran(at: float, target: int = 2, state: OpState = OpState.VERIFIED, number: int = 12) -> Operation:
    running = advance(advance(OP, OpState.WAITING, at=at - 9), OpState.RUNNING, at=at)
    return replace(running, id=number, state=state, request=LeaderTransfer(target))


@pytest.mark.parametrize(
    ("operations", "cause"),
    [
        ([], 0),
        ([ran(199.0)], 12),
        ([ran(199.0, state=OpState.UNKNOWN)], 12),
        ([ran(199.0, state=OpState.FAILED)], 0),
        ([ran(199.0, target=3)], 0),
        ([ran(201.0)], 12),
        # A poll is dated by its start: a slow one shows what was sent half a minute later.
        ([ran(235.0)], 12),
        ([ran(261.0)], 0),
        ([ran(100.0)], 0),
        ([ran(150.0, number=11), ran(199.0)], 12),
        ([replace(ran(199.0), request=MemberRemove(2))], 0),
        ([replace(OP, state=OpState.WAITING)], 0),
    ],
)
def test_leader_change_is_attributed_to_the_matching_transfer(operations: list[Operation], cause: int) -> None:
    found = caused_by(LeaderChange(200.0, 1, 2, 7, before_at=185.0), operations)
    assert (found.id if found else 0) == cause


def test_effect_is_read_from_the_leaders_view_only() -> None:
    now = replace(HEALTHY, learners=(4,)).snapshots()[1]
    leaderless = replace(HEALTHY, leader=0).snapshots()[1]
    assert effect_of(LEARNER, now).done
    assert not effect_of(VOTER, now).done
    assert not effect_of(replace(LEARNER, peer_id=5), now).done
    assert not effect_of(MemberRemove(4), now).done
    assert effect_of(MemberRemove(5), now).done
    assert effect_of(LeaderTransfer(1), now).done
    assert not effect_of(LeaderTransfer(2), now).done
    assert not effect_of(MemberRemove(5), leaderless).done


def test_replacement_continues_and_refuses_a_healthy_member() -> None:
    wanted, change_request = Replacement(3, 4, "cm4:10110", "cm4:9998"), ChangeRequest(MemberRemove(3), "lost")
    with refused("Peer 3 is healthy"):
        next_change(wanted, change_request, *HEALTHY.snapshots(), caught_up=False)
    dead = replace(HEALTHY, peers={3: DOWN}, silent=frozenset({3}))
    steps, step = next_change(wanted, change_request, *dead.snapshots(), caught_up=False)
    assert step == replace(change_request, options=RequestOptions(policy="member_replace", replaces=(3, 4)))
    assert step.policy_keys == ("member_replace", "member_remove")
    assert len(steps) == 6
    _, nothing = next_change(wanted, change_request, *replace(HEALTHY, leader=0).snapshots(), caught_up=False)
    assert nothing is None


def test_removed_learner_of_this_replacement_had_caught_up() -> None:
    step = RequestOptions(policy="member_replace", replaces=(3, 4))
    gone = Operation("prod", MemberRemove(4), "U1", 1.0, 2.0, OpState.VERIFIED, step)
    assert was_caught_up([gone], 3, 4)
    assert not was_caught_up([gone], 3, 5)
    assert not was_caught_up([replace(gone, state=OpState.FAILED)], 3, 4)
    assert not was_caught_up([replace(gone, options=RequestOptions())], 3, 4)


LEARNER = MemberAdd(4, "cm4:10110", "cm4:9998", learner=True)
VOTER = replace(LEARNER, learner=False)
JOINED = MemberChange(200.0, 4, "", "learner", "", "cm4:10110", before_at=185.0)
LEFT = MemberChange(200.0, 4, "learner", "", "cm4:10110", "", before_at=185.0)
SWITCHED = SwitchChange(200.0, "vol_inspect", "Enable", "Disable", before_at=140.0)


def asked(request: Request, at: float = 199.0, state: OpState = OpState.VERIFIED) -> Operation:
    return replace(ran(at, state=state), request=request)


@pytest.mark.parametrize(
    ("change", "op", "caused"),
    [
        (JOINED, asked(LEARNER), True),
        (JOINED, asked(LEARNER, state=OpState.RUNNING), True),
        (JOINED, asked(LEARNER, at=20.0, state=OpState.UNKNOWN), True),
        (JOINED, asked(LEARNER, at=20.0), False),
        (JOINED, asked(LEARNER, state=OpState.FAILED), False),
        (JOINED, asked(VOTER), False),
        (JOINED, asked(replace(LEARNER, host="cm5:10110")), False),
        (JOINED, asked(MemberRemove(4)), False),
        (replace(JOINED, host=""), asked(LEARNER), True),
        (replace(JOINED, was="learner", now="voter"), asked(VOTER), True),
        (LEFT, asked(MemberRemove(4)), True),
        (LEFT, asked(MemberRemove(3)), False),
        (LEFT, asked(LEARNER), False),
        (SWITCHED, asked(TaskSwitch("volume_inspect", on=False)), True),
        (SWITCHED, asked(TaskSwitch("volume_inspect", on=True)), False),
        (SWITCHED, asked(TaskSwitch("balance", on=False)), False),
        (replace(SWITCHED, after="off"), asked(TaskSwitch("volume_inspect", on=False)), False),
        (replace(SWITCHED, key="mine"), asked(TaskSwitch("volume_inspect", on=False)), False),
    ],
)
def test_change_is_attributed_to_the_matching_operation_only(change: Change, op: Operation, *, caused: bool) -> None:
    assert (caused_by(change, [op]) is op) is caused


def test_newest_matching_operation_is_the_cause() -> None:
    older, newer = (replace(asked(LEARNER, at), id=int(at)) for at in (180.0, 199.0))
    assert caused_by(JOINED, [newer, older]) is newer
