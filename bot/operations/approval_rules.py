"""Decisions on a card: who may propose, whose approval counts, what is still missing; each with its reason. No I/O."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from bot.operations.model import Operation, OpState
from bot.operations.policy import LEAST_FORCED, POLICIES, Need, Policy, policy_of, stricter, strictest
from bot.permissions.roles import Rights, Role

__all__ = [
    "LEAST_FORCED",
    "POLICIES",
    "Act",
    "Need",
    "Policy",
    "enough",
    "lacks",
    "missing",
    "phrase",
    "policy_of",
    "progress",
    "refuse_decision",
    "refuse_keeping",
    "refuse_proposal",
    "short_of",
    "stricter",
    "strictest",
]


class Act(StrEnum):
    """What a button on a card asks for."""

    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"


def lacks(rights: Rights, source: str) -> str:
    """Why a person does not count as one of a role or user group, in a clause; "" when they do."""
    if rights.has(source):
        return ""
    if source in rights.unknown:
        return f"Slack could not tell who is in the user group {rights.unknown[source]}, so this is refused for now"
    if source in rights.empty:
        return f"nobody is named under `{rights.place(Role(source))}` in the settings: name users or user groups there"
    return f"you are not in the user group {source}" if source.startswith("S") else f"you do not hold the role {source}"


def refuse_proposal(
    policy: Policy, rights: Rights, *, channel: str, reason: str, forced: bool = False
) -> tuple[str, bool]:
    """Why this person may not propose it here: a sentence ("" when they may), and whether it is about their rights."""
    needed = (Role.OPERATOR, *((Role.BREAKER,) if forced else ()))
    missing = next((why for role in needed if (why := lacks(rights, role))), "")
    if missing:
        what = "force=yes is break-glass, and " if forced and rights.has(Role.OPERATOR) else ""
        return _sentence(f"{what}{missing}"), True
    empty = next((Role(need.source) for need in policy.needs if need.source in rights.empty), None)
    if empty is not None:
        where = rights.place(empty)
        return f"Nobody could approve this: name users or user groups under `{where}` in the settings.", True
    if policy.channels is not None and channel not in policy.channels:
        return _only_in(policy.channels), True
    if policy.reason == "required" and not reason.strip():
        return 'This needs a reason: add reason="…".', False
    return "", False


def _only_in(channels: Collection[str]) -> str:
    if channels:
        return f"This is proposed in {', '.join(f'<#{name}>' for name in channels)} only."
    return "The policies that apply to this have no channel in common: change `channels` under `policies`."


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
        why = "" if rights.has(Role.ADMIN) else _lacks_all(rights, policy)
        return _sentence(f"only who may approve operation #{op.id} may reject it, and {why}") if why else ""
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
    why = _lacks_all(rights, policy)
    return _sentence(f"you may not approve operation #{op.id}: {why}") if why else ""


def _lacks_all(rights: Rights, policy: Policy) -> str:
    """Why a person's approval counts for none of what a policy needs, in a clause; "" when it does."""
    reasons = [lacks(rights, need.source) for need in policy.needs]
    return "" if "" in reasons else ", and ".join(dict.fromkeys(reasons))


def _refuse_own(op: Operation, rights: Rights, policy: Policy) -> str:
    if policy.requester_may == "never":
        return f"You proposed operation #{op.id} yourself, so somebody else must approve it."
    why = lacks(rights, Role.OPERATOR) if policy.requester_may == "always" else _lacks_all(rights, policy)
    return _sentence(f"you proposed operation #{op.id} yourself and cannot approve it too: {why}") if why else ""


def refuse_keeping(op: Operation, rights: Rights, policy: Policy) -> str:
    """Why a person may not make a lease longer, in a sentence: what was approved is for a time, so approvers may."""
    own = rights.user == op.requester
    if own and policy.requester_may == "never":
        return f"You proposed operation #{op.id} yourself, so another person must extend or keep it."
    always = own and policy.requester_may == "always"
    why = lacks(rights, Role.OPERATOR) if always else _lacks_all(rights, policy)
    return f"Only who may approve operation #{op.id} may extend or keep it: {why}." if why else ""


def missing(policy: Policy, requester: str, given: Collection[Rights]) -> Mapping[str, int]:
    """How many approvals are still missing, by role or user group; `given` are the rights of those who approved."""
    short = {need.source: need.approvals - _counted(need, policy, requester, given) for need in policy.needs}
    return {source: number for source, number in short.items() if number > 0}


def _counted(need: Need, policy: Policy, requester: str, given: Collection[Rights]) -> int:
    return len({rights.user for rights in given if _counts(need, policy, requester, rights)})


def _counts(need: Need, policy: Policy, requester: str, rights: Rights) -> bool:
    if rights.user != requester:
        return rights.has(need.source)
    if policy.requester_may == "always":
        return rights.has(Role.OPERATOR)
    return policy.requester_may != "never" and rights.has(need.source)


def phrase(short: Mapping[str, int]) -> str:
    """What is missing in words: "2 approvals by approver and 1 approval by admin"."""
    told = (f"{number} approval{'s' if number > 1 else ''} by {source}" for source, number in short.items())
    return " and ".join(told)


def progress(policy: Policy, short: Mapping[str, int]) -> str:
    """How far the approvals are: "1 of 2"; where several sources must approve, what is missing."""
    if policy.also:
        return f"{phrase(short)} missing"
    return f"{policy.approvals - short[policy.source]} of {policy.approvals}"


def enough(policy: Policy, requester: str, given: Collection[Rights]) -> bool:
    """Whether these people's approvals are all that is needed."""
    return not missing(policy, requester, given)


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."


def short_of(policy: Policy, approvers: frozenset[str], operators: frozenset[str]) -> str:
    """Why nobody could ever decide on what this policy governs, in a clause; "" when somebody can.

    `approvers` are the users who hold its source, `operators` those who may propose; both are all there are.
    """
    if not operators:
        return ""
    own = {"always": 1, "if_approver": 0, "never": -1}[policy.requester_may]
    # The best case: whoever proposes is the operator whose own approval counts most, or costs least.
    most = max(
        len(approvers | {one}) if own > 0 else len(approvers) if own == 0 else len(approvers - {one})
        for one in operators
    )
    if most >= policy.approvals:
        return ""
    besides = " besides whoever proposes" if own < 0 else ""
    may = "nobody may give one" if not most else f"only {most} {'person' if most == 1 else 'people'} may give one"
    return f"it takes {policy.approvals} approval{'s' if policy.approvals > 1 else ''}, but {may}{besides}"
