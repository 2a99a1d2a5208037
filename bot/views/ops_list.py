"""/cm ops and /cm op: a table of operations, one operation, the plan of a replacement. No I/O."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bot.interactions.message import BlockJson, Message, Undelivered
from bot.interactions.notes import Note
from bot.operations.model import Operation
from bot.operations.replacement_plan import Step, StepKey, StepState, next_step
from bot.views.blocks import (
    NumberCell,
    PeopleCell,
    actions,
    button,
    code,
    context,
    count,
    data_table,
    duration,
    escape,
    message,
    section,
)
from bot.views.notes import notes_blocks
from bot.views.op_parts import title
from bot.views.operations import card, state_now
from bot.views.text import clip
from bot.views.volume_margins import all_volumes
from bot.views.voter_text import voter_fault_text

_HEADER = ("State", "No.", "What", "Asked for by", "Approved by", "Age")
_STEPS: Mapping[StepKey, str] = MappingProxyType(
    {
        StepKey.REMOVE_DEAD: "Remove the lost peer {dead}.",
        StepKey.ADD_LEARNER: "Add peer {new} as a learner, and start its node.",
        StepKey.CAUGHT_UP: "Wait until learner {new} has caught up.",
        StepKey.REMOVE_LEARNER: "Remove learner {new}: a learner cannot be made a voter in place.",
        StepKey.ADD_VOTER: "Add peer {new} as a voter.",
        StepKey.HEALTHY: "Wait until voter {new} is proven healthy.",
    }
)
_MARKS = {StepState.DONE: "✅", StepState.NEXT: "▶", StepState.LATER: "◌", StepState.UNKNOWN: "❓"}


_MAX_UNDELIVERED = 10
_TRACE_CHARS = 12
"""Characters of a trace id that people read; that many are enough to search for it."""
RETRY = "ops_retry"
"""The action of the button that posts again what Slack refused."""


def listed(
    operations: Sequence[Operation], *, open_only: bool, now: float, undelivered: Sequence[Undelivered] = ()
) -> Message:
    """Table of operations, the newest first, and the messages that could not be posted."""
    kind = "open operation" if open_only else "operation"
    if not operations:
        more = " `/cm ops state=recent` lists those that ended." if open_only else ""
        text = f"There is no {kind}.{more}"
        return message(f"{text}{_how_many(undelivered)}", section(text), *_undelivered(undelivered, now))
    text = f"{count(len(operations), kind)}{', the newest first' if len(operations) > 1 else ''}."
    rows = [_row(op, now) for op in operations]
    spoken = f"{text} {_spoken(operations, now)}{_how_many(undelivered)}"
    return message(spoken, section(text), _table(rows), *_undelivered(undelivered, now))


def _table(rows: Sequence[Sequence[str]]) -> BlockJson:
    return data_table(rows, header=_HEADER, caption="Operations", names=1)


def _how_many(undelivered: Sequence[Undelivered]) -> str:
    return f" {count(len(undelivered), 'message')} could not be posted." if undelivered else ""


def _undelivered(undelivered: Sequence[Undelivered], now: float) -> tuple[BlockJson, ...]:
    """Messages that Slack refused for good, and what to do about them."""
    if not undelivered:
        return ()
    lines = [
        f"• <#{escape(each.channel)}>, {duration(now - each.at)} ago, {code(each.error)}: {escape(clip(each.text, 80))}"
        for each in undelivered[:_MAX_UNDELIVERED]
    ]
    more = len(undelivered) - len(lines)
    rest = [f"… and {more:,} more"] if more else []
    head = f"*{count(len(undelivered), 'message')} could not be posted*; Slack would refuse them again:"
    cause = "Fix the cause (is cmbot in the channel? is it archived?)"
    fix = f"{cause}; then an admin clicks *Retry*, or types {code('/cm ops retry')}."
    retry = actions(button("Retry", RETRY, "{}", style="primary"))
    return (section("\n".join([head, *lines, *rest])), retry, context(fix))


def redelivered(number: int) -> Message:
    """Reply to a retry of the undelivered messages."""
    if not number:
        text = "There is no message that Slack refused."
        return message(text, section(text))
    text = f"{count(number, 'message')} will be posted again. `/cm ops` lists those that Slack refuses again."
    return message(text, section(text))


def _spoken(operations: Sequence[Operation], now: float) -> str:
    return " ".join(f"Operation #{op.id}: {escape(title(op))}, {_state(op, now)}." for op in operations[:5])


def _state(op: Operation, now: float) -> str:
    """State of an operation, and when its switch goes back."""
    back = f"; goes back in {duration(max(0.0, op.lease_until - now))}" if op.lease_until else ""
    return f"{state_now(op)}{back}"


def _row(op: Operation, now: float) -> tuple[str, ...]:
    approved = PeopleCell(" ".join(op.approvals)) if op.approvals else "—"
    age = NumberCell(f"{duration(now - op.created_at)} ago", now - op.created_at)
    what = f"{title(op)} (proposed by an agent)" if op.options.agent else title(op)
    return (_state(op, now), NumberCell(f"#{op.id}", op.id), what, PeopleCell(op.requester), approved, age)


def shown(op: Operation, notes: Sequence[Note] = ()) -> Message:
    """Card of one operation without its buttons, and the notes on it."""
    full = card(op, call=False)
    blocks = tuple(block for block in full.blocks if block["type"] != "actions")
    trace = f" Its trace id in logs starts with {code(op.trace[:_TRACE_CHARS])}." if op.trace else ""
    place = section(f"Its card is in <#{escape(op.channel)}>.{trace}")
    return message(full.text, *blocks, *notes_blocks(notes), place)


def volumes(op: Operation, page: int) -> Message:
    """One page of all volumes that an operation concerns, each with its margin."""
    return all_volumes(op, title(op), page)


def plan(cluster: str, dead: int, new: int, steps: Sequence[Step]) -> Message:
    """Steps of a replacement and their states."""
    if all(step.state is StepState.DONE for step in steps):
        text = f"Peer {dead} of {escape(cluster)} is replaced by peer {new}: all steps are done."
        return message(text, section(text))
    text = f"Replacing peer {dead} of {escape(cluster)} by peer {new}. Type the command again for each further step."
    words = {step.key: f"{_STEPS[step.key].format(dead=dead, new=new)}{_why(step)}" for step in steps}
    lines = [f"{_MARKS[step.state]} {words[step.key]}" for step in steps]
    first = next_step(steps)
    now = f" Now: {words[first.key]}" if first else " The cluster has no leader now, so its state is not known."
    return message(f"{text}{now}", section(text), section("\n".join(lines)))


def _why(step: Step) -> str:
    """The fault that a step waits for, with the person's task if waiting does not help."""
    if step.fault is None:
        return ""
    text = voter_fault_text(step.fault)
    if step.fault.needs_host:
        node = step.node_host or "its service address"
        text += f": write {node} under `hosts` in the settings instead of the lost node, and restart cmbot"
    return f" ({escape(text)})"


def joined(first: Message, second: Message) -> Message:
    """Join two replies."""
    return message(f"{first.text}\n{second.text}", *first.blocks, *second.blocks)
