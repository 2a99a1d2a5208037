"""Decisions on a card: does this click count, and the reason when it does not. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.operations.model import Operation, OpState
from bot.operations.policy import Policy, as_sentence, lacks, lacks_all, missing
from bot.permissions.roles import Rights, Role


class Act(StrEnum):
    """Act of a button on a card."""

    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"


def refuse_decision(op: Operation, act: Act, rights: Rights, policy: Policy, *, version: int, now: float) -> str:
    """Why a click on a card of that version does not count, in a sentence; "" when it does.

    An earlier version of a waiting card still counts: the state that it shows never changes under one id.
    """
    if op.state is not OpState.WAITING or not 0 < version <= op.version:
        return f"Operation #{op.id} is already {op.state}, so this button has no effect."
    if now >= op.expires_at:
        return f"Operation #{op.id} has expired. Type the command again to propose it again."
    if act is Act.CANCEL:
        return _refuse_cancel(op, rights)
    if act is Act.REJECT:
        why = "" if rights.has(Role.ADMIN) else lacks_all(rights, policy)
        return as_sentence(f"only an approver of operation #{op.id} may reject it: {why}") if why else ""
    return _refuse_approval(op, rights, policy)


def _refuse_cancel(op: Operation, rights: Rights) -> str:
    if rights.user == op.requester or rights.has(Role.ADMIN):
        return ""
    return f"Only <@{op.requester}>, who proposed operation #{op.id}, or an admin may cancel it."


def _refuse_approval(op: Operation, rights: Rights, policy: Policy) -> str:
    if rights.user in op.approvals:
        return f"You have already approved operation #{op.id}; it waits for another person."
    if rights.user == op.requester:
        return _refuse_own(op, rights, policy)
    why = lacks_all(rights, policy)
    return as_sentence(f"you may not approve operation #{op.id}: {why}") if why else ""


def _refuse_own(op: Operation, rights: Rights, policy: Policy) -> str:
    if policy.requester_may == "never":
        return f"You proposed operation #{op.id}, so another person must approve it."
    why = lacks(rights, Role.OPERATOR) if policy.requester_may == "always" else lacks_all(rights, policy)
    return as_sentence(f"you proposed operation #{op.id} and cannot approve it: {why}") if why else ""


def refuse_keeping(op: Operation, rights: Rights, policy: Policy) -> str:
    """Why a person may not extend or keep a lease, in a sentence; approvers may, because they approved the time."""
    own = rights.user == op.requester
    if own and policy.requester_may == "never":
        return f"You proposed operation #{op.id}, so another person must extend or keep it."
    always = own and policy.requester_may == "always"
    why = lacks(rights, Role.OPERATOR) if always else lacks_all(rights, policy)
    return f"Only an approver of operation #{op.id} may extend or keep it: {why}." if why else ""


def refuse_lease_click(op: Operation) -> str:
    """Why a lease can no longer be extended or kept, in a sentence; "" when it can."""
    if op.lease_until:
        return ""
    return f"The lease of operation #{op.id} is over, so there is nothing to extend or keep."


@dataclass(frozen=True, slots=True)
class DecisionRights:
    """Rights of an operation's requester, of its earlier approvers, and of the person who clicks now."""

    requester: Rights
    earlier: tuple[Rights, ...]
    clicker: Rights

    @property
    def given(self) -> tuple[Rights, ...]:
        """Rights of all approvers, the click included."""
        return (*self.earlier, self.clicker)


def requester_lacks(op: Operation, people: DecisionRights) -> str:
    """Role that the requester lost, as in "the role operator"; "" for none."""
    needed = (Role.OPERATOR, *((Role.BREAKER,) if op.forced else ()))
    return next((f"the role {role}" for role in needed if lacks(people.requester, role)), "")


def unsure(op: Operation, policy: Policy, people: DecisionRights) -> str:
    """User group that decides here and that Slack did not list; "" for none."""
    own = (Role.OPERATOR, *((Role.BREAKER,) if op.forced else ()))
    wanted = [(people.requester, source) for source in own]
    if missing(policy, op.requester, people.given):
        wanted += [(rights, need.source) for rights in people.given for need in policy.needs]
    unknown = (rights.unknown.get(source, "") for rights, source in wanted if not rights.has(source))
    return next((group for group in unknown if group), "")


def dropped(policy: Policy, op: Operation, people: DecisionRights) -> Mapping[str, str]:
    """Earlier approvals that no longer count: user ids, each with what that person lacks."""
    alone = {rights.user: missing(policy, op.requester, [rights]) for rights in people.earlier}
    none = {need.source: need.approvals for need in policy.needs}
    return {user: " and ".join(none) for user, short in alone.items() if short == none}
