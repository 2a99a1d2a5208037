"""Who may do what: the operators named in the settings, as users or through Slack user groups."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.config import AccessSettings
from bot.errors import NotAllowed, SlackError

GroupMembers = Callable[[str], Awaitable[frozenset[str]]]
"""Who is in a Slack user group (by its id); raises SlackError when Slack cannot tell."""

NOBODY = (
    "No operators are configured, so nobody may change anything. "
    "Name users or user groups under `access.operators` in the settings and restart."
)


@dataclass(frozen=True, slots=True)
class Access:
    """Answers whether a person is an operator, and through what; a group that cannot be looked up grants nothing."""

    settings: AccessSettings
    group_members: GroupMembers

    async def require_operator(self, user: str) -> None:
        """Raise NotAllowed, saying what to do, unless `user` is an operator."""
        operators = self.settings.operators
        if not operators.users and not operators.groups:
            raise NotAllowed(NOBODY)
        if user in operators.users:
            return
        unknown = []
        for group in operators.groups:
            try:
                if user in await self.group_members(group):
                    return
            except SlackError as error:
                unknown.append(f"{group} ({error.code or 'no answer'})")
        if unknown:
            raise NotAllowed(
                f"Slack could not tell who is in the operator group {', '.join(unknown)}: refused for now. Try again."
            )
        raise NotAllowed(
            "You are not an operator, so you may look but not change. "
            "Ask whoever runs cmbot to add you, or a user group you are in, to `access.operators` in its settings."
        )

    async def describe(self, user: str) -> tuple[str, ...]:
        """Sentences on what `user` may do and why."""
        try:
            await self.require_operator(user)
        except NotAllowed as error:
            return ("You may use every command that only reads.", str(error))
        named = user in self.settings.operators.users
        why = "you are named in `access.operators.users`" if named else "you are in a user group of the operators"
        return ("You may use every command that only reads.", f"You are an *operator*: {why}.")
