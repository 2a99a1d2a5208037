"""The card of an operation in each state of its life, and the lines that tell of it. Pure.

`request` of a task switch is {"task", "on", "reason"}; `seen` is what operations.switch.SwitchLook keeps: "dialect",
"why", "key", "value" (raw, None when unset), "meaning", "will_send".
"""

import json
from collections.abc import Mapping
from typing import Any

from slackblocks import Button

from bot.operations.model import Event, Operation, OpState
from bot.views.blocks import (
    Style,
    actions,
    button,
    clip,
    code,
    confirm,
    context,
    date,
    escape,
    fields,
    header,
    message,
    section,
    utc,
)
from bot.views.message import BlockJson, Message

CONFIRM, CANCEL = "op_confirm", "op_cancel"
MOST_LINES = 9
MAX_VALUE = 60
MAX_WORDS = 600


def card(op: Operation) -> Message:
    """The one message that stands for an operation; its buttons are there only while it waits."""
    title = header(f"Turn {op.request['task']} {_word(op)} in {op.cluster}")
    blocks: list[BlockJson] = [title, section(f"{_MARKS[op.state]} {_state(op)}"), fields(*_facts(op))]
    if op.reason:
        blocks.append(section(f"*Reason*\n{escape(op.reason)}"))
    if op.state is OpState.WAITING:
        blocks.append(actions(_confirm_button(op), _cancel_button(op)))
    blocks.append(context(*_history(op)))
    return message(f"{_title(op)}: {_state(op)}", *blocks)


def line(op: Operation) -> Message:
    """The newest step of an operation as one line for the thread of its card."""
    text = f"{_MARKS[op.state]} Operation {op.id} ({_title(op)}): {_state(op)}"
    return message(text, section(text))


def deed(op: Operation) -> str:
    """The operation in a few plain words, for summaries."""
    return f"operation {op.id}: turn {op.request['task']} {_word(op)}, {op.state}"


def already(cluster: str, task: str, seen: Mapping[str, Any]) -> Message:
    """Said instead of a card when the switch holds already what would be sent."""
    text = (
        f"{escape(task)} is {escape(seen['meaning'])} in {escape(cluster)} already "
        f"({code(seen['key'])} holds {_stored(seen['value'])}): nothing to do."
    )
    return message(text, section(text))


def proposed(op: Operation, link: str) -> Message:
    """Said to the requester when the card is posted; `link` is its address, "" when that is not known."""
    where = f"<{escape(link)}|its card>" if link else "its card"
    text = f"Operation {op.id} ({_title(op)}) waits for you to confirm it: see {where} in <#{escape(op.channel)}>."
    return message(text, section(text))


def _title(op: Operation) -> str:
    return f"Turn {escape(op.request['task'])} {_word(op)} in {escape(op.cluster)}"


def _word(op: Operation) -> str:
    return "on" if op.request["on"] else "off"


def _facts(op: Operation) -> list[str]:
    seen = op.seen
    facts = [f"*Cluster*\n{escape(op.cluster)}", f"*Background task*\n{code(op.request['task'])}"]
    if seen:
        facts += [
            f"*Value when looked at*\n{_stored(seen['value'])}: {escape(seen['meaning'])}",
            f"*{_tense(op)}*\n{code(seen['key'])} = {_stored(seen['will_send'])}: {_word(op)}",
            f"*Dialect*\n{escape(seen['dialect'])}: {escape(clip(seen['why'], MAX_WORDS))}",
        ]
    return [*facts, f"*Asked for by*\n{_person(op.requester)}"]


def _tense(op: Operation) -> str:
    if any(event.state is OpState.RUNNING for event in op.history):
        return "Sent"
    return "Not sent" if op.final else "Will be sent"


def _stored(value: str | None) -> str:
    return "nothing (unset)" if value is None else code(clip(json.dumps(value, ensure_ascii=False), MAX_VALUE))


