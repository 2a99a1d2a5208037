"""Modals and Home tabs: the views.* methods, and the effect of a submission."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bot.playground.slack_sim.arguments import Answer, Args, text_of, view_of, with_ids
from bot.playground.slack_sim.blockkit import check_view
from bot.playground.slack_sim.errors import ApiError
from bot.playground.slack_sim.message import View
from bot.playground.slack_sim.payloads import view_json
from bot.playground.slack_sim.workspace import Workspace

_MAX_STACKED = 3


def new_hash() -> str:
    """The hash of a view's present content."""
    return secrets.token_hex(8)


def open_modal(ws: Workspace, args: Args) -> Answer:
    """views.open: needs a trigger_id of the last three seconds; replaces the open modals."""
    content = view_of(ws, args, "modal", "views.open")
    user = _triggered(ws, args)
    ws.drop_views(user, everything=True)
    view = ws.put_view(View(ws.new_id("V"), user, content, new_hash()))
    return {"view": view_json(ws, view)}


def push(ws: Workspace, args: Args) -> Answer:
    """views.push: on top of the open modal, at most three."""
    content = view_of(ws, args, "modal", "views.push")
    user = _triggered(ws, args)
    stack = ws.modals.get(user, [])
    if not stack:
        raise ApiError("not_found", "no modal is open")
    if len(stack) >= _MAX_STACKED:
        raise ApiError("push_limit_reached", f"{_MAX_STACKED} views may be stacked")
    root, before = stack[0], stack[-1]
    view = View(ws.new_id("V"), user, content, new_hash(), root_id=root.id, previous_id=before.id)
    return {"view": view_json(ws, ws.put_view(view))}


def update(ws: Workspace, args: Args) -> Answer:
    """views.update by view_id or external_id; with a hash, only an unchanged view."""
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
    user, code = ws.grants.use_trigger(text_of(args, "trigger_id"))
    if code:
        raise ApiError(code, "a trigger_id is good for one modal within 3 s")
    return user


def _check_hash(args: Args, old: View) -> None:
    if text_of(args, "hash") not in {"", old.hash}:
        raise ApiError("hash_conflict", "the view changed since")


_SUBMIT = "view_submission"
_ACTIONS = frozenset({"errors", "update", "push", "clear"})


def response_urls(
    ws: Workspace, view: View, values: Mapping[str, Any], new_url: Callable[[str], str]
) -> list[dict[str, Any]]:
    """The response URLs that conversation selects of a modal request (`response_url_enabled`)."""
    urls = []
    for block in view.blocks:
        element = block.get("element") or {}
        if element.get("response_url_enabled"):
            held = values.get(block["block_id"], {}).get(element["action_id"], {})
            channel = held.get("selected_conversation") or held.get("selected_channel")
            if channel and ws.channel(channel):
                shown = {"block_id": block["block_id"], "action_id": element["action_id"], "channel_id": channel}
                urls.append({**shown, "response_url": new_url(channel)})
    return urls


def show_errors(ws: Workspace, view: View, errors: Mapping[str, str]) -> None:
    """Show errors beside the inputs."""
    ws.put_view(replace(view, errors=dict(errors)))


def after(ws: Workspace, view: View, said: Any) -> dict[str, str]:
    """Apply the app's answer to a submission: close, show errors (returned), or show another view."""
    answer = said if isinstance(said, Mapping) else {}
    kind = answer.get("response_action")
    if kind == "errors":
        return _errors(ws, view, answer.get("errors"))
    if kind in {"update", "push"}:
        _show(ws, view, answer.get("view"), pushed=kind == "push")
        return {}
    if answer and kind not in _ACTIONS:
        ws.violate("invalid_response_action", f"{kind!r:.60} is none of {', '.join(sorted(_ACTIONS))}", _SUBMIT)
    ws.drop_views(view.user, everything=kind == "clear")
    return {}


def _errors(ws: Workspace, view: View, errors: Any) -> dict[str, str]:
    inputs = {block.get("block_id") for block in view.blocks if block.get("type") == "input"}
    shown = {str(key): str(value) for key, value in errors.items()} if isinstance(errors, Mapping) else {}
    if not shown or not set(shown) <= inputs:
        ws.violate("invalid_errors", f"errors must name input blocks, not {sorted(set(shown) - inputs)!r:.80}", _SUBMIT)
    show_errors(ws, view, shown)
    return shown


def _show(ws: Workspace, view: View, content: Any, *, pushed: bool) -> None:
    problems = check_view(content)
    if problems:
        ws.violate("invalid_view", "; ".join(problems), _SUBMIT)
        return
    shown = {**content, "blocks": list(with_ids(ws, content["blocks"]))}
    made = View(ws.new_id("V"), view.user, shown, "", root_id=view.root_id or view.id, previous_id=view.id)
    base = made if pushed else replace(view, content=shown, errors=None)
    ws.put_view(replace(base, hash=secrets.token_hex(8)))
