"""Policies: who may propose, who must approve, how long a card waits; decisions on a card with their reasons. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any

from bot.operations.model import Operation, OpState
from bot.rights import Holder, Rights


class Act(StrEnum):
    """What a button on a card asks for."""

    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Policy:
    """How one kind of change is decided on.

    `source` is the role or user group (id) that approvals come from; `requester_may` is "always" (whoever may propose
    may confirm it), "if_approver" (only when they hold the source too) or "never". `channels` (ids) are those in which
    it may be proposed, none: any. Times in seconds.
    """

    approvals: int = 1
    source: str = Holder.APPROVER
    requester_may: str = "if_approver"
    reason: str = "optional"
    expires_after: float = 900.0
    channels: tuple[str, ...] = ()

    @property
    def needs_others(self) -> bool:
        """Whether the requester's own approval never suffices."""
        return self.requester_may == "never" or self.approvals > 1

    def to_json(self) -> dict[str, Any]:
        """The form in which an operation keeps it for its card."""
        return {**asdict(self), "channels": list(self.channels)}


LEAST_FORCED = 2
"""People other than the requester who must approve what break-glass forces, whatever the settings say."""

POLICIES: Mapping[str, Policy] = {
    "task_enable": Policy(source=Holder.OPERATOR, requester_may="always"),
    "task_disable": Policy(),
    "member_add": Policy(),
    "leader_transfer": Policy(),
    "member_remove": Policy(requester_may="never"),
    "member_replace": Policy(requester_may="never"),
    "break_glass": Policy(approvals=LEAST_FORCED, requester_may="never", reason="required"),
}
"""What holds where the settings say nothing, by kind of change."""


def policy_of(key: str, *overrides: Mapping[str, Any]) -> Policy:
    """The policy of one kind of change: the default, then the keys of each override in turn."""
    return _overridden(POLICIES[key], overrides)


def stricter(policy: Policy, glass: Policy) -> Policy:
    """The policy with break-glass: never fewer than two people, never the requester, never without a reason."""
    return replace(
        glass,
        approvals=max(policy.approvals, glass.approvals, LEAST_FORCED),
        requester_may="never",
        reason="required",
        channels=glass.channels or policy.channels,
    )


def _overridden(policy: Policy, overrides: tuple[Mapping[str, Any], ...]) -> Policy:
    known = {item.name for item in fields(Policy)}
    for override in overrides:
        policy = replace(policy, **{name: value for name, value in override.items() if name in known})
    return policy


def lacks(rights: Rights, source: str) -> str:
    """Why a person does not count as one of a role or user group, in a clause; "" when they do."""
    if rights.has(source):
        return ""
    if source in rights.unknown:
        return f"Slack could not tell who is in the user group {rights.unknown[source]}, so this is refused for now"
    if source in rights.empty:
        return (
            f"nobody is named under `{rights.place(Holder(source))}` in the settings: name users or user groups there"
        )
    return f"you are not in the user group {source}" if source.startswith("S") else f"you do not hold the role {source}"


def refuse_proposal(
    policy: Policy, rights: Rights, *, channel: str, reason: str, forced: bool = False
) -> tuple[str, bool]:
    """Why this person may not propose it here: a sentence ("" when they may), and whether it is about their rights."""
    needed = (Holder.OPERATOR, *((Holder.BREAKER,) if forced else ()))
    missing = next((why for role in needed if (why := lacks(rights, role))), "")
    if missing:
        what = "force=yes is break-glass, and " if forced and rights.has(Holder.OPERATOR) else ""
        return _sentence(f"{what}{missing}"), True
    if policy.source in rights.empty:
        role = Holder(policy.source)
        return (
            f"Nobody could approve this: name users or user groups under `{rights.place(role)}` in the settings.",
            True,
        )
    if policy.channels and channel not in policy.channels:
        return f"This is proposed in {', '.join(f'<#{name}>' for name in policy.channels)} only.", True
    if policy.reason == "required" and not reason.strip():
        return 'This needs a reason: add reason="…".', False
    return "", False


def refuse_decision(op: Operation, act: Act, rights: Rights, policy: Policy, *, version: int, now: float) -> str:
    """Why a person's click on a card of that version does nothing, in a sentence for them; "" when it counts.

    A card of an earlier version still counts while it waits: what it shows of the cluster never changes under one id.
    """
    if op.state is not OpState.WAITING or not 0 < version <= op.version:
        return f"Operation {op.id} is {op.state} already, so this button no longer does anything."
    if now >= op.expires_at:
        return f"Operation {op.id} has expired. Type the command again to propose it anew."
    if act is Act.CANCEL:
        return _refuse_cancel(op, rights)
    if act is Act.REJECT:
        missing = "" if rights.has(Holder.ADMIN) else lacks(rights, policy.source)
        return _sentence(f"only who may approve operation {op.id} may reject it, and {missing}") if missing else ""
    return _refuse_approval(op, rights, policy)


def _refuse_cancel(op: Operation, rights: Rights) -> str:
    if rights.user == op.requester or rights.has(Holder.ADMIN):
        return ""
    return f"Only <@{op.requester}>, who proposed operation {op.id}, or an admin may cancel it."


def _refuse_approval(op: Operation, rights: Rights, policy: Policy) -> str:
    if rights.user in op.approvals:
        return f"You have approved operation {op.id} already; it waits for somebody else."
    if rights.user == op.requester:
        return _refuse_own(op, rights, policy)
    missing = lacks(rights, policy.source)
    return _sentence(f"you may not approve operation {op.id}: {missing}") if missing else ""


def _refuse_own(op: Operation, rights: Rights, policy: Policy) -> str:
    if policy.requester_may == "never":
        return f"You proposed operation {op.id} yourself, so somebody else must approve it."
    missing = lacks(rights, Holder.OPERATOR if policy.requester_may == "always" else policy.source)
    return _sentence(f"you proposed operation {op.id} yourself and cannot approve it too: {missing}") if missing else ""


def enough(op: Operation, policy: Policy, user: str) -> bool:
    """Whether this user's approval is the last that is needed."""
    return len({*op.approvals, user}) >= policy.approvals


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
