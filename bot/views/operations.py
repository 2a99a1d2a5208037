"""The card of an operation in each state of its life, and the lines that tell of it. Pure."""

import json
from collections.abc import Mapping

from slackblocks import Button

from bot.interactions.message import BlockJson, Message
from bot.operations.leases import TIME_UP, switch_of
from bot.operations.model import Event, Operation, OpState
from bot.operations.preflight.verdict import PreflightResult
from bot.operations.requests import TaskSwitch
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
)
from bot.views.op_dialog import approval
from bot.views.op_parts import MAX_WORDS, facts, findings, person, stored, title, waits_for, will_send, word

APPROVE, REJECT, CANCEL = "op_confirm", "op_reject", "op_cancel"
EXTEND, KEEP = "op_extend", "op_keep"
MOST_LINES = 9
_LOUD = (
    "🔓 *BREAK-GLASS* was used: what the checks below refuse is let through. "
    "Two people other than the requester must approve."
)


def card(op: Operation) -> Message:
    """The one message that stands for an operation; its buttons are there only while something can be decided."""
    blocks: list[BlockJson] = [header(title(op)), section(f"{_MARKS[op.state]} {_state(op)}")]
    if op.forced:
        blocks.append(section(_LOUD))
    if told := op.seen.contradiction:
        blocks.append(section(f"⚠️ *{escape(told[0].upper())}{escape(told[1:])}.* An admin settled it otherwise."))
    blocks.append(fields(*facts(op)))
    verdict = op.seen.verdict
    if verdict is not None and op.state in {OpState.WAITING, OpState.BLOCKED}:
        blocks += findings(verdict, op.seen.difference)
    if op.reason:
        blocks.append(section(f"*Reason*\n{escape(op.reason)}"))
    blocks += _buttons(op)
    blocks.append(context(*_history(op)))
    return message(f"{escape(title(op))}: {_state(op)}", *blocks)


def line(op: Operation) -> Message:
    """The newest step of an operation as one line for the thread of its card."""
    glass = " with break-glass" if op.forced else ""
    states = [event.state for event in op.history[-2:]]
    stayed = len(states) > 1 and states[0] is states[1]
    told = f"{_words(op.history[-1])} by {person(op.history[-1].by)}" if stayed and op.history[-1].by else _state(op)
    text = f"{_MARKS[op.state]} Operation #{op.id}{glass} ({escape(title(op))}): {told}"
    return message(text, section(text))


def settled(op: Operation, limits: str) -> Message:
    """Said to the admin who settled it: the step, and what cmbot can and cannot see of the outcome."""
    text = f"{line(op).text} {escape(limits)}"
    return message(text, section(text))


def warning(op: Operation) -> Message:
    """Said some time before a leased switch goes back, with buttons to extend or keep."""
    back = "on" if op.seen.switch is not None and op.seen.switch.meaning == "on" else "off"
    text = (
        f"⏳ Operation #{op.id} ({escape(title(op))}): {escape(op.task)} goes back to {back} by itself "
        f"{date(op.lease_until, 'minute')}."
    )
    return message(text, section(text), *_buttons(op))


def deed(op: Operation) -> str:
    """The operation and what became of it in a few plain words, for summaries."""
    return f"operation #{op.id}: {what(op)}, {op.state}"


def what(op: Operation) -> str:
    """What the operation does in a few plain words, its cluster left out."""
    name = title(op)
    return f"{name[0].lower()}{name[1:].removesuffix(f' in {op.cluster}')}"


def already(op: Operation) -> Message:
    """Said instead of a card when the switch holds already what would be sent."""
    request, switch = switch_of(op)
    text = (
        f"{escape(request.task)} is {escape(switch.meaning)} in {escape(op.cluster)} already "
        f"({code(switch.key)} holds {stored(switch.value)}): nothing to do."
    )
    return message(text, section(text))


def proposed(op: Operation, link: str) -> Message:
    """Said to the requester when the card is posted; `link` is its address, "" when that is not known."""
    where = f"<{escape(link)}|its card>" if link else "its card"
    text = (
        f"Operation #{op.id} ({escape(title(op))}) waits for {waits_for(op)}: see {where} in <#{escape(op.channel)}>."
    )
    return message(text, section(text))


def evaluation(op: Operation, verdict: PreflightResult, *, dry_run: bool) -> Message:
    """What speaks against a wish, or for it, told to the requester alone; nothing was proposed."""
    head = escape(title(op))
    if verdict.blocked:
        number = f"Operation #{op.id} is noted as blocked. " if op.id else ""
        text = f"⛔ {head}: refused, nothing was sent. {number}{_forcing(verdict)}".rstrip()
    else:
        text = f"✓ {head}: it could be proposed. This was a dry run: nothing was proposed and nothing was sent."
    sent = [] if verdict.blocked or not dry_run else [section(f"*Would be sent*\n{escape(will_send(op))}")]
    refusals = " ".join(f"{check.ended} {check.next_step}" for check in verdict.checks if check.level == "block")
    return message(f"{text} {escape(clip(refusals, MAX_WORDS))}".rstrip(), section(text), *sent, *findings(verdict))


