"""The people behind an approval: looked up again at the click that decides, past every cache."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.operations.model import Operation
from bot.operations.policy import Policy, lacks, missing
from bot.permissions.access import Access, GroupMembers
from bot.permissions.roles import Rights, Role


@dataclass(slots=True)
class LookupOnce:
    """Looks each user group up once: for all the people of one decision."""

    members: GroupMembers
    _known: dict[str, frozenset[str]] = field(default_factory=dict)

    async def __call__(self, group: str) -> frozenset[str]:
        """Who is in the group; raises SlackError, and then it is asked again for the next person."""
        if group not in self._known:
            self._known[group] = await self.members(group)
        return self._known[group]


@dataclass(frozen=True, slots=True)
class DecisionRights:
    """The rights of an operation's requester, of those who approved it before, and of the one who clicks now."""

    requester: Rights
    earlier: tuple[Rights, ...]
    clicker: Rights

    @property
    def given(self) -> tuple[Rights, ...]:
        """The rights of all who approved, the click included."""
        return (*self.earlier, self.clicker)


async def people_of(access: Access, op: Operation, user: str, *, now: GroupMembers | None = None) -> DecisionRights:
    """Everybody whose rights count for this click; `now` looks user groups up past the cache."""
    fresh = replace(access, group_members=LookupOnce(now)) if now is not None else access
    rights = {who: await fresh.rights(who, op.cluster) for who in dict.fromkeys((op.requester, *op.approvals, user))}
    return DecisionRights(rights[op.requester], tuple(rights[who] for who in op.approvals), rights[user])


def requester_lacks(op: Operation, people: DecisionRights) -> str:
    """Why the requester may no longer have this done, in a clause; "" when they may."""
    needed = (Role.OPERATOR, *((Role.BREAKER,) if op.forced else ()))
    return next((f"the role {role}" for role in needed if lacks(people.requester, role)), "")


def unsure(op: Operation, policy: Policy, people: DecisionRights) -> str:
    """A user group that Slack could not list just now and on which this decision hangs; "" for none."""
    own = (Role.OPERATOR, *((Role.BREAKER,) if op.forced else ()))
    wanted = [(people.requester, source) for source in own]
    if missing(policy, op.requester, people.given):
        wanted += [(rights, need.source) for rights in people.given for need in policy.needs]
    unknown = (rights.unknown.get(source, "") for rights, source in wanted if not rights.has(source))
    return next((group for group in unknown if group), "")


def dropped(policy: Policy, op: Operation, people: DecisionRights) -> Mapping[str, str]:
    """The earlier approvals that count no more, by user id with what that person lacks."""
    alone = {rights.user: missing(policy, op.requester, [rights]) for rights in people.earlier}
    none = {need.source: need.approvals for need in policy.needs}
    return {user: " and ".join(none) for user, short in alone.items() if short == none}
