"""Reads Slack's payloads: a command, a click, a form, a mention, an opened Home tab, or nothing to do. No I/O.

Sources: Slack's reference pages on slash commands, block actions, view submissions and the events API; every field is
checked, because a payload is input from outside.
"""

import json
from collections.abc import Iterator, Mapping

from bot.chatops.forms.events import HomeOpened, ViewAction, ViewState, ViewSubmission
from bot.common.frozen import frozen
from bot.common.json_object import JsonObject
from bot.interactions.events import HOME_ACKNOWLEDGE, NOTE_SHORTCUT, SHORTCUT, Click, Invocation, Mention


@frozen
class Ignored:
    """A payload that is only acknowledged; `why` is the reason for the log."""

    why: str


@frozen
class Sharing:
    """A channel was shared with another organisation, or is shared no more."""

    channel: str
    shared: bool


Delivered = Invocation | Click | Mention | ViewAction | ViewSubmission | HomeOpened | Sharing | Ignored


def read(body: JsonObject) -> Delivered:
    """Return what was delivered; a malformed payload is Nothing."""
    if "command" in body:
        return _command(body)
    kind = _text(body, "type")
    if kind == "block_actions":
        return _click(body)
    if kind == "view_submission":
        return _submission(body)
    if kind == "message_action":
        return _shortcut(body)
    if kind == "event_callback":
        return _event(body)
    return Ignored(f"a payload of type {kind[:40]!r}")


def _command(body: JsonObject) -> Delivered:
    key, user, channel = _text(body, "trigger_id"), _text(body, "user_id"), _text(body, "channel_id")
    if not (key and user and channel):
        return Ignored("a command without its trigger, user or channel")
    return Invocation(key, user, channel, _text(body, "text"), _text(body, "response_url"))


def _click(body: JsonObject) -> Delivered:
    container = _part(body, "container")
    actions = body.get("actions")
    action = actions[0] if isinstance(actions, list) and actions and isinstance(actions[0], Mapping) else {}
    key, user, action_id = _text(body, "trigger_id"), _text(_part(body, "user"), "id"), _text(action, "action_id")
    if not (key and user and action_id):
        return Ignored("a click without its trigger, user or action")
    if _text(action, "url") or (action.get("type") == "button" and not _text(action, "value")):
        # A link button opens its page by itself; the click must still be acknowledged.
        return Ignored("a link")
    if action_id.startswith(HOME_ACKNOWLEDGE):
        # It changes something, so it is stored like the same button of a message; no channel and no message follow.
        return Click(key, user, "", ACKNOWLEDGE, _value(action), "", "")
    if "view" in body:
        typed = action.get("type") == "plain_text_input"
        return ViewAction(key, user, action_id, _value(action), _view(_part(body, "view")), typed=typed)
    return Click(
        key=key,
        user=user,
        channel=_text(_part(body, "channel"), "id") or _text(container, "channel_id"),
        action_id=action_id,
        value=_value(action),
        message_ts=_text(container, "message_ts"),
        response_url=_text(body, "response_url"),
    )


ACKNOWLEDGE = "alert_ack"
"""The action id of the button that acknowledges an alert (`views/alert_actions.py`)."""
MAX_NOTED = 2000
"""Characters of a message that a shortcut keeps."""


def _shortcut(body: JsonObject) -> Delivered:
    """Read a message shortcut as a click; only the shortcut for notes takes what the message says."""
    key, user, callback = _text(body, "trigger_id"), _text(_part(body, "user"), "id"), _text(body, "callback_id")
    message, channel = _part(body, "message"), _text(_part(body, "channel"), "id")
    ts = _text(message, "ts") or _text(body, "message_ts")
    if not (key and user and callback and channel and ts):
        return Ignored("a message shortcut without its trigger, user, callback id, channel or message")
    facts = {"thread": _text(message, "thread_ts")}
    if callback == NOTE_SHORTCUT:
        facts |= {"author": _text(message, "user"), "text": _text(message, "text")[:MAX_NOTED]}
    return Click(key, user, channel, f"{SHORTCUT}{callback}", json.dumps(facts), ts, _text(body, "response_url"))