def _forcing(verdict: PreflightResult) -> str:
    return 'Break-glass could let it through: force=yes reason="…".' if verdict.forceable else ""


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
    OpState.CLOSED: "⏹",
}


_SENTENCES: Mapping[OpState, str] = {
    OpState.PROPOSED: "*Proposed*, being checked.",
    OpState.WAITING: "*Waiting* for {waits}, until {until}. Nothing is sent yet.",
    OpState.RUNNING: "*Running*{confirmed}, since {when}: the request is being sent and read back.",
    OpState.VERIFIED: "*Done and read back*{because}{confirmed}, seen {when}.{lease}",
    OpState.FAILED: "*Failed*{because}{confirmed}, {when}.",
    OpState.UNKNOWN: "*Outcome not known*{because}. It is not sent again; cmbot goes on looking{confirmed}, {when}.",
    OpState.BLOCKED: "*Blocked*{because}. Nothing was sent, {when}.",
    OpState.REJECTED: "*Rejected*{by}{because}. Nothing was sent, {when}.",
    OpState.CANCELLED: "*Cancelled*{by}{because}. Nothing was sent, {when}.",
    OpState.EXPIRED: "*Expired*{because}. Nothing was sent, {when}. Type the command again to ask anew.",
    OpState.SUPERSEDED: "*Overtaken*{because}, {when}. What was approved is void, and nothing was sent.",
    OpState.CLOSED: "*Closed*{because}, {when}.",
}


def _state(op: Operation) -> str:
    last = op.history[-1] if op.history else Event(op.created_at, op.state, op.requester, "")
    text = _words(last)
    if last.text.startswith(TIME_UP):
        return f"*Time is up*: {text.removeprefix(TIME_UP)}, {date(last.at)}."
    return _SENTENCES[op.state].format(
        waits=waits_for(op),
        until=date(op.expires_at, "minute"),
        because=f": {text}" if text else "",
        by=f" by {person(last.by)}" if last.by else "",
        confirmed=_confirmed(op),
        when=date(last.at),
        lease=f" It goes back by itself {date(op.lease_until, 'minute')}." if op.lease_until else "",
    )


def _words(event: Event) -> str:
    """What an event adds to the name of its state."""
    return "" if event.text in {"", str(event.state)} else escape(clip(event.text, MAX_WORDS)).rstrip(".")


def _confirmed(op: Operation) -> str:
    by_click = next((event.by for event in reversed(op.history) if event.state is OpState.RUNNING), "")
    who = op.approvals or ((by_click,) if by_click else ())
    if not who:
        return ""
    verb = "confirmed" if who == (op.requester,) else "approved"
    return f", {verb} by {' and '.join(map(person, who))}"


def _history(op: Operation) -> list[str]:
    events = op.history[-MOST_LINES:]
    head = f"Operation #{op.id}, proposed by {person(op.requester)} {date(op.created_at)}"
    earlier = len(op.history) - len(events)
    return [f"{head} (… {earlier} earlier steps)" if earlier else head, *(_event(event) for event in events)]


def _event(event: Event) -> str:
    who = f" by {person(event.by)}" if event.by else ""
    text = f": {told}" if (told := _words(event)) else ""
    return f"{date(event.at, 'time')} {event.state}{who}{text}"


def _value(op: Operation) -> str:
    return json.dumps({"op": op.id, "v": op.version}, separators=(",", ":"))


def _buttons(op: Operation) -> list[BlockJson]:
    if op.state is OpState.WAITING:
        reject = button("Reject", REJECT, _value(op))
        return [actions(_approve_button(op), reject, button("Cancel", CANCEL, _value(op)))]
    if op.lease_until and op.state is OpState.VERIFIED:
        return [actions(button("Extend", EXTEND, _value(op)), _keep_button(op))]
    return []


def _approve_button(op: Operation) -> Button:
    switch_on = isinstance(op.request, TaskSwitch) and op.request.on
    style: Style = "primary" if switch_on and not op.forced else "danger"
    own = op.terms is None or op.terms.policy.requester_may == "always"
    dialog = approval(op, style=style)
    return button("Confirm" if own else "Approve", APPROVE, _value(op), style=style, confirm=dialog)


def _keep_button(op: Operation) -> Button:
    text = f"Cluster {op.cluster}: {op.task} stays {word(switch_of(op)[0])} until somebody changes it."
    return button("Keep", KEEP, _value(op), confirm=confirm("Keep it for good?", text, "Keep it", "Not now"))
