"""The table of Web API methods with their scopes, and the methods about the team, its users and the app."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot.playground.slack_sim import chat, validation, views
from bot.playground.slack_sim.arguments import Answer, Args, is_true, paged, text_of
from bot.playground.slack_sim.errors import ApiError
from bot.playground.slack_sim.payloads import bot_user_json, group_json, user_json
from bot.playground.slack_sim.workspace import Workspace


def auth_test(ws: Workspace, _args: Args) -> Answer:
    """auth.test."""
    team = ws.team
    return {
        "url": "/",
        "team": team.name,
        "user": team.bot_name,
        "team_id": team.id,
        "user_id": team.bot_user,
        "bot_id": team.bot_id,
        "is_enterprise_install": False,
    }


def team_info(ws: Workspace, _args: Args) -> Answer:
    """team.info."""
    return {"team": {"id": ws.team.id, "name": ws.team.name, "domain": ws.team.domain, "email_domain": "", "icon": {}}}


def bots_info(ws: Workspace, args: Args) -> Answer:
    """bots.info."""
    if text_of(args, "bot") != ws.team.bot_id:
        raise ApiError("bot_not_found")
    bot = {"id": ws.team.bot_id, "name": ws.team.bot_name, "app_id": ws.team.app_id, "user_id": ws.team.bot_user}
    return {"bot": {**bot, "deleted": False, "updated": 0, "icons": {}}}


def users_info(ws: Workspace, args: Args) -> Answer:
    """users.info."""
    wanted = text_of(args, "user")
    if wanted == ws.team.bot_user:
        return {"user": bot_user_json(ws)}
    user = next((user for user in ws.team.users if user.id == wanted), None)
    if user is None:
        raise ApiError("user_not_found", f"{wanted!r:.40}")
    return {"user": user_json(ws, user)}


def users_list(ws: Workspace, args: Args) -> Answer:
    """users.list."""
    return paged([*(user_json(ws, user) for user in ws.team.users), bot_user_json(ws)], args, "members")


def usergroups_list(ws: Workspace, args: Args) -> Answer:
    """usergroups.list."""
    users = is_true(args, "include_users")
    return {"usergroups": [group_json(ws, group, users=users) for group in ws.team.groups]}


def usergroups_users_list(ws: Workspace, args: Args) -> Answer:
    """usergroups.users.list."""
    group = ws.team.group(text_of(args, "usergroup"))
    if group is None:
        raise ApiError("no_such_subteam", text_of(args, "usergroup")[:40])
    return {"users": list(group.users)}


Handler = Callable[[Workspace, Args], Answer]


@dataclass(frozen=True, slots=True)
class Method:
    """A method; a scope `{family}:read` depends on the kind of the channel."""

    handler: Handler
    scope: str = ""

    def needs(self, ws: Workspace, args: Args) -> str:
        """The scope of this call, "" for none."""
        channel = ws.channel(text_of(args, "channel"))
        return self.scope.replace("{family}", channel.family if channel else "channels")


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "auth.test": Method(auth_test),
        "blocks.validate": Method(validation.validate),
        "bots.info": Method(bots_info, "users:read"),
        "chat.delete": Method(chat.delete, "chat:write"),
        "chat.getPermalink": Method(chat.get_permalink),
        "chat.postEphemeral": Method(chat.post_ephemeral, "chat:write"),
        "chat.postMessage": Method(chat.post_message, "chat:write"),
        "chat.update": Method(chat.update, "chat:write"),
        "conversations.history": Method(chat.history, "{family}:history"),
        "conversations.info": Method(chat.info, "{family}:read"),
        "conversations.list": Method(chat.listing, "channels:read"),
        "conversations.members": Method(chat.members, "{family}:read"),
        "conversations.open": Method(chat.open_direct, "im:write"),
        "conversations.replies": Method(chat.replies, "{family}:history"),
        "files.completeUploadExternal": Method(chat.complete_upload, "files:write"),
        "files.getUploadURLExternal": Method(chat.get_upload_url, "files:write"),
        "pins.add": Method(chat.pins_add, "pins:write"),
        "pins.list": Method(chat.pins_list, "pins:read"),
        "reactions.add": Method(chat.reactions_add, "reactions:write"),
        "team.info": Method(team_info, "team:read"),
        "usergroups.list": Method(usergroups_list, "usergroups:read"),
        "usergroups.users.list": Method(usergroups_users_list, "usergroups:read"),
        "users.info": Method(users_info, "users:read"),
        "users.list": Method(users_list, "users:read"),
        "views.open": Method(views.open_modal),
        "views.publish": Method(views.publish),
        "views.push": Method(views.push),
        "views.update": Method(views.update),
    }
)
"""`api.test` and `apps.connections.open` are served beside these: they need no bot token."""
