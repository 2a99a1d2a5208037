"""Policies: how each kind of change is decided on, and the strictest of several. No I/O."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from bot.permissions.roles import Role

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

    def to_json(self) -> dict[str, Any]:
        """The form in which an operation keeps it for its card."""
        also = [asdict(need) for need in self.also]
        return {**asdict(self), "channels": list(self.channels or ()), "also": also}


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
