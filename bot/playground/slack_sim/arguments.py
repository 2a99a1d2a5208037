"""Arguments of Web API calls (JSON or forms), and the checks of a message or a view before it is stored."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from bot.playground.slack_sim.blockkit import MAX_TEXT, check_blocks, check_view, doubled_action_ids
from bot.playground.slack_sim.errors import ApiError, Unsupported
from bot.playground.slack_sim.message import Blocks, Message
from bot.playground.slack_sim.team import Channel
from bot.playground.slack_sim.workspace import Workspace

Args = Mapping[str, Any]
Answer = dict[str, Any]
_PAGE = 100
_MAX = 1000


def text_of(args: Args, name: str) -> str:
    """A string argument, "" if missing."""
    value = args.get(name)
    return "" if value is None else str(value)


def is_true(args: Args, name: str) -> bool:
    """A flag: true, "true", 1 or "1"."""
    return text_of(args, name).lower() in {"true", "1"}


def structure(args: Args, name: str) -> Any:
    """A list or object (JSON text in a form); None if missing."""
    value = args.get(name)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ApiError(f"invalid_{name}_format" if name == "blocks" else "invalid_arguments", name) from error


def paged(items: list[Any], args: Args, key: str) -> Answer:
    """One page of a list, with Slack's cursor to the next."""
    start, limit = _cursor(text_of(args, "cursor")), _limit(args)
    after = start + limit
    more = after < len(items)
    cursor = base64.b64encode(f"next:{after}".encode()).decode() if more else ""
    return {key: items[start:after], "response_metadata": {"next_cursor": cursor}}


def _limit(args: Args) -> int:
    try:
        limit = int(text_of(args, "limit") or _PAGE)
    except ValueError as error:
        raise ApiError("invalid_limit") from error
    if not 0 < limit <= _MAX:
        raise ApiError("invalid_limit", f"limit is 1 to {_MAX}")
    return limit