def _value(action: JsonObject) -> str:
    """Return the value of an element: that of a button, or of the chosen option."""
    return _text(action, "value") or _text(_part(action, "selected_option"), "value")


MAX_INPUTS = 100
"""Inputs of one view that are read: Slack shows no more blocks."""
MAX_HELD = 3000
"""Characters of one input that are kept: Slack accepts no more."""


def _submission(body: JsonObject) -> Delivered:
    key, user, view = _text(body, "trigger_id"), _text(_part(body, "user"), "id"), _view(_part(body, "view"))
    if not (key and user and view.id):
        return Ignored("a form without its trigger, user or view")
    return ViewSubmission(key, user, view)


def _view(view: JsonObject) -> ViewState:
    held = list(_inputs(_part(_part(view, "state"), "values")))[:MAX_INPUTS]
    return ViewState(
        id=_text(view, "id"),
        hash=_text(view, "hash"),
        callback=_text(view, "callback_id"),
        sealed=_text(view, "private_metadata"),
        values={action: value for _, action, value in held},
        blocks={action: block for block, action, _ in held},
    )


def _inputs(values: JsonObject) -> Iterator[tuple[str, str, str]]:
    """Yield (block id, action id, value) of each input of a view."""
    for block, held in values.items():
        for action, state in held.items() if isinstance(held, Mapping) else ():
            if isinstance(state, Mapping):
                yield str(block), str(action), _held(state)[:MAX_HELD]


def _held(state: JsonObject) -> str:
    """Return the typed text, the value of the chosen option, or of the first ticked one."""
    ticked = state.get("selected_options")
    first = ticked[0] if isinstance(ticked, list) and ticked and isinstance(ticked[0], Mapping) else {}
    return _value(state) or _text(first, "value")


def _event(body: JsonObject) -> Delivered:
    event = _part(body, "event")
    key, user, kind = _text(body, "event_id"), _text(event, "user"), _text(event, "type")
    if kind == "app_home_opened" and key and user and event.get("tab", "home") == "home":
        return HomeOpened(key, user)
    if kind in {"channel_shared", "channel_unshared"} and _text(event, "channel"):
        # A channel that one organisation left may still be shared with others.
        return Sharing(_text(event, "channel"), kind == "channel_shared" or event.get("is_ext_shared") is True)
    if kind == "app_mention":
        return _mention(body, event)
    return Ignored(f"an event of type {kind[:40]!r}")


def _mention(body: JsonObject, event: JsonObject) -> Delivered:
    """Read a mention by a person; edits are no new questions, and programs are not answered: that could loop."""
    key, user = _text(body, "event_id"), _text(event, "user")
    channel, text, ts = _text(event, "channel"), _text(event, "text"), _text(event, "ts")
    if not (key and user and channel and ts):
        return Ignored("a mention without its id, user, channel or message")
    if "edited" in event or "bot_id" in event or "bot_profile" in event or _text(event, "subtype"):
        return Ignored("a mention in an edit or by a program")
    if _is_foreign(body, event):
        return Ignored("a mention by a person of another organisation")
    thread_ts = _text(event, "thread_ts")
    return Mention(key, user, channel, text, ts, "" if thread_ts == ts else thread_ts)


def _is_foreign(body: JsonObject, event: JsonObject) -> bool:
    """True if the author is of another workspace, in a channel that is shared with it: /cm does not answer there."""
    author = _text(event, "user_team") or _text(event, "source_team") or _text(event, "team")
    return body.get("is_ext_shared_channel") is True and author not in {"", _text(body, "team_id")}


def _text(body: JsonObject, name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _part(body: JsonObject, name: str) -> JsonObject:
    value = body.get(name)
    return value if isinstance(value, Mapping) else {}
