"""Replacing a dead member: the steps in the order that works on real servers, and which one is next. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from bot.clustermgr.health import learner_health
from bot.clustermgr.models import Snapshot
from bot.common.errors import UserError
from bot.operations.preflight.cluster import group_checks
from bot.operations.preflight.verdict import CheckLevel
from bot.operations.preflight.view import View, view_of
from bot.operations.requests import MemberAdd, MemberRemove, Request


class StepState(StrEnum):
    """Where a step stands; `unknown` for all of them while the cluster has no leader to ask."""

    DONE = "done"
    NEXT = "next"
    LATER = "later"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `request` is the operation to propose, None where one only waits; `why` tells what is missing."""

    key: str
    sentence: str
    request: Request | None
    state: StepState
    why: str = ""


def replace_plan(
    dead: int,
    new: int,
    host: str,
    node_host: str,
    before: Snapshot | None,
    now: Snapshot,
    *,
    learner_was_caught_up: bool = False,
) -> tuple[Step, ...]:
    """The steps from a dead member to a new voter, each with its state as the looks prove it.

    A learner cannot be made a voter in place (the server answers 910, docs/clustermgr.md), so it is removed and the
    same node is added as normal. After that removal the cluster looks as it did before the learner was added:
    `learner_was_caught_up` is the caller's memory of the step `caught_up` (or the node's own host shows its log).
    Without it the plan adds the learner once more, which does no harm. Raises UserError when the ids or addresses
    are not valid.
    """
    if dead == new:
        raise UserError(f"Peer {dead} cannot replace itself: give the new node an id of its own.")
    requests = (
        MemberRemove(dead),
        MemberAdd(new, host, node_host, learner=True),
        None,
        MemberRemove(new),
        MemberAdd(new, host, node_host, learner=False),
        None,
    )
    view = view_of(before, now)
    known = view is not None and group_checks(now)[0].level is not CheckLevel.BLOCK
    done = _done(dead, new, view, before, caught_up=learner_was_caught_up) if view is not None and known else None
    unproven = view.health[new].why if view and new in view.health else ""
    whys = ("", "", _hint(_missing(new, before, now), node_host), "", "", _hint(unproven, node_host))
    return tuple(
        Step(key, sentence.format(dead=dead, new=new), request, _state(index, done), why if done else "")
        for index, ((key, sentence), request, why) in enumerate(zip(_STEPS, requests, whys, strict=True))
    )


_STEPS = (
    ("remove_dead", "Remove the dead peer {dead}."),
    ("add_learner", "Add peer {new} as a learner, and start its node."),
    ("caught_up", "Wait until learner {new} has caught up."),
    ("remove_learner", "Remove learner {new}: a learner cannot be made a voter in place."),
    ("add_voter", "Add peer {new} as a voter."),
    ("healthy", "Wait until voter {new} is proven healthy."),
)


def next_step(steps: tuple[Step, ...]) -> Step | None:
    """The step to take now; None when all are done, or when the cluster cannot be asked."""
    return next((step for step in steps if step.state is StepState.NEXT), None)


def _done(dead: int, new: int, view: View, before: Snapshot | None, *, caught_up: bool) -> tuple[bool, ...]:
    """Which steps the looks prove done; a later one that is done proves those between the two removals."""
    voter, learner = new in view.voters, new in view.learners
    learned = learner and learner_health(before, view.now)[new].healthy
    ready = learned or (not learner and (caught_up or view.was_caught_up(new)))
    gone = voter or (ready and not learner)
    return (
        dead not in view.members,
        voter or learner or ready,
        voter or ready,
        gone,
        voter,
        voter and view.health[new].healthy,
    )


def _state(index: int, done: tuple[bool, ...] | None) -> StepState:
    if done is None:
        return StepState.UNKNOWN
    if done[index]:
        return StepState.DONE
    return StepState.NEXT if all(done[:index]) else StepState.LATER


def _missing(new: int, before: Snapshot | None, now: Snapshot) -> str:
    learner = learner_health(before, now).get(new)
    return learner.why if learner is not None and not learner.healthy else ""


def _hint(why: str, node_host: str) -> str:
    """What is missing, and what a person must do where waiting does not help."""
    if "not configured" not in why:
        return why
    node = node_host or "its service address"
    return f"{why}: write {node} under `hosts` in the settings, in the dead node's place, and start cmbot anew"
