"""Who may do what: the roles named in the settings, held as users or through Slack user groups.

A cluster may name roles itself: on it, these replace the roles of the same name that hold for all clusters.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.common.errors import NotAllowed, SlackError
from bot.config import AccessSettings, Members
from bot.permissions.roles import HELD_ROLES, Rights, Role

GroupMembers = Callable[[str], Awaitable[frozenset[str]]]
"""Who is in a Slack user group (by its id); raises SlackError when Slack cannot tell."""

NOBODY = (
    "No operators are configured, so nobody may change anything. "
    "Name users or user groups under `access.operators` in the settings and restart."
)
_READS = "You may use every command that only reads."
_READS_MOST = "You may use every command that only reads, but for /cm audit: that is for operators."
_MAY = {
    Role.OPERATOR: "You are an *operator*: you may propose changes",
    Role.APPROVER: "You are an *approver*: you may decide on what others propose",
    Role.ADMIN: "You are an *admin*: you may cancel and settle any operation",
    Role.BREAKER: "You hold *break-glass*: you may propose with force=yes",
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
    """Answers which roles a person holds, and through what; a group that cannot be looked up grants nothing.

    `groups` are user groups (ids) that policies name besides the roles. `own` has the roles of each cluster that names
    some itself, those that it leaves out filled in from `settings`.
    """

    settings: AccessSettings
    group_members: GroupMembers
    groups: tuple[str, ...] = ()
    own: Mapping[str, AccessSettings] = field(default_factory=dict)

    async def rights(self, user: str, cluster: str = "") -> Rights:
        """Everything that `user` holds now on that cluster, "" for the roles of all clusters; never raises."""
        held: set[str] = set()
        unknown: dict[str, str] = {}
        for role in HELD_ROLES:
            members = self._members(role, cluster)
            if user in members.users:
                held.add(role)
            else:
                await self._look(role, user, members.groups, held, unknown)
        for group in self.groups:
            await self._look(group, user, (group,), held, unknown)
        empty = frozenset(role for role in HELD_ROLES if self._members(role, cluster) == Members())
        return Rights(user, frozenset(held), unknown, empty, self._places(cluster))

    def _members(self, role: Role, cluster: str) -> Members:
        members: Members = getattr(self.own.get(cluster, self.settings), f"{role.value}s")
        return members

    def _places(self, cluster: str) -> Mapping[str, str]:
        named = [role for role in HELD_ROLES if self._members(role, cluster) != self._members(role, "")]
        return {role: f"clusters.{cluster}.{role.key}" for role in named}

    async def _look(
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
        """Raise NotAllowed, saying what to do, unless `user` holds that role on that cluster."""
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
            f"You hold the role {role.value} on no cluster. Ask who runs cmbot to add you, or a user group you are in, "
            f"to `{role.key}` in its settings, or to `clusters[].{role.key}` for one cluster."
        )

    async def of_clusters(self, user: str, role: Role, clusters: Sequence[str]) -> tuple[str, ...]:
        """Those of the clusters on which `user` holds that role."""
        everywhere = (await self.rights(user)).has(role)
        own = {name: (await self.rights(user, name)).has(role) for name in clusters if name in self.own}
        return tuple(name for name in clusters if own.get(name, everywhere))

    async def describe(self, user: str) -> tuple[str, ...]:
        """Sentences on what `user` may do and why; then on which clusters it is different, as they name roles."""
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
    """A sentence for each set of roles, naming the clusters on which they are held."""
    alike: dict[str, list[str]] = {}
    for name, rights in own.items():
        alike.setdefault(_standing(rights), []).append(name)
    for standing, names in alike.items():
        yield f"On {', '.join(names)}: {standing}"


def _standing(rights: Rights) -> str:
    roles = [f"*{_NAMES[role]}*" for role in HELD_ROLES if rights.has(role)]
    if not roles:
        unsure = ", ".join(sorted(rights.unknown.values()))
        why = f", as Slack could not tell who is in {unsure}" if unsure else ", so you may look but not change"
        return f"you hold no role there{why}{_NAMED}."
    return f"there you are {', '.join(roles)} and nothing else{_NAMED}."


def lacking(rights: Rights, role: Role) -> str:
    """Why a person does not hold a role and what to do about it; "" when they do."""
    if rights.has(role):
        return ""
    if role in rights.empty:
        place = rights.place(role)
        nobody = NOBODY if role is Role.OPERATOR else f"Nobody is named under `{role.key}` in the settings."
        return nobody.replace(role.key, place) if place != role.key else nobody
    if role in rights.unknown:
        return (
            f"Slack could not tell who is in the {role.value} group {rights.unknown[role]}: refused for now. Try again."
        )
    may = {Role.OPERATOR: "look but not change", Role.BREAKER: "not use break-glass (force=yes)"}.get(
        role, "not do this"
    )
    article = "an" if role.value[0] in "aeo" else "a"
    place = rights.place(role)
    where = f" on {place.split('.')[1]}" if place != role.key else ""
    return (
        f"You are not {article} {role.value}{where}, so you may {may}{where and ' there'}. "
        f"Ask whoever runs cmbot to add you, or a user group you are in, to `{place}` in its settings."
    )


def lacking_source(rights: Rights, source: str) -> str:
    """The same for what a policy names: a role, or the id of a user group."""
    if source in set(HELD_ROLES):
        return lacking(rights, Role(source))
    if rights.has(source):
        return ""
    if source in rights.unknown:
        return f"Slack could not tell who is in the user group {rights.unknown[source]}: refused for now. Try again."
    return f"You are not in the user group {source}, so you may not do this. Ask whoever looks after that group."
