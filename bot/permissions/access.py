"""Access: the roles that a person holds by the settings, as a user or through a Slack user group.

A cluster may name roles itself; there they replace the roles of the same name that hold for all clusters.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.common.errors import NotAllowed, SlackError
from bot.config import AccessSettings, Members
from bot.permissions.roles import HELD_ROLES, Rights, Role

GroupMembers = Callable[[str], Awaitable[frozenset[str]]]
"""Returns the members of a Slack user group (by its id); raises SlackError if Slack gives no list."""

NO_OPERATORS = (
    "No one may change anything, because no operators are configured. "
    "Name users or user groups under `access.operators` in the settings and restart."
)
_READS = "You may use every command that only reads."
_READS_MOST = "You may use every command that only reads, except `/cm audit`, which is for operators."
_MAY = {
    Role.OPERATOR: "You are an *operator*: you may propose changes",
    Role.APPROVER: "You are an *approver*: you may approve or reject the changes of others",
    Role.ADMIN: "You are an *admin*: you may cancel and settle any operation",
    Role.BREAKER: "You hold *break-glass*: you may propose changes with `force=yes`",
}

_NAMES = {
    Role.OPERATOR: "operator",
    Role.APPROVER: "approver",
    Role.ADMIN: "admin",
    Role.BREAKER: "break-glass",
}
_NAMED = " (`clusters[].access` in the settings)"


@dataclass(frozen=True, slots=True)
class Access:
    """Looks up the roles of a person; a user group that Slack cannot list grants nothing.

    `groups` are the user groups (ids) that policies name besides the roles. `own` has the roles of each cluster that
    names some itself, completed from `settings`.
    """

    settings: AccessSettings
    group_members: GroupMembers
    groups: tuple[str, ...] = ()
    own: Mapping[str, AccessSettings] = field(default_factory=dict)

    async def rights(self, user: str, cluster: str = "") -> Rights:
        """Return what `user` holds now on that cluster, "" for the roles of all clusters; never raises."""
        held: set[str] = set()
        unknown: dict[str, str] = {}
        for role in HELD_ROLES:
            members = self._members(role, cluster)
            if user in members.users:
                held.add(role)
            else:
                await self._add_role(role, user, members.groups, held, unknown)
        for group in self.groups:
            await self._add_role(group, user, (group,), held, unknown)
        empty = frozenset(role for role in HELD_ROLES if self._members(role, cluster) == Members())
        return Rights(user, frozenset(held), unknown, empty, self._places(cluster))

    def _members(self, role: Role, cluster: str) -> Members:
        members: Members = getattr(self.own.get(cluster, self.settings), f"{role.value}s")
        return members

    def _places(self, cluster: str) -> Mapping[str, str]:
        named = [role for role in HELD_ROLES if self._members(role, cluster) != self._members(role, "")]
        return {role: f"clusters.{cluster}.{role.key}" for role in named}

    async def _add_role(
        self, source: str, user: str, groups: tuple[str, ...], held: set[str], unknown: dict[str, str]
    ) -> None:
        for group in groups:
            try:
                if user in await self.group_members(group):
                    held.add(source)
                    unknown.pop(source, None)
                    return
            except SlackError as error:
                unknown[source] = f"{group} ({error.code or 'no answer'})"

    async def require(self, user: str, role: Role, cluster: str = "") -> None:
        """Raise NotAllowed with a next step unless `user` holds that role on that cluster."""
        missing = lacking(await self.rights(user, cluster), role)
        if missing:
            raise NotAllowed(missing)

    async def require_somewhere(self, user: str, role: Role) -> None:
        """Raise NotAllowed unless `user` holds that role for all clusters or on at least one."""
        for cluster in ("", *self.own):
            if (await self.rights(user, cluster)).has(role):
                return
        if not self.own:
            await self.require(user, role)
        raise NotAllowed(
            f"You hold the role {role.value} on no cluster. "
            "Ask an administrator of cmbot to add you, or a user group you are in, "
            f"to `{role.key}` in its settings, or to `clusters[].{role.key}` for one cluster."
        )

    async def of_clusters(self, user: str, role: Role, clusters: Sequence[str]) -> tuple[str, ...]:
        """Return those of the clusters on which `user` holds that role."""
        everywhere = (await self.rights(user)).has(role)
        own = {name: (await self.rights(user, name)).has(role) for name in clusters if name in self.own}
        return tuple(name for name in clusters if own.get(name, everywhere))

    async def describe(self, user: str) -> tuple[str, ...]:
        """Return sentences on what `user` may do and why, then on the clusters that name roles themselves."""
        rights = await self.rights(user)
        held = [f"{_MAY[role]}: {self._why(user, role)}." for role in HELD_ROLES if rights.has(role)]
        if not rights.has(Role.OPERATOR) and not (self.own and Role.OPERATOR in rights.empty):
            held.append(lacking(rights, Role.OPERATOR))
        own = {name: await self.rights(user, name) for name in self.own}
        reads = rights.has(Role.OPERATOR) or any(each.has(Role.OPERATOR) for each in own.values())
        return (_READS if reads else _READS_MOST, *held, *_differing(own))

    def _why(self, user: str, role: Role) -> str:
        if user in self._members(role, "").users:
            return f"you are named in `{role.key}.users`"
        return f"you are in a user group of the {role.value}s"


def _differing(own: Mapping[str, Rights]) -> Iterator[str]:
    """Yield a sentence for each set of roles that names the clusters."""
    alike: dict[str, list[str]] = {}
    for name, rights in own.items():
        alike.setdefault(_standing(rights), []).append(name)
    for standing, names in alike.items():
        yield f"On {', '.join(names)}: {standing}"


def _standing(rights: Rights) -> str:
    roles = [f"*{_NAMES[role]}*" for role in HELD_ROLES if rights.has(role)]
    if not roles:
        unsure = ", ".join(sorted(rights.unknown.values()))
        why = f", because Slack did not list {unsure}" if unsure else ", so you may only read"
        return f"you hold no role there{why}{_NAMED}."
    return f"there you are {', '.join(roles)} only{_NAMED}."


def lacking(rights: Rights, role: Role) -> str:
    """Return why a person does not hold a role and what to do about it, "" if they hold it."""
    if rights.has(role):
        return ""
    if role in rights.empty:
        place = rights.place(role)
        reason = NO_OPERATORS if role is Role.OPERATOR else f"The settings name no one under `{role.key}`."
        return reason.replace(role.key, place) if place != role.key else reason
    if role in rights.unknown:
        return f"Refused for now, because Slack did not list the {role.value} group {rights.unknown[role]}. Try again."
    may = {Role.OPERATOR: "only read", Role.BREAKER: "not use break-glass (`force=yes`)"}.get(role, "not do this")
    article = "an" if role.value[0] in "aeo" else "a"
    place = rights.place(role)
    where = f" on {place.split('.')[1]}" if place != role.key else ""
    return (
        f"You are not {article} {role.value}{where}, so you may {may}{where and ' there'}. "
        f"Ask an administrator of cmbot to add you, or a user group you are in, to `{place}` in its settings."
    )


def lacking_source(rights: Rights, source: str) -> str:
    """Return the same as `lacking` for a role or the id of a user group, as a policy names them."""
    if source in set(HELD_ROLES):
        return lacking(rights, Role(source))
    if rights.has(source):
        return ""
    if source in rights.unknown:
        return f"Refused for now, because Slack did not list the user group {rights.unknown[source]}. Try again."
    return f"You are not in the user group {source}, so you may not do this. Ask the owner of that group."
