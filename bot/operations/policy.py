"""Policies: who may propose and approve each kind of change, what is missing, the strictest of several. No I/O."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from enum import StrEnum

from bot.common.errors import Problem
from bot.common.frozen import frozen
from bot.permissions.roles import Rights, Role

LENIENCY = ("never", "if_approver", "always")
"""Values of `requester_may`, the strictest first."""


@frozen
class Need:
    """Number of different people of one role or user group (its id) who must approve."""

    source: str
    approvals: int


@frozen
class Policy:
    """Policy on one kind of change.

    `source` is the role or user group (id) that approvals come from; `also` are further needs. One person who holds
    several of them counts for each. `requester_may` says if the requester's own approval counts: "always",
    "if_approver" (if they hold a source) or "never". `channels` (ids) are those for proposals: None means any, an empty
    tuple none. `call` are the users and user groups (ids) whom a card that waits for another person calls. Times in
    seconds.
    """

    approvals: int = 1
    source: str = Role.APPROVER
    requester_may: str = "if_approver"
    reason: str = "optional"
    expires_after: float = 900.0
    channels: tuple[str, ...] | None = None
    also: tuple[Need, ...] = ()
    call: tuple[str, ...] = ()

    @property
    def needs(self) -> tuple[Need, ...]:
        """All needed approvals."""
        return (Need(self.source, self.approvals), *self.also)


@frozen
class Terms:
    """Terms on which an operation is approved: its policy, and the approvals missing after the last click.

    `requester_counts` is True if the requester's own approval counted when the card was made; None when that is not
    known.
    """

    policy: Policy
    missing: tuple[Need, ...] = ()
    requester_counts: bool | None = None


PolicyOf = Callable[[str, Sequence[str], bool], Policy]
"""Policy of (cluster, names of the policies that apply, True with break-glass)."""

MIN_FORCED = 2
"""Minimum number of people other than the requester who must approve break-glass; settings cannot lower it."""

POLICIES: Mapping[str, Policy] = {
    "task_enable": Policy(source=Role.OPERATOR, requester_may="always"),
    "task_disable": Policy(),
    "member_add": Policy(),
    "leader_transfer": Policy(),
    "member_remove": Policy(requester_may="never"),
    "member_replace": Policy(requester_may="never"),
    "disk_readonly": Policy(),
    "disk_writable": Policy(),
    "disk_broken": Policy(reason="required"),
    "disk_offline": Policy(reason="required"),
    "node_offline": Policy(reason="required"),
    "break_glass": Policy(approvals=MIN_FORCED, requester_may="never", reason="required"),
}
"""Default policies by kind of change, as an installation that began before strict ones has them."""

ALONE = frozenset({"task_enable"})
"""Kinds of change that one person may decide by the strict policies too: they end what a change began."""


class PolicyMode(StrEnum):
    """Default policies of an installation: STRICT needs a second person for each change that risks a cluster."""

    STRICT = "strict"
    LOOSE = "loose"


def default_policy(key: str, mode: PolicyMode) -> Policy:
    """Return the default policy of one kind of change."""
    policy = POLICIES[key]
    return policy if mode is PolicyMode.LOOSE or key in ALONE else replace(policy, requester_may=LENIENCY[0])


@frozen
class PolicyOverride:
    """Values that replace those of a policy; None keeps the value, no channels mean any channel."""

    approvals: int | None = None
    source: str | None = None
    requester_may: str | None = None
    reason: str | None = None
    expires_after: float | None = None
    channels: tuple[str, ...] | None = None
    call: tuple[str, ...] | None = None


def policy_of(key: str, *overrides: PolicyOverride, mode: PolicyMode = PolicyMode.LOOSE) -> Policy:
    """Policy of one kind of change: the default of `mode`, then the values of each override in turn."""
    policy = default_policy(key, mode)
    for override in overrides:
        given = ((item.name, getattr(override, item.name)) for item in fields(override))
        policy = replace(policy, **{name: value for name, value in given if value is not None})
    return replace(policy, channels=policy.channels or None)


def strictest(first: Policy, *others: Policy) -> Policy:
    """Policy that is at least as strict as each of several in every field; it calls whom any of them calls."""
    parts = (first, *others)
    main, *also = _merged(parts)
    return Policy(
        approvals=main.approvals,
        source=main.source,
        requester_may=min((part.requester_may for part in parts), key=LENIENCY.index),
        reason="required" if any(part.reason == "required" for part in parts) else "optional",
        expires_after=min(part.expires_after for part in parts),
        channels=_common(part.channels for part in parts),
        also=tuple(also),
        call=tuple(dict.fromkeys(who for part in parts for who in part.call)),
    )


def stricter(policy: Policy, glass: Policy) -> Policy:
    """Policy combined with that of break-glass: every part of both holds, and at least MIN_FORCED approvals."""
    least = replace(glass, approvals=max(glass.approvals, MIN_FORCED), requester_may=LENIENCY[0], reason="required")
    return strictest(policy, least)


def of_agent(policy: Policy) -> Policy:
    """Policy of a change that an agent proposes: its requester, in whose name it does, never counts."""
    return replace(policy, requester_may=LENIENCY[0], reason="required")


def _merged(parts: tuple[Policy, ...]) -> list[Need]:
    needs = [need for part in parts if not _given_by_proposing(part) for need in part.needs]
    most: dict[str, int] = {}
    for source, approvals in ((need.source, need.approvals) for need in needs or parts[0].needs):
        most[source] = max(approvals, most.get(source, 0))
    return [Need(source, approvals) for source, approvals in most.items()]


def _given_by_proposing(part: Policy) -> bool:
    """True if one operator's consent suffices, even the requester's; other approvals then imply it."""
    return part.requester_may == "always" and part.needs == (Need(Role.OPERATOR, 1),)


def _common(channels: Iterable[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    named = [each for each in channels if each is not None]
    if not named:
        return None
    return tuple(channel for channel in named[0] if all(channel in other for other in named))


class LackReason(StrEnum):
    """Reason why a person does not hold a role or is not in a user group."""

    NOT_LISTED = "not_listed"
    NO_HOLDERS = "no_holders"
    NOT_IN_GROUP = "not_in_group"
    NOT_HELD = "not_held"


@frozen
class Lack:
    """A role or user group that a person does not hold.

    `about` is the user group that Slack did not list, the settings key without holders, or the source itself.
    """

    reason: LackReason
    about: str


def lacks(rights: Rights, source: str) -> Lack | None:
    """Find why a person does not hold a role or is not in a user group; None when they do."""
    if rights.has(source):
        return None
    if source in rights.unknown:
        return Lack(LackReason.NOT_LISTED, rights.unknown[source])
    if source in rights.empty:
        return Lack(LackReason.NO_HOLDERS, rights.place(Role(source)))
    return Lack(LackReason.NOT_IN_GROUP if source.startswith("S") else LackReason.NOT_HELD, source)


def lacks_all(rights: Rights, policy: Policy) -> tuple[Lack, ...]:
    """Find why a person's approval does not count for a policy; empty when it does."""
    found = [lacks(rights, need.source) for need in policy.needs]
    every = [lack for lack in found if lack is not None]
    return tuple(dict.fromkeys(every)) if len(every) == len(found) else ()


