"""Decisions on a card: does this click count, and the named reason when it does not. No I/O."""

from collections.abc import Mapping
from enum import StrEnum

from bot.common.frozen import frozen
from bot.operations.disk_series import may_stop
from bot.operations.leases import extended
from bot.operations.model import Operation, OpState
from bot.operations.policy import Lack, Need, Policy, Refusal, lacks, lacks_all, missing
from bot.permissions.roles import Rights, Role


class Act(StrEnum):
    """Act of a button on a card."""

    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"


@frozen
class OperationRefusal(Refusal):
    """Refusal of an act on the operation of that number."""

    op: int


@frozen
class NotWaiting(OperationRefusal):
    """The operation is not waiting, or the button is forged."""

    state: OpState


@frozen
class TooLate(OperationRefusal):
    """The operation has expired."""


@frozen
class MayNotCancel(OperationRefusal):
    """Only the requester or an admin may cancel the operation."""

    requester: str


@frozen
class AlreadyApproved(OperationRefusal):
    """The person has approved the operation before."""


@frozen
class OwnOperation(OperationRefusal):
    """The person proposed the operation, so another one must act; `lease` is True if a lease is to be changed.

    `agent` is True if an agent proposed it in the person's name.
    """

    lease: bool
    agent: bool = False


class Lacking(StrEnum):
    """Act for which a person lacks the role."""

    APPROVE = "approve"
    APPROVE_OWN = "approve_own"
    REJECT = "reject"
    CHANGE_LEASE = "change_lease"


@frozen
class DeciderLacks(OperationRefusal):
    """The person lacks what the act needs."""

    act: Lacking
    lacks: tuple[Lack, ...]


@frozen
class LeaseOver(OperationRefusal):
    """The lease of the operation is over."""


@frozen
class LeaseNeedsMore(OperationRefusal):
    """The lease was approved by more than one person, so no single one changes it.

    `short` are the approvals that the person cannot give alone; `forced` is True for break-glass.
    """

    short: tuple[Need, ...]
    forced: bool = False


DecisionRefusal = (
    NotWaiting | TooLate | MayNotCancel | AlreadyApproved | OwnOperation | DeciderLacks | LeaseOver | LeaseNeedsMore
)


def refuse_decision(
    op: Operation, act: Act, rights: Rights, policy: Policy, *, version: int, now: float
) -> DecisionRefusal | None:
    """Find why a click on a card of that version does not count; None when it does.

    An earlier version of a waiting card still counts: the state that it shows never changes under one id.
    """
    if op.state is not OpState.WAITING or not 0 < version <= op.version:
        return NotWaiting(op.id, op.state)
    if now >= op.expires_at:
        return TooLate(op.id)
    if act is Act.CANCEL:
        may = rights.user == op.requester or rights.has(Role.ADMIN)
        return None if may else MayNotCancel(op.id, op.requester)
    if act is Act.REJECT:
        return None if rights.has(Role.ADMIN) else _lacking(op, Lacking.REJECT, lacks_all(rights, policy))
    return _refuse_approval(op, rights, policy)


def refuse_stopping(op: Operation, rights: Rights) -> DecisionRefusal | None:
    """Find why a person may not cancel the rest of a series; its requester and admins may."""
    if not may_stop(op):
        return NotWaiting(op.id, op.state)
    return None if rights.user == op.requester or rights.has(Role.ADMIN) else MayNotCancel(op.id, op.requester)


def _refuse_approval(op: Operation, rights: Rights, policy: Policy) -> DecisionRefusal | None:
    if rights.user in op.approvals:
        return AlreadyApproved(op.id)
    if rights.user != op.requester:
        return _lacking(op, Lacking.APPROVE, lacks_all(rights, policy))
    if policy.requester_may == "never" or op.options.agent:
        return OwnOperation(op.id, lease=False, agent=op.options.agent)
    return _lacking(op, Lacking.APPROVE_OWN, _own_lacks(rights, policy))


def _own_lacks(rights: Rights, policy: Policy) -> tuple[Lack, ...]:
    """Find what a requester lacks for the own approval."""
    if policy.requester_may != "always":
        return lacks_all(rights, policy)
    lack = lacks(rights, Role.OPERATOR)
    return () if lack is None else (lack,)


def _lacking(op: Operation, act: Lacking, found: tuple[Lack, ...]) -> DeciderLacks | None:
    return DeciderLacks(op.id, act, found) if found else None


def refuse_keeping(op: Operation, rights: Rights, policy: Policy) -> DecisionRefusal | None:
    """Find why a person may not extend or keep a lease; who could approve such a change alone may."""
    if not op.lease_until:
        return LeaseOver(op.id)
    refusal = _refuse_role(op, rights, policy)
    short = missing(policy, op.requester, [rights])
    if refusal is None and (op.forced or short):
        return LeaseNeedsMore(op.id, tuple(Need(*each) for each in short.items()), forced=op.forced)
    return refusal


def needs_more_people(op: Operation, policy: Policy) -> bool:
    """True if the policy lets no single person extend or keep a lease."""
    return op.forced or any(need.approvals > 1 for need in policy.needs)


def is_proposed_again(op: Operation, policy: Policy) -> bool:
    """True if a lease is changed by a new proposal: its buttons are for few or none, or its length is used up."""
    return needs_more_people(op, policy) or bool(policy.also) or extended(op) is None


def _refuse_role(op: Operation, rights: Rights, policy: Policy) -> DecisionRefusal | None:
    """Find why a person could not approve a lease at all."""
    if rights.user != op.requester:
        return _lacking(op, Lacking.CHANGE_LEASE, lacks_all(rights, policy))
    if policy.requester_may == "never" or op.options.agent:
        return OwnOperation(op.id, lease=True, agent=op.options.agent)
    return _lacking(op, Lacking.CHANGE_LEASE, _own_lacks(rights, policy))


@frozen
class DecisionRights:
    """Rights of an operation's requester, of its earlier approvers, and of the person who clicks now."""

    requester: Rights
    earlier: tuple[Rights, ...]
    clicker: Rights

    @property
    def given(self) -> tuple[Rights, ...]:
        """Rights of all approvers, the click included."""
        return (*self.earlier, self.clicker)


def requester_lacks(op: Operation, people: DecisionRights) -> Role | None:
    """Role that the requester lost; None for none."""
    needed = (Role.OPERATOR, *((Role.BREAKER,) if op.forced else ()))
    return next((role for role in needed if not people.requester.has(role)), None)


def unsure(op: Operation, policy: Policy, people: DecisionRights) -> str:
    """User group that decides here and that Slack did not list; "" for none."""
    own = (Role.OPERATOR, *((Role.BREAKER,) if op.forced else ()))
    wanted = [(people.requester, source) for source in own]
    if missing(policy, op.requester, people.given):
        wanted += [(rights, need.source) for rights in people.given for need in policy.needs]
    unknown = (rights.unknown.get(source, "") for rights, source in wanted if not rights.has(source))
    return next((group for group in unknown if group), "")


def dropped(policy: Policy, op: Operation, people: DecisionRights) -> Mapping[str, tuple[str, ...]]:
    """Earlier approvals that no longer count: user ids, each with the sources that the person lacks."""
    alone = {rights.user: missing(policy, op.requester, [rights]) for rights in people.earlier}
    none = {need.source: need.approvals for need in policy.needs}
    return {user: tuple(none) for user, short in alone.items() if short == none}
