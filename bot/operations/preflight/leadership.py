"""Checks of leadership, and against two changes at once: pending transfers, catching up, open operations."""

from bot.clustermgr.health import MAX_LAG
from bot.common.text import listed
from bot.operations.preflight.context import MEMBERSHIP, OpenOperation, PreflightContext
from bot.operations.preflight.disk_targets import in_the_way
from bot.operations.preflight.facts import leadership as f
from bot.operations.preflight.quorum import present, what_if
from bot.operations.preflight.verdict import Check, block, passed, warn
from bot.operations.preflight.view import View
from bot.operations.requests import LeaderTransfer, MemberRemove, MemberRequest, OpKind, Request, TaskSwitch


def transfer_checks(request: LeaderTransfer, view: View) -> tuple[Check, ...]:
    """Check the target of a transfer; the server answers 200 to any target, and a bad one stops writes."""
    return (_target(request, view), what_if(view, present(view)))


def _target(request: LeaderTransfer, view: View) -> Check:
    peer = request.peer_id
    targets = tuple(sorted(view.healthy - {view.leader_id}))
    if peer == view.leader_id:
        return block("target", f.TargetLeads(peer, targets))
    if peer in view.learners:
        return block("target", f.TargetIsLearner(peer, targets))
    if peer not in view.voters:
        return block("target", f.TargetIsStranger(peer, targets))
    health = view.health[peer]
    if not health.healthy:
        return block("target", f.TargetUnproven(peer, targets, health.fault), forceable=True)
    moves, bound = f.LeadershipMoves(view.leader_id, peer, health.confirmed), f"from {view.leader_id}"
    return passed("target", moves, bound=bound) if health.confirmed else warn("target", moves, bound=bound)


def pending_transfer_check(view: View) -> Check:
    """Check for a pending transfer, which holds every write until it ends."""
    to = view.leader.raft_status.transferee
    if not to:
        return passed("transfer", f.NoTransferPending())
    return block("transfer", f.TransferPending(to), forceable=True)


def applied_check(view: View) -> Check | None:
    """Check for unapplied entries: a change of members takes effect when it is applied; None when all are applied."""
    status = view.leader.raft_status
    behind = status.commit - status.applied
    return None if behind <= MAX_LAG else warn("applied", f.EntriesUnapplied(behind))


def catching_up_check(request: Request, view: View) -> Check:
    """Check for a learner or new voter that catches up; meanwhile only its own removal is allowed."""
    behind = view.catching_up
    others = tuple(member for member in behind if not _removes(request, member.peer))
    if not others:
        return passed("catching_up", f.NoneCatchesUp())
    bound = listed([str(member.peer) for member in others], most=len(others))
    if isinstance(request, LeaderTransfer):
        return warn("catching_up", f.MembersCatchUp(others, f.CatchUpRule.NEW_LEADER), bound=bound)
    if len(others) < len(behind):
        return warn("catching_up", f.MembersCatchUp(others, f.CatchUpRule.ONE_AT_A_TIME), bound=bound)
    fact = f.MembersCatchUp(others, f.CatchUpRule.REMOVAL_ONLY)
    return block("catching_up", fact, forceable=True, bound=bound)


def _removes(request: Request, peer: int) -> bool:
    return isinstance(request, MemberRemove) and request.peer_id == peer


def open_operations_check(request: Request, facts: PreflightContext) -> Check:
    """Check for another open operation; never forceable.

    One change of members or transfer at a time, one per task, one per disk, one that changes several disks.
    """
    other = next((op for op in facts.operations if _in_the_way(request, op, facts)), None)
    if other is None:
        return passed("operations", f.NoOpenOperation())
    return block("operations", f.OperationOpen(other.id, other.kind, other.state, other.task))


def _in_the_way(request: Request, op: OpenOperation, facts: PreflightContext) -> bool:
    if isinstance(request, TaskSwitch):
        return op.kind is OpKind.TASK_SWITCH and op.task == request.task
    if isinstance(request, MemberRequest):
        return op.kind in MEMBERSHIP
    return in_the_way(request, op, facts.disks)