@frozen
class Refusal(Problem):
    """Reason why an act is refused, without words: one subclass a reason."""


@frozen
class ProposerLacks(Refusal):
    """The proposer lacks a role; `glass` is True if break-glass alone needs it."""

    lack: Lack
    glass: bool


@frozen
class NoApprover(Refusal):
    """No one can approve: the settings key `place` is empty."""

    place: str


@frozen
class OtherChannel(Refusal):
    """The change may be proposed in these channels only; the policies have none in common when there is none."""

    channels: tuple[str, ...]


@frozen
class ReasonMissing(Refusal):
    """The change needs a reason."""


ProposalRefusal = ProposerLacks | NoApprover | OtherChannel | ReasonMissing


def refuse_proposal(
    policy: Policy, rights: Rights, *, channel: str, reason: str, forced: bool = False
) -> ProposalRefusal | None:
    """Find why this person may not propose it here; None when they may."""
    needed = (Role.OPERATOR, *((Role.BREAKER,) if forced else ()))
    missing = next((lack for role in needed if (lack := lacks(rights, role)) is not None), None)
    if missing is not None:
        return ProposerLacks(missing, glass=forced and rights.has(Role.OPERATOR))
    empty = next((Role(need.source) for need in policy.needs if need.source in rights.empty), None)
    if empty is not None:
        return NoApprover(rights.place(empty))
    if policy.channels is not None and channel not in policy.channels:
        return OtherChannel(policy.channels)
    return ReasonMissing() if policy.reason == "required" and not reason.strip() else None


def missing(policy: Policy, requester: str, given: Collection[Rights]) -> Mapping[str, int]:
    """Missing approvals by role or user group; `given` are the rights of those who approved."""
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


def enough(policy: Policy, requester: str, given: Collection[Rights]) -> bool:
    """True if these people's approvals suffice."""
    return not missing(policy, requester, given)


@frozen
class Shortfall:
    """Approvals that a policy needs, and the people who can give one; `others` if the requester does not count."""

    needed: int
    people: int
    others: bool


def short_of(policy: Policy, approvers: frozenset[str], operators: frozenset[str]) -> Shortfall | None:
    """Find why the approvals of a policy can never be complete; None when they can.

    `approvers` are all users who hold its source, `operators` all who may propose.
    """
    if not operators:
        return None
    own = {"always": 1, "if_approver": 0, "never": -1}[policy.requester_may]
    # The best case: the requester is the operator whose own approval counts most, or costs least.
    most = max(
        len(approvers | {one}) if own > 0 else len(approvers) if own == 0 else len(approvers - {one})
        for one in operators
    )
    return None if most >= policy.approvals else Shortfall(policy.approvals, most, others=own < 0)
