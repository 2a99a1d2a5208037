"""Policies: who may propose and approve each kind of change, what is missing, the strictest of several. No I/O."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from bot.permissions.roles import Rights, Role

LENIENCY = ("never", "if_approver", "always")
"""Values of `requester_may`, the strictest first."""


@dataclass(frozen=True, slots=True)
class Need:
    """Number of different people of one role or user group (its id) who must approve."""

    source: str
    approvals: int


@dataclass(frozen=True, slots=True)
class Policy:
    """Policy on one kind of change.

    `source` is the role or user group (id) that approvals come from; `also` are further needs. One person who holds
    several of them counts for each. `requester_may` says if the requester's own approval counts: "always",
    "if_approver" (if they hold a source) or "never". `channels` (ids) are those for proposals: None means any, an empty
    tuple none. Times in seconds.
    """

    approvals: int = 1
    source: str = Role.APPROVER
    requester_may: str = "if_approver"
    reason: str = "optional"
    expires_after: float = 900.0
    channels: tuple[str, ...] | None = None
    also: tuple[Need, ...] = ()

    @property
    def needs(self) -> tuple[Need, ...]:
        """All needed approvals."""
        return (Need(self.source, self.approvals), *self.also)


@dataclass(frozen=True, slots=True)
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
    "break_glass": Policy(approvals=MIN_FORCED, requester_may="never", reason="required"),
}
"""Default policies by kind of change."""


@dataclass(frozen=True, slots=True)
class PolicyOverride:
    """Values that replace those of a policy; None keeps the value, no channels mean any channel."""

    approvals: int | None = None
    source: str | None = None
    requester_may: str | None = None
    reason: str | None = None
    expires_after: float | None = None
    channels: tuple[str, ...] | None = None


def policy_of(key: str, *overrides: PolicyOverride) -> Policy:
    """Policy of one kind of change: the default, then the values of each override in turn."""
    policy = POLICIES[key]
    for override in overrides:
        given = ((item.name, getattr(override, item.name)) for item in fields(override))
        policy = replace(policy, **{name: value for name, value in given if value is not None})
    return replace(policy, channels=policy.channels or None)


def strictest(first: Policy, *others: Policy) -> Policy:
    """Policy that is at least as strict as each of several in every field."""
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
    )


def stricter(policy: Policy, glass: Policy) -> Policy:
    """Policy combined with that of break-glass: every part of both holds, and at least MIN_FORCED approvals."""
    least = replace(glass, approvals=max(glass.approvals, MIN_FORCED), requester_may=LENIENCY[0], reason="required")
    return strictest(policy, least)


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


def lacks(rights: Rights, source: str) -> str:
    """Why a person does not hold a role or is not in a user group, in a clause; "" when they do."""
    if rights.has(source):
        return ""
    if source in rights.unknown:
        return f"Slack did not list the user group {rights.unknown[source]}, so this is refused for now"
    if source in rights.empty:
        return f"`{rights.place(Role(source))}` in the settings is empty: name users or user groups there"
    return f"you are not in the user group {source}" if source.startswith("S") else f"you do not hold the role {source}"


def refuse_proposal(
    policy: Policy, rights: Rights, *, channel: str, reason: str, forced: bool = False
) -> tuple[str, bool]:
    """Why this person may not propose it here: a sentence ("" when they may), and True if rights are the reason."""
    needed = (Role.OPERATOR, *((Role.BREAKER,) if forced else ()))
    missing = next((why for role in needed if (why := lacks(rights, role))), "")
    if missing:
        what = "`force=yes` is break-glass, and " if forced and rights.has(Role.OPERATOR) else ""
        return as_sentence(f"{what}{missing}"), True
    empty = next((Role(need.source) for need in policy.needs if need.source in rights.empty), None)
    if empty is not None:
        where = rights.place(empty)
        return f"There is no approver for this: name users or user groups under `{where}` in the settings.", True
    if policy.channels is not None and channel not in policy.channels:
        return _only_in(policy.channels), True
    if policy.reason == "required" and not reason.strip():
        return 'This needs a reason: add `reason="…"`.', False
    return "", False


def _only_in(channels: Collection[str]) -> str:
    if channels:
        return f"Propose this in {' or '.join(f'<#{name}>' for name in channels)} only."
    return "The policies for this have no channel in common: change `channels` under `policies` in the settings."


def lacks_all(rights: Rights, policy: Policy) -> str:
    """Why a person's approval does not count for a policy, in a clause; "" when it does."""
    reasons = [lacks(rights, need.source) for need in policy.needs]
    return "" if "" in reasons else ", and ".join(dict.fromkeys(reasons))


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


def phrase(short: Mapping[str, int]) -> str:
    """Missing approvals as a phrase: "2 approvals by approver and 1 approval by admin"."""
    parts = (f"{number} approval{'s' if number > 1 else ''} by {source}" for source, number in short.items())
    return " and ".join(parts)


def progress(policy: Policy, short: Mapping[str, int]) -> str:
    """Progress of the approvals: "1 of 2"; with several sources, the missing approvals."""
    if policy.also:
        return f"{phrase(short)} missing"
    return f"{policy.approvals - short[policy.source]} of {policy.approvals}"


def enough(policy: Policy, requester: str, given: Collection[Rights]) -> bool:
    """True if these people's approvals suffice."""
    return not missing(policy, requester, given)


def short_of(policy: Policy, approvers: frozenset[str], operators: frozenset[str]) -> str:
    """Why the approvals of a policy can never be complete, in a clause; "" when they can.

    `approvers` are all users who hold its source, `operators` all who may propose.
    """
    if not operators:
        return ""
    own = {"always": 1, "if_approver": 0, "never": -1}[policy.requester_may]
    # The best case: the requester is the operator whose own approval counts most, or costs least.
    most = max(
        len(approvers | {one}) if own > 0 else len(approvers) if own == 0 else len(approvers - {one})
        for one in operators
    )
    if most >= policy.approvals:
        return ""
    besides = " besides the requester" if own < 0 else ""
    may = "no one can give one" if not most else f"only {most} {'person' if most == 1 else 'people'} can give one"
    return f"it needs {policy.approvals} approval{'s' if policy.approvals > 1 else ''}, but {may}{besides}"


def as_sentence(clause: str) -> str:
    """Make a clause a sentence."""
    return f"{clause[0].upper()}{clause[1:]}."
