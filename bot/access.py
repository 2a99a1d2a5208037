"""Who may do what: the roles named in the settings, held as users or through Slack user groups."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.config import AccessSettings, Members
from bot.errors import NotAllowed, SlackError
from bot.rights import Holder, Rights

GroupMembers = Callable[[str], Awaitable[frozenset[str]]]
"""Who is in a Slack user group (by its id); raises SlackError when Slack cannot tell."""

NOBODY = (
    "No operators are configured, so nobody may change anything. "
    "Name users or user groups under `access.operators` in the settings and restart."
)
_READS = "You may use every command that only reads."
_READS_MOST = "You may use every command that only reads, but for /cm audit: that is for operators."
_MAY = {
    Holder.OPERATOR: "You are an *operator*: you may propose changes",
    Holder.APPROVER: "You are an *approver*: you may decide on what others propose",
    Holder.ADMIN: "You are an *admin*: you may cancel and settle any operation",
    Holder.BREAKER: "You hold *break-glass*: you may propose with force=yes",
}


@dataclass(frozen=True, slots=True)
class Access:
    """Answers which roles a person holds, and through what; a group that cannot be looked up grants nothing.

    `groups` are user groups (ids) that policies name besides the roles.
    """

    settings: AccessSettings
    group_members: GroupMembers
    groups: tuple[str, ...] = ()

    async def rights(self, user: str) -> Rights:
        """Everything that `user` holds now; never raises."""
        held: set[str] = set()
        unknown: dict[str, str] = {}
        for role in Holder:
            members = self._members(role)
            if user in members.users:
                held.add(role)
            else:
                await self._look(role, user, members.groups, held, unknown)
        for group in self.groups:
            await self._look(group, user, (group,), held, unknown)
        empty = frozenset(role for role in Holder if not self._members(role).users and not self._members(role).groups)
        return Rights(user, frozenset(held), unknown, empty)

    def _members(self, role: Holder) -> Members:
        members: Members = getattr(self.settings, f"{role.value}s")
        return members

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

    async def require_operator(self, user: str) -> None:
        """Raise NotAllowed, saying what to do, unless `user` is an operator."""
        await self.require(user, Holder.OPERATOR)

    async def require(self, user: str, role: Holder) -> None:
        """Raise NotAllowed, saying what to do, unless `user` holds that role."""
        missing = lacking(await self.rights(user), role)
        if missing:
            raise NotAllowed(missing)

    async def describe(self, user: str) -> tuple[str, ...]:
        """Sentences on what `user` may do and why."""
        rights = await self.rights(user)
        held = [f"{_MAY[role]}: {self._why(user, role)}." for role in Holder if rights.has(role)]
        if not rights.has(Holder.OPERATOR):
            held.append(lacking(rights, Holder.OPERATOR))
        return (_READS if rights.has(Holder.OPERATOR) else _READS_MOST, *held)

    def _why(self, user: str, role: Holder) -> str:
        if user in self._members(role).users:
            return f"you are named in `{role.key}.users`"
        return f"you are in a user group of the {role.value}s"


def lacking(rights: Rights, role: Holder) -> str:
    """Why a person does not hold a role and what to do about it; "" when they do."""
    if rights.has(role):
        return ""
    if role in rights.empty:
        return NOBODY if role is Holder.OPERATOR else f"Nobody is named under `{role.key}` in the settings."
    if role in rights.unknown:
        return (
            f"Slack could not tell who is in the {role.value} group {rights.unknown[role]}: refused for now. Try again."
        )
    may = "look but not change" if role is Holder.OPERATOR else "not do this"
    article = "an" if role.value[0] in "aeo" else "a"
    return (
        f"You are not {article} {role.value}, so you may {may}. "
        f"Ask whoever runs cmbot to add you, or a user group you are in, to `{role.key}` in its settings."
    )


def lacking_source(rights: Rights, source: str) -> str:
    """The same for what a policy names: a role, or the id of a user group."""
    if source in set(Holder):
        return lacking(rights, Holder(source))
    if rights.has(source):
        return ""
    if source in rights.unknown:
        return f"Slack could not tell who is in the user group {rights.unknown[source]}: refused for now. Try again."
    return f"You are not in the user group {source}, so you may not do this. Ask whoever looks after that group."
