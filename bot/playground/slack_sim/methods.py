"""The table of Web API methods: who serves each, and which scope of the bot token it needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot.playground.slack_sim import chat, conversations, marks, people, viewcalls
from bot.playground.slack_sim.arguments import Answer, Args, text_of
from bot.playground.slack_sim.workspace import Workspace

Handler = Callable[[Workspace, Args], Answer]


@dataclass(frozen=True, slots=True)
class Method:
    """One method; a scope `{family}:read` depends on the kind of the channel asked about."""

    handler: Handler
    scope: str = ""

    def needs(self, ws: Workspace, args: Args) -> str:
        """The scope that this call needs, "" for none."""
        channel = ws.channel(text_of(args, "channel"))
        return self.scope.replace("{family}", channel.family if channel else "channels")


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "auth.test": Method(people.auth_test),
        "bots.info": Method(people.bots_info, "users:read"),
        "chat.delete": Method(chat.delete, "chat:write"),
        "chat.getPermalink": Method(chat.get_permalink),
        "chat.postEphemeral": Method(chat.post_ephemeral, "chat:write"),
        "chat.postMessage": Method(chat.post_message, "chat:write"),
        "chat.update": Method(chat.update, "chat:write"),
        "conversations.history": Method(conversations.history, "{family}:history"),
        "conversations.info": Method(conversations.info, "{family}:read"),
        "conversations.list": Method(conversations.listing, "channels:read"),
        "conversations.members": Method(conversations.members, "{family}:read"),
        "conversations.open": Method(conversations.open_direct, "im:write"),
        "conversations.replies": Method(conversations.replies, "{family}:history"),
        "files.completeUploadExternal": Method(marks.complete_upload, "files:write"),
        "files.getUploadURLExternal": Method(marks.get_upload_url, "files:write"),
        "pins.add": Method(marks.pins_add, "pins:write"),
        "pins.list": Method(marks.pins_list, "pins:read"),
        "reactions.add": Method(marks.reactions_add, "reactions:write"),
        "team.info": Method(people.team_info, "team:read"),
        "usergroups.list": Method(people.usergroups_list, "usergroups:read"),
        "usergroups.users.list": Method(people.usergroups_users_list, "usergroups:read"),
        "users.info": Method(people.users_info, "users:read"),
        "users.list": Method(people.users_list, "users:read"),
        "views.open": Method(viewcalls.open_modal),
        "views.publish": Method(viewcalls.publish),
        "views.push": Method(viewcalls.push),
        "views.update": Method(viewcalls.update),
    }
)
"""`api.test` and `apps.connections.open` are served beside these: they need no bot token."""
