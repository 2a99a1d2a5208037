"""The methods that tell who and what there is: the token, the team, users, user groups, the app itself."""

from bot.playground.slack_sim.arguments import Answer, Args, is_true, paged, text_of
from bot.playground.slack_sim.objects import bot_user_json, group_json, user_json
from bot.playground.slack_sim.refusal import ApiError
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
