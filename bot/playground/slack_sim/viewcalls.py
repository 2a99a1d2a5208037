"""The views.* methods: modals (opened, pushed, updated) and Home tabs."""

import secrets
from dataclasses import replace

from bot.playground.slack_sim.arguments import Answer, Args, text_of
from bot.playground.slack_sim.content import view_of
from bot.playground.slack_sim.message import View
from bot.playground.slack_sim.objects import view_json
from bot.playground.slack_sim.refusal import ApiError
from bot.playground.slack_sim.workspace import Workspace

_MOST_STACKED = 3


def new_hash() -> str:
    """The hash of a view's present content."""
    return secrets.token_hex(8)


def open_modal(ws: Workspace, args: Args) -> Answer:
    """views.open: needs a trigger_id, three seconds old at most; replaces what was open."""
    content = view_of(ws, args, "modal", "views.open")
    user = _triggered(ws, args)
    ws.drop_views(user, everything=True)
    view = ws.put_view(View(ws.new_id("V"), user, content, new_hash()))
    return {"view": view_json(ws, view)}


def push(ws: Workspace, args: Args) -> Answer:
    """views.push: on top of the open one, three at most."""
    content = view_of(ws, args, "modal", "views.push")
    user = _triggered(ws, args)
    stack = ws.modals.get(user, [])
    if not stack:
        raise ApiError("not_found", "no modal is open")
    if len(stack) >= _MOST_STACKED:
        raise ApiError("push_limit_reached", f"{_MOST_STACKED} views may be stacked")
    root, before = stack[0], stack[-1]
    view = View(ws.new_id("V"), user, content, new_hash(), root_id=root.id, previous_id=before.id)
    return {"view": view_json(ws, ws.put_view(view))}


def update(ws: Workspace, args: Args) -> Answer:
    """views.update by view_id or external_id; with a hash only if nothing changed since."""
    old = ws.view(text_of(args, "view_id"), text_of(args, "external_id"))
    if old is None:
        raise ApiError("not_found", "that view is not open")
    content = view_of(ws, args, str(old.content["type"]), "views.update")
    _check_hash(args, old)
    view = ws.put_view(replace(old, content=content, hash=new_hash(), errors=None))
    return {"view": view_json(ws, view)}


def publish(ws: Workspace, args: Args) -> Answer:
    """views.publish: a person's Home tab."""
    content = view_of(ws, args, "home", "views.publish")
    user = text_of(args, "user_id")
    if not any(each.id == user for each in ws.team.users):
        raise ApiError("user_not_found", f"{user!r:.40}")
    old = ws.homes.get(user)
    if old is not None:
        _check_hash(args, old)
    view = ws.put_view(View(old.id if old else ws.new_id("V"), user, content, new_hash()))
    return {"view": view_json(ws, view)}


def _triggered(ws: Workspace, args: Args) -> str:
    user, code = ws.passes.use_trigger(text_of(args, "trigger_id"))
    if code:
        raise ApiError(code, "a trigger_id is good for one modal within 3 s")
    return user


def _check_hash(args: Args, old: View) -> None:
    if text_of(args, "hash") not in {"", old.hash}:
        raise ApiError("hash_conflict", "the view changed since")
