"""Policies: who may propose and approve each kind of change, what is missing, the strictest of several. No I/O."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from bot.permissions.roles import Rights, Role

LENIENCY = ("never", "if_approver", "always")
"""The values of `requester_may`, the strictest first."""


@dataclass(frozen=True, slots=True)
class Need:
    """So many different people of one role or user group (its id) must approve."""

    source: str
    approvals: int


@dataclass(frozen=True, slots=True)
class Policy:
    """How one kind of change is decided on.

    `source` is the role or user group (id) that approvals come from; `also` are further ones that must approve as well.
    One person who holds several of them counts for each. `requester_may` is "always" (whoever may propose may confirm
    it), "if_approver" (only when they hold a source too) or "never". `channels` (ids) are those in which it may be
    proposed: None means any, an empty tuple none. Times in seconds.
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
        """Every approval that it takes."""
        return (Need(self.source, self.approvals), *self.also)

    @property
    def needs_others(self) -> bool:
        """Whether the requester's own approval never suffices."""
        return self.requester_may == "never" or any(need.approvals > 1 for need in self.needs)


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms on which an operation is approved: its policy, and the approvals missing after the last click."""

    policy: Policy
    missing: tuple[Need, ...] = ()


PolicyOf = Callable[[str, Sequence[str], bool], Policy]
"""The policy of (cluster, names of the policies that apply, whether break-glass is used)."""

LEAST_FORCED = 2
"""People other than the requester who must approve what break-glass forces, whatever the settings say."""

POLICIES: Mapping[str, Policy] = {
    "task_enable": Policy(source=Role.OPERATOR, requester_may="always"),
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
    policy, known = POLICIES[key], {item.name for item in fields(Policy)}
    for override in overrides:
        policy = replace(policy, **{name: value for name, value in override.items() if name in known})
    return replace(policy, channels=policy.channels or None)


def strictest(first: Policy, *others: Policy) -> Policy:
    """One policy that is at least as strict as each in every field: what several kinds of change at once take."""
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
    """The policy with that of break-glass added: every part of both holds, and never less than LEAST_FORCED."""
    least = replace(glass, approvals=max(glass.approvals, LEAST_FORCED), requester_may=LENIENCY[0], reason="required")
    return strictest(policy, least)


def _merged(parts: tuple[Policy, ...]) -> list[Need]:
    needs = [need for part in parts if not _given_by_proposing(part) for need in part.needs]
    most: dict[str, int] = {}
    for source, approvals in ((need.source, need.approvals) for need in needs or parts[0].needs):
        most[source] = max(approvals, most.get(source, 0))
    return [Need(source, approvals) for source, approvals in most.items()]


def _given_by_proposing(part: Policy) -> bool:
    """Whether one operator's consent is all it takes, be it the requester's: beside other approvals it is there."""
    return part.requester_may == "always" and part.needs == (Need(Role.OPERATOR, 1),)


def _common(channels: Iterable[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    named = [each for each in channels if each is not None]
    if not named:
        return None
    return tuple(channel for channel in named[0] if all(channel in other for other in named))


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
        return as_sentence(f"{what}{missing}"), True
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


def lacks_all(rights: Rights, policy: Policy) -> str:
    """Why a person's approval counts for none of what a policy needs, in a clause; "" when it does."""
    reasons = [lacks(rights, need.source) for need in policy.needs]
    return "" if "" in reasons else ", and ".join(dict.fromkeys(reasons))


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


def as_sentence(clause: str) -> str:
    """Make a clause a sentence."""
    return f"{clause[0].upper()}{clause[1:]}."
