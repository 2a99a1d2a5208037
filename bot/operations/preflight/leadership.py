"""Moving leadership, and what keeps two changes from meeting: transfers under way, catching up, open operations."""

from bot.clustermgr.health import MAX_LAG
from bot.operations.model import OpState
from bot.operations.preflight.context import MEMBERSHIP, OpenOperation, PreflightContext
from bot.operations.preflight.quorum import present, what_if
from bot.operations.preflight.text import listed
from bot.operations.preflight.verdict import Check, block, passed, warn
from bot.operations.preflight.view import View
from bot.operations.requests import LeaderTransfer, MemberRemove, OpKind, Request, TaskSwitch


def transfer_checks(request: LeaderTransfer, view: View) -> tuple[Check, ...]:
    """Whether leadership may move there; the server answers 200 to anything, and a bad target stops writes."""
    return (_target(request, view), what_if(view, present(view)))


def _target(request: LeaderTransfer, view: View) -> Check:
    peer = request.peer_id
    heirs = sorted(view.healthy - {view.leader_id})
    choose = f"Choose a healthy voter: {listed(heirs, 'or')}." if heirs else "Bring another voter back to health first."
    if peer == view.leader_id:
        return block("target", f"Peer {peer} leads already.", choose)
    if peer in view.learners:
        return block("target", f"Peer {peer} is a learner: the server would answer 200 and do nothing.", choose)
    if peer not in view.voters:
        return block("target", f"Peer {peer} is no member.", choose)
    health = view.health[peer]
    if not health.healthy:
        return block(
            "target",
            f"Peer {peer} is not proven healthy ({health.why}): moving to it could stop all writes for ten seconds.",
            choose if heirs else "Bring it back to health; a voter is proven by two looks some seconds apart.",
            forceable=True,
        )
    moved = f"Leadership moves from peer {view.leader_id} to peer {peer}"
    if not health.confirmed:
        return warn(
            "target",
            f"{moved}, whose own host is not configured: afterwards cmbot sees followers only and refuses changes.",
            f"Add the service address of peer {peer} to `hosts` in the settings first.",
            bound=f"from {view.leader_id}",
        )
    return passed("target", f"{moved}; writes may be refused for less than a second.", bound=f"from {view.leader_id}")


def pending_transfer_check(view: View) -> Check:
    """A transfer under way holds every write until it ends."""
    to = view.leader.raft_status.transferee
    if not to:
        return passed("transfer", "No transfer of leadership is under way.")
    return block(
        "transfer",
        f"A transfer of leadership to peer {to} is under way: until it ends, writes get no answer.",
        "Ask again in 15 seconds; a transfer that does not succeed ends by itself.",
        forceable=True,
    )


def applied_check(view: View) -> Check | None:
    """A change of members takes effect when it is applied; None when the leader has applied what is committed."""
    status = view.leader.raft_status
    behind = status.commit - status.applied
    if behind <= MAX_LAG:
        return None
    return warn(
        "applied",
        f"The leader has yet to apply {behind:,} committed entries: a change just made may not show yet.",
        "Better wait until it has caught up (/cm stat).",
    )


def catching_up_check(request: Request, view: View) -> Check:
    """While a learner or new voter catches up, the only membership change allowed is removing it."""
    others = {peer: why for peer, why in view.catching_up.items() if not _removes(request, peer)}
    if not others:
        return passed("catching_up", "No other member is catching up.")
    told = listed(f"peer {peer} ({why})" for peer, why in others.items())
    bound = listed(others)
    sentence = f"Not caught up: {told}."
    if isinstance(request, LeaderTransfer):
        return warn("catching_up", sentence, "Better wait: a new leader begins anew with feeding it.", bound=bound)
    if isinstance(request, MemberRemove) and request.peer_id in view.catching_up:
        return warn("catching_up", sentence, "One at a time: look at the others once this one is gone.", bound=bound)
    first = next(iter(others))
    return block(
        "catching_up",
        f"{sentence} Until then the only membership change allowed is removing it.",
        f"Wait until it has caught up (/cm members), or remove it: `/cm member remove {first}`.",
        forceable=True,
        bound=bound,
    )


def _removes(request: Request, peer: int) -> bool:
    return isinstance(request, MemberRemove) and request.peer_id == peer


def open_operations_check(request: Request, facts: PreflightContext) -> Check:
    """One membership change or transfer at a time, one change of a task's switch at a time; never forceable."""
    other = next((op for op in facts.operations if _in_the_way(request, op)), None)
    if other is None:
        return passed("operations", "No other operation is in its way.")
    if other.state is OpState.UNKNOWN:
        return block(
            "operations",
            f"The outcome of operation #{other.id} ({_name(other)}) is not known, "
            "so nothing of its kind may follow it.",
            f"See the card of operation #{other.id}: it is settled once its effect is seen or ruled out.",
        )
    return block(
        "operations",
        f"Operation #{other.id} ({_name(other)}) is {other.state}; one at a time.",
        "Wait until it has ended." if other.state is OpState.RUNNING else "Decide on it, or cancel it on its card.",
    )


def _in_the_way(request: Request, op: OpenOperation) -> bool:
    if isinstance(request, TaskSwitch):
        return op.kind is OpKind.TASK_SWITCH and op.task == request.task
    return op.kind in MEMBERSHIP


def _name(op: OpenOperation) -> str:
    return f"{op.kind.replace('_', ' ')} {op.task}".strip()
