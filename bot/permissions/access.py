"""Access: the roles that a person holds by the settings, as a user or through a Slack user group.

A cluster may name roles itself; there they replace the roles of the same name that hold for all clusters.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import field

from bot.common.errors import NotAllowed, SlackError
from bot.common.frozen import frozen
from bot.config import AccessSettings, Members
from bot.permissions.problems import (
    GroupUnproven,
    NotInGroup,
    RoleHeldNowhere,
    RoleMissing,
    RoleNotHeld,
    RoleUnproven,
    RoleWithoutHolders,
    SourceMissing,
)
from bot.permissions.roles import HELD_ROLES, Rights, Role

GroupMembers = Callable[[str], Awaitable[frozenset[str]]]
"""Returns the members of a Slack user group (by its id); raises SlackError if Slack gives no list."""


@frozen
class HeldRole:
    """A role that a person holds for all clusters; `by_name` is True if the settings name the person."""

    role: Role
    by_name: bool


@frozen
class ClusterStanding:
    """The roles of a person on clusters that name roles themselves.

    Without a role, `unlisted` are the user groups that Slack did not list, which may give one.
    """

    clusters: tuple[str, ...]
    roles: tuple[Role, ...]
    unlisted: tuple[str, ...] = ()


@frozen
class Standing:
    """Everything that a person may do, and why; `lacks` is why the person is no operator, None if that is clear.

    `audits` is True if the person may read the audit log.
    """

    audits: bool
    held: tuple[HeldRole, ...] = ()
    lacks: RoleMissing | None = None
    clusters: tuple[ClusterStanding, ...] = ()


@frozen
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
        """Raise NotAllowed unless `user` holds that role on that cluster."""
        missing = lacking(await self.rights(user, cluster), role)
        if missing is not None:
            raise NotAllowed(missing)

    async def require_somewhere(self, user: str, role: Role) -> None:
        """Raise NotAllowed unless `user` holds that role for all clusters or on at least one."""
        for cluster in ("", *self.own):
            if (await self.rights(user, cluster)).has(role):
                return
        if not self.own:
            await self.require(user, role)
        raise NotAllowed(RoleHeldNowhere(role))

    async def of_clusters(self, user: str, role: Role, clusters: Sequence[str]) -> tuple[str, ...]:
        """Return those of the clusters on which `user` holds that role."""
        everywhere = (await self.rights(user)).has(role)
        own = {name: (await self.rights(user, name)).has(role) for name in clusters if name in self.own}
        return tuple(name for name in clusters if own.get(name, everywhere))

    async def standing(self, user: str) -> Standing:
        """Return what `user` may do and why, and what differs on the clusters that name roles themselves."""
        rights = await self.rights(user)
        held = tuple(HeldRole(role, user in self._members(role, "").users) for role in HELD_ROLES if rights.has(role))
        # Where clusters name their own operators, it is no fault that none are named for all of them.
        clear = self.own and Role.OPERATOR in rights.empty
        own = {name: await self.rights(user, name) for name in self.own}
        audits = rights.has(Role.OPERATOR) or any(each.has(Role.OPERATOR) for each in own.values())
        return Standing(audits, held, None if clear else lacking(rights, Role.OPERATOR), _differing(own))


def _differing(own: Mapping[str, Rights]) -> tuple[ClusterStanding, ...]:
    """Return one standing for each set of roles."""
    alike: dict[tuple[tuple[Role, ...], tuple[str, ...]], list[str]] = {}
    for name, rights in own.items():
        roles = tuple(role for role in HELD_ROLES if rights.has(role))
        unlisted = () if roles else tuple(sorted(rights.unknown.values()))
        alike.setdefault((roles, unlisted), []).append(name)
    return tuple(ClusterStanding(tuple(names), *found) for found, names in alike.items())


def lacking(rights: Rights, role: Role) -> RoleMissing | None:
    """Return why a person does not hold a role, None if they hold it."""
    if rights.has(role):
        return None
    place = rights.place(role)
    cluster = place.split(".")[1] if place != role.key else ""
    if role in rights.empty:
        return RoleWithoutHolders(role, cluster)
    if role in rights.unknown:
        return RoleUnproven(role, rights.unknown[role])
    return RoleNotHeld(role, cluster)


def lacking_source(rights: Rights, source: str) -> SourceMissing | None:
    """Return the same as `lacking` for a role or the id of a user group, as a policy names them."""
    if source in set(HELD_ROLES):
        return lacking(rights, Role(source))
    if rights.has(source):
        return None
    return GroupUnproven(rights.unknown[source]) if source in rights.unknown else NotInGroup(source)
