"""Checks of leadership, and against two changes at once: pending transfers, catching up, open operations."""

from bot.clustermgr.health import MAX_LAG
from bot.clustermgr.voter_text import voter_fault_text
from bot.operations.model import OpState
from bot.operations.preflight.context import MEMBERSHIP, OpenOperation, PreflightContext
from bot.operations.preflight.quorum import present, what_if
from bot.operations.preflight.verdict import Check, block, listed, passed, warn
from bot.operations.preflight.view import View
from bot.operations.requests import LeaderTransfer, MemberRemove, OpKind, Request, TaskSwitch


def transfer_checks(request: LeaderTransfer, view: View) -> tuple[Check, ...]:
    """Check the target of a transfer; the server answers 200 to any target, and a bad one stops writes."""
    return (_target(request, view), what_if(view, present(view)))


def _target(request: LeaderTransfer, view: View) -> Check:
    peer = request.peer_id
    targets = sorted(view.healthy - {view.leader_id})
    choose = (
        f"Choose a healthy voter: {listed(targets, 'or')}." if targets else "Bring another voter back to health first."
    )
    if peer == view.leader_id:
        return block("target", f"Peer {peer} already leads.", choose)
    if peer in view.learners:
        return block("target", f"Peer {peer} is a learner: the server answers 200 and does nothing.", choose)
    if peer not in view.voters:
        return block("target", f"Peer {peer} is no member.", choose)
    health = view.health[peer]
    if not health.healthy:
        return block(
            "target",
            f"Peer {peer} is not proven healthy ({voter_fault_text(health.fault)}): "
            "a transfer to it can stop all writes for ten seconds.",
            choose if targets else "Bring it back to health; two snapshots some seconds apart prove a voter.",
            forceable=True,
        )
    moved = f"Leadership moves from peer {view.leader_id} to peer {peer}"
    if not health.confirmed:
        return warn(
            "target",
            f"{moved}, whose own host is not configured: afterwards cmbot sees only followers and refuses changes.",
            f"Add the service address of peer {peer} to `hosts` in the settings first.",
            bound=f"from {view.leader_id}",
        )
    return passed("target", f"{moved}; writes may be refused for less than a second.", bound=f"from {view.leader_id}")


def pending_transfer_check(view: View) -> Check:
    """Check for a pending transfer, which holds every write until it ends."""
    to = view.leader.raft_status.transferee
    if not to:
        return passed("transfer", "No transfer of leadership is pending.")
    return block(
        "transfer",
        f"A transfer of leadership to peer {to} is pending: until it ends, writes get no answer.",
        "Try again in 15 s; a transfer that does not succeed ends by itself.",
        forceable=True,
    )


def applied_check(view: View) -> Check | None:
    """Check for unapplied entries: a change of members takes effect when it is applied; None when all are applied."""
    status = view.leader.raft_status
    behind = status.commit - status.applied
    if behind <= MAX_LAG:
        return None
    return warn(
        "applied",
        f"The leader has not applied {behind:,} committed entries yet, so a recent change may not be visible.",
        "Better wait until it has caught up (`/cm stat`).",
    )


def catching_up_check(request: Request, view: View) -> Check:
    """Check for a learner or new voter that catches up; meanwhile only its own removal is allowed."""
    others = {peer: why for peer, why in view.catching_up.items() if not _removes(request, peer)}
    if not others:
        return passed("catching_up", "No other member is catching up.")
    behind = listed(f"peer {peer} ({why})" for peer, why in others.items())
    bound = listed(others)
    sentence = f"Not caught up: {behind}."
    if isinstance(request, LeaderTransfer):
        return warn("catching_up", sentence, "Better wait: a new leader has to start the catch-up again.", bound=bound)
    if isinstance(request, MemberRemove) and request.peer_id in view.catching_up:
        return warn("catching_up", sentence, "Take one at a time: check the others after this removal.", bound=bound)
    first = next(iter(others))
    return block(
        "catching_up",
        f"{sentence} Until then the only allowed change of members is its removal.",
        f"Wait until it has caught up (`/cm members`), or remove it: `/cm member remove {first}`.",
        forceable=True,
        bound=bound,
    )


def _removes(request: Request, peer: int) -> bool:
    return isinstance(request, MemberRemove) and request.peer_id == peer


def open_operations_check(request: Request, facts: PreflightContext) -> Check:
    """Check for another open operation: one change of members or transfer at a time, one per task; never forceable."""
    other = next((op for op in facts.operations if _in_the_way(request, op)), None)
    if other is None:
        return passed("operations", "No other operation is open for the same thing.")
    if other.state is OpState.UNKNOWN:
        return block(
            "operations",
            f"The outcome of operation #{other.id} ({_name(other)}) is unknown, so it blocks others of its kind.",
            f"See the card of operation #{other.id}: it ends once its effect is seen or ruled out.",
        )
    return block(
        "operations",
        f"Operation #{other.id} ({_name(other)}) is {other.state}; only one may be open.",
        "Wait until it has ended." if other.state is OpState.RUNNING else "Approve, reject or cancel it on its card.",
    )


def _in_the_way(request: Request, op: OpenOperation) -> bool:
    if isinstance(request, TaskSwitch):
        return op.kind is OpKind.TASK_SWITCH and op.task == request.task
    return op.kind in MEMBERSHIP


def _name(op: OpenOperation) -> str:
    return f"{op.kind.replace('_', ' ')} {op.task}".strip()
