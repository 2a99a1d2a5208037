"""Whom an operation calls: its approvers, its requester, those whose approval is void. No I/O."""

from collections.abc import Iterable

from bot.operations.model import Operation, OpState
from bot.views.blocks import escape

_RESULTS = frozenset(OpState) - {OpState.PROPOSED, OpState.WAITING, OpState.RUNNING, OpState.BLOCKED}
_VOIDING = _RESULTS | {OpState.BLOCKED}


def calls(op: Operation) -> str:
    """Mentions of those whom its policy calls to approve it; "" when the requester's own approval suffices."""
    if op.state is not OpState.WAITING or op.terms is None or _requester_suffices(op):
        return ""
    known = {op.requester, *op.approvals}
    return " ".join(mention(who) for who in op.terms.policy.call if who not in known)


def _requester_suffices(op: Operation) -> bool:
    terms = op.terms
    if terms is None or op.requester in op.approvals:
        return False
    policy = terms.policy
    if policy.requester_may == "never" or sum(need.approvals for need in terms.missing or policy.needs) != 1:
        return False
    return policy.requester_may == "always" or terms.requester_counts is True


def mention(who: str) -> str:
    """Mention of a user or a user group by the Slack id."""
    return f"<!subteam^{escape(who)}>" if who.startswith("S") else f"<@{escape(who)}>"


def result_concerns_requester(op: Operation) -> bool:
    """True if its newest step is a result that its requester did not bring about alone."""
    last = op.history[-1]
    ended = op.state in _RESULTS or (op.state is OpState.BLOCKED and len(op.history) > 1)
    came = len(op.history) > 1 and op.history[-2].state is not op.state
    return ended and came and last.by != op.requester and op.options.part_of is None


def void_approvers(op: Operation) -> tuple[str, ...]:
    """Ids of those whose approval its newest step made void, without the person who took that step."""
    came = len(op.history) > 1 and op.history[-2].state is not op.state
    if not came or op.state not in _VOIDING or (op.sent and op.state is not OpState.SUPERSEDED):
        return ()
    return tuple(who for who in dict.fromkeys(op.approvals) if who != op.history[-1].by)


def people(users: Iterable[str]) -> str:
    """Mentions of several people."""
    return " and ".join(map(mention, users))
