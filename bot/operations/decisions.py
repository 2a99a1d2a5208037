"""Decisions on a card: does this click count, and the reason when it does not. No I/O."""

from enum import StrEnum

from bot.operations.model import Operation, OpState
from bot.operations.policy import Policy, as_sentence, lacks, lacks_all
from bot.permissions.roles import Rights, Role


class Act(StrEnum):
    """What a button on a card asks for."""

    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"


def refuse_decision(op: Operation, act: Act, rights: Rights, policy: Policy, *, version: int, now: float) -> str:
    """Why a person's click on a card of that version does nothing, in a sentence for them; "" when it counts.

    A card of an earlier version still counts while it waits: what it shows of the cluster never changes under one id.
    """
    if op.state is not OpState.WAITING or not 0 < version <= op.version:
        return f"Operation #{op.id} is {op.state} already, so this button no longer does anything."
    if now >= op.expires_at:
        return f"Operation #{op.id} has expired. Type the command again to propose it again."
    if act is Act.CANCEL:
        return _refuse_cancel(op, rights)
    if act is Act.REJECT:
        why = "" if rights.has(Role.ADMIN) else lacks_all(rights, policy)
        return as_sentence(f"only who may approve operation #{op.id} may reject it, and {why}") if why else ""
    return _refuse_approval(op, rights, policy)


def _refuse_cancel(op: Operation, rights: Rights) -> str:
    if rights.user == op.requester or rights.has(Role.ADMIN):
        return ""
    return f"Only <@{op.requester}>, who proposed operation #{op.id}, or an admin may cancel it."


def _refuse_approval(op: Operation, rights: Rights, policy: Policy) -> str:
    if rights.user in op.approvals:
        return f"You have approved operation #{op.id} already; it waits for somebody else."
    if rights.user == op.requester:
        return _refuse_own(op, rights, policy)
    why = lacks_all(rights, policy)
    return as_sentence(f"you may not approve operation #{op.id}: {why}") if why else ""


def _refuse_own(op: Operation, rights: Rights, policy: Policy) -> str:
    if policy.requester_may == "never":
        return f"You proposed operation #{op.id} yourself, so somebody else must approve it."
    why = lacks(rights, Role.OPERATOR) if policy.requester_may == "always" else lacks_all(rights, policy)
    return as_sentence(f"you proposed operation #{op.id} yourself and cannot approve it too: {why}") if why else ""


def refuse_keeping(op: Operation, rights: Rights, policy: Policy) -> str:
    """Why a person may not make a lease longer, in a sentence: what was approved is for a time, so approvers may."""
    own = rights.user == op.requester
    if own and policy.requester_may == "never":
        return f"You proposed operation #{op.id} yourself, so another person must extend or keep it."
    always = own and policy.requester_may == "always"
    why = lacks(rights, Role.OPERATOR) if always else lacks_all(rights, policy)
    return f"Only who may approve operation #{op.id} may extend or keep it: {why}." if why else ""


def refuse_lease_click(op: Operation) -> str:
    """Why a lease can no longer be extended or kept, in a sentence; "" when it can."""
    if op.lease_until:
        return ""
    return f"What operation #{op.id} set is no longer going to be put back, so there is nothing to extend or keep."