_MARKS: Mapping[OpState, str] = {
    OpState.PROPOSED: "◌",
    OpState.WAITING: "⏳",
    OpState.RUNNING: "▶",
    OpState.VERIFIED: "✅",
    OpState.FAILED: "❌",
    OpState.UNKNOWN: "❓",
    OpState.BLOCKED: "⛔",
    OpState.REJECTED: "⛔",
    OpState.CANCELLED: "⏹",
    OpState.EXPIRED: "⌛",
    OpState.SUPERSEDED: "↷",
}


_SENTENCES: Mapping[OpState, str] = {
    OpState.PROPOSED: "*Proposed*, being checked.",
    OpState.WAITING: "*Waiting* for {requester} to confirm, until {until}. Nothing is sent yet.",
    OpState.RUNNING: "*Running*{confirmed}, since {when}: the request is being sent and read back.",
    OpState.VERIFIED: "*Done and read back*{because}{confirmed}, seen {when}.",
    OpState.FAILED: "*Failed*{because}{confirmed}, {when}.",
    OpState.UNKNOWN: "*Outcome not known*{because}. It is not sent again; cmbot goes on looking{confirmed}, {when}.",
    OpState.BLOCKED: "*Blocked*{because}. Nothing was sent, {when}.",
    OpState.REJECTED: "*Rejected*{by}{because}. Nothing was sent, {when}.",
    OpState.CANCELLED: "*Cancelled*{by}{because}. Nothing was sent, {when}.",
    OpState.EXPIRED: "*Expired*{because}. Nothing was sent, {when}. Type the command again to ask anew.",
    OpState.SUPERSEDED: "*Overtaken*{because}, {when}. Type the command again to ask anew.",
}


def _state(op: Operation) -> str:
    last = op.history[-1] if op.history else Event(op.created_at, op.state, op.requester, "")
    words = _words(last)
    return _SENTENCES[op.state].format(
        requester=_person(op.requester),
        until=date(op.expires_at, "minute"),
        because=f": {words}" if words else "",
        by=f" by {_person(last.by)}" if last.by else "",
        confirmed=_confirmed(op),
        when=date(last.at),
    )


def _words(event: Event) -> str:
    """What an event adds to the name of its state."""
    return "" if event.words in {"", str(event.state)} else escape(clip(event.words, MAX_WORDS)).rstrip(".")


def _person(user: str) -> str:
    return f"<@{escape(user)}>"


def _confirmed(op: Operation) -> str:
    who = next((event.by for event in reversed(op.history) if event.state is OpState.RUNNING), "")
    return f", confirmed by {_person(who)}" if who else ""


def _history(op: Operation) -> list[str]:
    events = op.history[-MOST_LINES:]
    head = f"Operation {op.id}, proposed by {_person(op.requester)} {date(op.created_at)}"
    earlier = len(op.history) - len(events)
    return [f"{head} (… {earlier} earlier steps)" if earlier else head, *(_event(event) for event in events)]


def _event(event: Event) -> str:
    who = f" by {_person(event.by)}" if event.by else ""
    words = f": {told}" if (told := _words(event)) else ""
    return f"{date(event.at, 'time')} {event.state}{who}{words}"


def _value(op: Operation) -> str:
    return json.dumps({"op": op.id, "v": op.version}, separators=(",", ":"))


def _confirm_button(op: Operation) -> Button:
    seen, word = op.seen, _word(op)
    style: Style = "primary" if op.request["on"] else "danger"
    now = "unset" if seen["value"] is None else json.dumps(seen["value"], ensure_ascii=False)
    dialog = confirm(
        f"Turn {op.request['task']} {word} in {op.cluster}?",
        f"Cluster {op.cluster}, background task {op.request['task']}.\n"
        f"Now: {clip(now, MAX_VALUE)} ({seen['meaning']}).\n"
        f"Will be sent: {seen['key']} = {json.dumps(seen['will_send'])} ({word}).\n"
        f"The card expires {utc(op.expires_at)}.",
        f"Turn it {word}",
        "Not now",
        style=style,
    )
    return button("Confirm", CONFIRM, _value(op), style=style, confirm=dialog)


def _cancel_button(op: Operation) -> Button:
    return button("Cancel", CANCEL, _value(op))