def _cursor(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return max(0, int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:")))
    except ValueError as error:
        raise ApiError("invalid_cursor") from error


def known_channel(ws: Workspace, args: Args, name: str = "channel") -> Channel:
    """The named channel; a private channel only if the app is a member."""
    channel = ws.channel(text_of(args, name))
    if channel is None or (channel.is_private and not channel.has_bot):
        raise ApiError("channel_not_found", f"{text_of(args, name)!r:.60}")
    return channel


def joined_channel(ws: Workspace, args: Args, name: str = "channel") -> Channel:
    """A channel with the app as a member that is not archived; a user id means the direct conversation."""
    target = text_of(args, name)
    if target.startswith("U") and ws.team.user(target):
        return ws.open_im(target)
    channel = known_channel(ws, args, name)
    if channel.is_archived:
        raise ApiError("is_archived", f"#{channel.name}")
    if not channel.has_bot:
        raise ApiError("not_in_channel", f"#{channel.name}")
    return channel


def public_message(ws: Workspace, channel: Channel, ts: str) -> Message:
    """A message that all members of the channel see; ephemeral ones are not found."""
    message = ws.find(channel.id, ts)
    if message is None or message.only_for:
        raise ApiError("message_not_found", f"{ts!r:.40} in #{channel.name}")
    return message


_MAX_VIEW = 250_000


def content_of(ws: Workspace, args: Args, where: str) -> dict[str, Any]:
    """The checked text, blocks and (if given) metadata of a message, as fields of Message; raises ApiError."""
    blocks, text = structure(args, "blocks"), text_of(args, "text")
    if not text and not blocks and not args.get("attachments"):
        raise ApiError("no_text")
    if len(text) > MAX_TEXT:
        raise ApiError("msg_too_long", f"{len(text)} characters, {MAX_TEXT} are allowed")
    if args.get("attachments"):
        ws.violate("attachments", "attachments are legacy and not shown here: use blocks", where)
    refuse_kinds(ws, blocks)
    if blocks and (problems := check_blocks(blocks)):
        raise ApiError("invalid_blocks", "; ".join(problems), **_response_metadata(problems), errors=problems)
    if blocks and not text.strip():
        ws.violate("no_fallback_text", "a message with blocks has no text for notifications and screen readers", where)
    _warn_of_doubles(ws, blocks, where)
    content: dict[str, Any] = {"text": text, "blocks": with_ids(ws, blocks or [])}
    metadata = structure(args, "metadata")
    return content if metadata is None else content | {"metadata": _metadata(metadata)}


def unsupported(ws: Workspace, blocks: Any) -> list[str]:
    """The errors for blocks of kinds that the workspace does not take."""
    return [
        f"unsupported type: {kind} [json-pointer:/blocks/{index}/type]"
        for index, kind in enumerate(kinds_of(blocks))
        if kind in ws.refused_kinds
    ]


def kinds_of(blocks: Any) -> list[str]:
    """The type of each block."""
    return [str(each.get("type")) if isinstance(each, dict) else "" for each in blocks or ()]


def refuse_kinds(ws: Workspace, blocks: Any) -> None:
    """Raise Unsupported for blocks of kinds that the workspace does not take."""
    if problems := unsupported(ws, blocks):
        ws.refusals += 1
        raise Unsupported("invalid_blocks", **_response_metadata(problems), errors=problems)


def _warn_of_doubles(ws: Workspace, blocks: Any, where: str) -> None:
    for doubled in doubled_action_ids(blocks or []):
        ws.violate("doubled_action_id", f"action_id {doubled!r:.80} stands in two blocks", where)


def _response_metadata(problems: list[str]) -> dict[str, Any]:
    return {"response_metadata": {"messages": [f"[ERROR] {problem}" for problem in problems]}}


def _metadata(metadata: Any) -> Mapping[str, Any] | None:
    if metadata == {}:
        return None
    right = (
        isinstance(metadata, dict)
        and isinstance(metadata.get("event_type"), str)
        and isinstance(metadata.get("event_payload"), dict)
    )
    if not right:
        raise ApiError("invalid_metadata_format", "metadata needs event_type and event_payload")
    return dict(metadata)


def with_ids(ws: Workspace, blocks: list[dict[str, Any]]) -> Blocks:
    """The blocks, with generated ids for those without."""
    return tuple(_with_ids(ws, block) for block in blocks)


def _with_ids(ws: Workspace, block: Mapping[str, Any]) -> dict[str, Any]:
    filled = {"block_id": ws.new_id("b"), **block}
    if block.get("type") == "actions":
        filled["elements"] = [{"action_id": ws.new_id("a"), **element} for element in block["elements"]]
    for slot in ("accessory", "element"):
        element = block.get(slot)
        if isinstance(element, dict) and element.get("type") != "image":
            filled[slot] = {"action_id": ws.new_id("a"), **element}
    return filled


def thread_of(ws: Workspace, channel: Channel, args: Args, where: str) -> str:
    """The thread to post into, "" for the channel itself; the ts of a reply is a violation and means its parent."""
    thread_ts = text_of(args, "thread_ts")
    if not thread_ts:
        return ""
    parent = ws.find(channel.id, thread_ts)
    if parent is None or parent.only_for:
        raise ApiError("thread_not_found", f"{thread_ts!r:.40} in #{channel.name}")
    if parent.thread_ts and parent.thread_ts != parent.ts:
        ws.violate("reply_as_thread_ts", "thread_ts names a reply: use its parent's ts", where)
        return parent.thread_ts
    return thread_ts


def view_of(ws: Workspace, args: Args, kind: str, where: str) -> dict[str, Any]:
    """The checked view of a call; raises ApiError `invalid_arguments` with every error, as Slack does."""
    view = structure(args, "view")
    problems = unsupported(ws, view.get("blocks") if isinstance(view, dict) else ()) or check_view(view)
    if not problems and view["type"] != kind:
        problems = [f"must be a {kind} view [json-pointer:/view/type]"]
    if problems:
        raise ApiError("invalid_arguments", "; ".join(problems), **_response_metadata(problems))
    if len(json.dumps(view)) > _MAX_VIEW:
        raise ApiError("view_too_large", f"{_MAX_VIEW} bytes are allowed")
    _warn_of_doubles(ws, view["blocks"], where)
    return {**view, "blocks": list(with_ids(ws, view["blocks"]))}
