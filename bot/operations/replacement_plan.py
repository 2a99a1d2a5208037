"""Replacement of a dead member: the steps in the order that works on real servers, and the next one. No I/O."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from bot.clustermgr.health import VoterFault, learner_health, voter_health
from bot.clustermgr.models import Snapshot
from bot.common.errors import Refused
from bot.common.frozen import frozen
from bot.operations.change_request import ChangeRequest
from bot.operations.model import Operation, OpState
from bot.operations.preflight.cluster import group_checks
from bot.operations.preflight.verdict import CheckLevel
from bot.operations.preflight.view import View, view_of
from bot.operations.request_problems import NoReplacementNeeded, ReplacesItself
from bot.operations.requests import MemberAdd, MemberRemove, Request


@frozen
class Replacement:
    """Request to replace a dead member by a new node: its id, raft address and service address."""

    dead: int
    new: int
    host: str
    node_host: str


class StepKey(StrEnum):
    """Steps in their order: two of them wait, the others propose a change."""

    REMOVE_DEAD = "remove_dead"
    ADD_LEARNER = "add_learner"
    CAUGHT_UP = "caught_up"
    REMOVE_LEARNER = "remove_learner"
    ADD_VOTER = "add_voter"
    HEALTHY = "healthy"


class StepState(StrEnum):
    """State of a step; `unknown` while the cluster has no leader to ask."""

    DONE = "done"
    NEXT = "next"
    LATER = "later"
    UNKNOWN = "unknown"


@frozen
class Step:
    """One step: `request` is the change to propose, None for a wait.

    `fault` is what a wait waits for; `node_host` is the service address of the new node.
    """

    key: StepKey
    request: Request | None
    state: StepState
    fault: VoterFault | None = None
    node_host: str = ""


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
    """Plan the steps from a dead member to a new voter, each with the state that the snapshots prove.

    A learner cannot be made a voter in place (the server answers 910, docs/clustermgr.md), so it is removed and the
    same node is added as normal. After that removal the cluster looks as it did before the learner was added:
    `learner_was_caught_up` is the caller's memory of the step `caught_up` (or the node's own host shows its log).
    Without that memory the plan adds the learner again, which does no harm. Raises Refused when the ids or addresses
    are not valid.
    """
    if dead == new:
        raise Refused(ReplacesItself(dead))
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
    unproven = view.health[new].fault if view and new in view.health else None
    faults = (None, None, _missing(new, before, now), None, None, unproven)
    return tuple(
        Step(key, request, _state(index, done), fault if done else None, node_host)
        for index, (key, request, fault) in enumerate(zip(StepKey, requests, faults, strict=True))
    )


def next_step(steps: Sequence[Step]) -> Step | None:
    """Step to take now; None when all are done, or when the cluster cannot be asked."""
    return next((step for step in steps if step.state is StepState.NEXT), None)


def _done(dead: int, new: int, view: View, before: Snapshot | None, *, caught_up: bool) -> tuple[bool, ...]:
    """Steps that the snapshots prove done; a later one proves those between the two removals."""
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


def _missing(new: int, before: Snapshot | None, now: Snapshot) -> VoterFault | None:
    learner = learner_health(before, now).get(new)
    return learner.fault if learner is not None and not learner.healthy else None


def was_caught_up(recent: Sequence[Operation], dead: int, new: int) -> bool:
    """True if this replacement removed its learner already, which it proposes only after the learner caught up."""
    return any(
        op.state is OpState.VERIFIED and op.request == MemberRemove(new) and op.options.replaces == (dead, new)
        for op in recent
    )


def next_change(
    wanted: Replacement, change_request: ChangeRequest, before: Snapshot | None, now: Snapshot, *, caught_up: bool
) -> tuple[tuple[Step, ...], ChangeRequest | None]:
    """Plan, and the change of its next step: None while waiting, when all is done, or when nothing is known.

    Raises Refused when the ids or addresses are not valid, or when the member is healthy.
    """
    health = voter_health(before, now).get(wanted.dead)
    if health is not None and health.healthy:
        raise Refused(NoReplacementNeeded(wanted.dead))
    steps = replace_plan(
        wanted.dead, wanted.new, wanted.host, wanted.node_host, before, now, learner_was_caught_up=caught_up
    )
    step = next_step(steps)
    if step is None or step.request is None:
        return steps, None
    options = replace(change_request.options, policy="member_replace", replaces=(wanted.dead, wanted.new))
    return steps, replace(change_request, request=step.request, options=options)
