"""The plan of a replacement names the next step from what the cluster shows, and can be resumed anywhere."""

import pytest

from bot.clustermgr.health import VoterFault, VoterFaultKind
from bot.operations.preflight.check import PreflightContext, preflight
from bot.operations.replacement_plan import Step, StepState, next_step, replace_plan
from tests.docgen import cluster_fixture as s
from tests.docgen.cluster_fixture import Scene, host_name, raft_name
from tests.support.refusals import refused

DEAD = Scene(peers={3: s.DOWN}, silent=frozenset({3}))
LEFT = Scene(voters=(1, 2))
CATCHING_UP = Scene(voters=(1, 2), learners=(4,), peers={4: s.SNAPSHOTTING})
CAUGHT_UP = Scene(voters=(1, 2), learners=(4,))
REMOVED = Scene(voters=(1, 2), extra={host_name(4): (4, 1, 7)})
VOTER_BEHIND = Scene(voters=(1, 2, 4), peers={4: s.NEW_UNREACHABLE})
FINISHED = Scene(voters=(1, 2, 4))


def plan(scene: Scene, *, remembered: bool = False) -> tuple[Step, ...]:
    """The plan to put peer 4 in the place of peer 3."""
    before, now = scene.snapshots()
    return replace_plan(3, 4, raft_name(4), host_name(4), before, now, learner_was_caught_up=remembered)


@pytest.mark.parametrize(
    ("scene", "key"),
    [
        (DEAD, "remove_dead"),
        (LEFT, "add_learner"),
        (CATCHING_UP, "caught_up"),
        (CAUGHT_UP, "remove_learner"),
        (REMOVED, "add_voter"),
        (VOTER_BEHIND, "healthy"),
        (FINISHED, None),
    ],
)
def test_the_next_step_is_read_off_the_cluster(scene: Scene, key: str | None) -> None:
    step = next_step(plan(scene))
    assert (step.key if step else None) == key


@pytest.mark.parametrize("scene", [DEAD, LEFT, CATCHING_UP, CAUGHT_UP, REMOVED, VOTER_BEHIND, FINISHED])
def test_steps_before_the_next_one_are_done(scene: Scene) -> None:
    states = [step.state for step in plan(scene)]
    until = states.index(StepState.NEXT) if StepState.NEXT in states else len(states)
    assert set(states[:until]) <= {StepState.DONE}
    assert set(states[until + 1 :]) <= {StepState.LATER}


@pytest.mark.parametrize("scene", [DEAD, LEFT, CAUGHT_UP, REMOVED])
def test_the_preflight_lets_each_next_step_through(scene: Scene) -> None:
    step = next_step(plan(scene))
    assert step is not None
    assert step.request is not None
    assert not preflight(step.request, *scene.snapshots(), facts=PreflightContext(node_answers=True)).blocked


def test_caught_up_learner_is_remembered_after_its_removal() -> None:
    step = next_step(plan(LEFT, remembered=True))
    assert step is not None
    assert step.key == "add_voter"


def test_learner_that_lags_again_is_awaited_again() -> None:
    step = next_step(plan(CATCHING_UP, remembered=True))
    assert step is not None
    assert step.key == "caught_up"
    assert step.fault == VoterFault(VoterFaultKind.SNAPSHOT)


def test_present_dead_member_is_always_removed_first() -> None:
    steps = plan(Scene(voters=(1, 2, 3, 4), peers={3: s.DOWN}, silent=frozenset({3})))
    assert [step.state for step in steps] == [StepState.NEXT, *[StepState.DONE] * 5]


@pytest.mark.parametrize("scene", [Scene(leader=0), Scene(silent=frozenset({1, 2, 3})), Scene(views={3: (2, 9)})])
def test_without_a_leader_to_believe_in_no_step_is_next(scene: Scene) -> None:
    steps = plan(scene)
    assert {step.state for step in steps} == {StepState.UNKNOWN}
    assert next_step(steps) is None


def test_a_node_cannot_replace_itself() -> None:
    before, now = DEAD.snapshots()
    with refused("cannot replace itself"):
        replace_plan(3, 3, raft_name(3), host_name(3), before, now)


def test_a_bad_address_is_refused_before_anything_is_planned() -> None:
    before, now = DEAD.snapshots()
    with refused("has no port"):
        replace_plan(3, 4, "cm4", host_name(4), before, now)
