"""Submitting a modal: what goes to the app with it, and what the app's answer does to the view."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bot.playground.slack_sim.blockkit import check_view
from bot.playground.slack_sim.content import with_ids
from bot.playground.slack_sim.message import View
from bot.playground.slack_sim.workspace import Workspace

_SUBMIT = "view_submission"
_ACTIONS = frozenset({"errors", "update", "push", "clear"})


def response_urls(
    ws: Workspace, view: View, values: Mapping[str, Any], new_url: Callable[[str], str]
) -> list[dict[str, Any]]:
    """The response addresses that a modal's conversation selects asked for (`response_url_enabled`)."""
    urls = []
    for block in view.blocks:
        element = block.get("element") or {}
        if element.get("response_url_enabled"):
            held = values.get(block["block_id"], {}).get(element["action_id"], {})
            channel = held.get("selected_conversation") or held.get("selected_channel")
            if channel and ws.channel(channel):
                told = {"block_id": block["block_id"], "action_id": element["action_id"], "channel_id": channel}
                urls.append({**told, "response_url": new_url(channel)})
    return urls


def show_errors(ws: Workspace, view: View, errors: Mapping[str, str]) -> None:
    """Show what is wrong beside the inputs."""
    ws.put_view(replace(view, errors=dict(errors)))


def after(ws: Workspace, view: View, said: Any) -> dict[str, str]:
    """Do what the app answered to a submission: close, or show errors (returned), another view, or nothing more."""
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
    told = {str(key): str(value) for key, value in errors.items()} if isinstance(errors, Mapping) else {}
    if not told or not set(told) <= inputs:
        ws.violate("invalid_errors", f"errors must name input blocks, not {sorted(set(told) - inputs)!r:.80}", _SUBMIT)
    show_errors(ws, view, told)
    return told


def _show(ws: Workspace, view: View, content: Any, *, pushed: bool) -> None:
    problems = check_view(content)
    if problems:
        ws.violate("invalid_view", "; ".join(problems), _SUBMIT)
        return
    shown = {**content, "blocks": list(with_ids(ws, content["blocks"]))}
    made = View(ws.new_id("V"), view.user, shown, "", root_id=view.root_id or view.id, previous_id=view.id)
    base = made if pushed else replace(view, content=shown, errors=None)
    ws.put_view(replace(base, hash=secrets.token_hex(8)))
