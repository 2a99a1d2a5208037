"""Frozen descriptions of the local workspace: users, channels, groups, commands."""

from dataclasses import dataclass

BOT_SCOPES = (
    "app_mentions:read",
    "commands",
    "chat:write",
    "channels:history",
    "channels:read",
    "groups:history",
    "groups:read",
    "usergroups:read",
    "users:read",
    "pins:read",
    "pins:write",
    "files:write",
    "reactions:write",
    "team:read",
    "im:write",
    "im:history",
)
"""Default scopes of a bot token."""


@dataclass(frozen=True, slots=True)
class User:
    """A person; `role_note` is shown on the page only. `team` is the workspace of a person of another organisation."""

    id: str
    name: str
    real_name: str
    role_note: str = ""
    team: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel; `members` are user ids, empty for all; `has_bot` is True if the app is a member.

    `shared` is True if another organisation is in it, `invited` if an invitation of one waits.
    """

    id: str
    name: str
    topic: str = ""
    members: tuple[str, ...] = ()
    has_bot: bool = True
    is_private: bool = False
    is_archived: bool = False
    is_im: bool = False
    shared: bool = False
    invited: bool = False

    @property
    def family(self) -> str:
        """The scope family of the channel: channels, groups or im."""
        return "im" if self.is_im else "groups" if self.is_private else "channels"


@dataclass(frozen=True, slots=True)
class Group:
    """A user group."""

    id: str
    handle: str
    name: str
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command that the app registered."""

    command: str
    description: str
    usage_hint: str = ""
    should_escape: bool = True


@dataclass(frozen=True, slots=True)
class Shortcut:
    """An entry that the app registered for the menu of every message."""

    name: str
    callback_id: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Team:
    """One workspace and the app installed in it; `events` are the subscriptions of the app."""

    name: str
    users: tuple[User, ...]
    channels: tuple[Channel, ...]
    groups: tuple[Group, ...] = ()
    commands: tuple[Command, ...] = ()
    shortcuts: tuple[Shortcut, ...] = ()
    scopes: tuple[str, ...] = BOT_SCOPES
    events: tuple[str, ...] = ("app_home_opened", "app_mention", "channel_shared", "channel_unshared")
    domain: str = "local"
    id: str = "T0LOCAL"
    app_id: str = "A0CMBOT"
    bot_id: str = "B0CMBOT"
    bot_user: str = "U0CMBOT"
    bot_name: str = "cmbot"

    def user(self, key: str) -> User | None:
        """The person of that id or name."""
        return next((user for user in self.users if key in {user.id, user.name}), None)

    def group(self, group_id: str) -> Group | None:
        """The user group of that id."""
        return next((group for group in self.groups if group.id == group_id), None)

    def command(self, command: str) -> Command | None:
        """The registered slash command."""
        return next((held for held in self.commands if held.command == command), None)

    def is_in(self, user_id: str, channel: Channel) -> bool:
        """True if a person is in a channel."""
        return not channel.members or user_id in channel.members


DEMO_TEAM = Team(
    name="Local workspace",
    users=(
        User("U0ALICE", "alice", "Alice Moreau", "operator"),
        User("U0BOB", "bob", "Bob Okafor", "operator, on call"),
        User("U0CAROL", "carol", "Carol Lindqvist", "in the on-call group"),
        User("U0DAVE", "dave", "Dave Rossi", "may read only"),
    ),
    channels=(
        Channel("C0STORAGE", "storage", "Alerts and questions about the prod cluster"),
        Channel("C0OPERATIONS", "operations", "Proposals and approvals of changes"),
        Channel("C0ARCHIVE", "archive", "The archive cluster, an older release"),
        Channel("C0RANDOM", "random", "cmbot was not invited here", has_bot=False),
        Channel("C0OLD", "old", "Archived", is_archived=True),
    ),
    groups=(Group("S0ONCALL", "oncall", "On call", ("U0BOB", "U0CAROL")),),
    shortcuts=(
        Shortcut("Acknowledge", "cm_acknowledge", "Acknowledge the alert that this message shows"),
        Shortcut(
            "Keep as note", "cm_note", "Keep this message as a note on the alert or operation in whose thread it stands"
        ),
        Shortcut("Propose a change", "cm_propose", "Open the form of a change that helps with this alert"),
    ),
    commands=(
        Command(
            "/cm",
            "Status, guarded changes and alerts of storage clusters",
            "stat | members | disks | disk 3 | tasks | clusters | alerts | task disable balance | "
            "leader transfer 2 | member remove 3 | ops | audit | silences | whoami | help",
        ),
    ),
)
"""The workspace of the demo and of most tests."""
