"""Card of an operation in each state, its thread lines, and the replies to its requester. No I/O."""

from collections.abc import Mapping
from typing import NamedTuple

from slackblocks import Button

from bot.alerting.progress import work_progress
from bot.common.errors import Refused
from bot.interactions.message import BlockJson, Message
from bot.operations.disk_offline import offers_writable
from bot.operations.disk_series import SERIES, bad_end, begins_until, may_stop
from bot.operations.disk_step_facts import NodeAccepted, PartAgain, PartWaits, SeriesEnded
from bot.operations.leases import goes_back_on, switch_of
from bot.operations.model import DropProgress, Event, Operation, OpState, StepKind
from bot.operations.operation_problems import ButtonOutdated
from bot.operations.preflight.verdict import CheckLevel, PreflightResult
from bot.operations.requests import DiskOffline, OpKind, TaskSwitch
from bot.operations.step_facts import StepFact
from bot.views.blocks import (
    Style,
    actions,
    button,
    clip,
    code,
    confirm,
    context,
    count,
    date,
    escape,
    fields,
    header,
    message,
    section,
)
from bot.views.lease_buttons import lease_buttons
from bot.views.op_calls import calls, mention, people, result_concerns_requester, void_approvers
from bot.views.op_checks import consequence_block, fold
from bot.views.op_dialog import approval
from bot.views.op_parts import (
    MAX_WORDS,
    button_value,
    call_text,
    facts,
    findings,
    person,
    proposer,
    reason_block,
    rest_proposal,
    stored,
    title,
    waits_for,
)
from bot.views.preflight_text.table import check_text
from bot.views.progress import progress_line
from bot.views.series_lines import series_lines
from bot.views.step_text import event_text, step_text
from bot.views.volume_margins import all_button

APPROVE, REJECT, CANCEL = "op_confirm", "op_reject", "op_cancel"
SETTLE = "op_settle"
WRITABLE, STOP = "op_writable", "op_stop"
MAX_LINES = 9
_LOUD = (
    "🔓 *BREAK-GLASS* overrides the checks below that refuse it. Two people other than the requester must approve it."
)


def card(op: Operation, *, call: bool = True) -> Message:
    """Card of an operation; it has buttons only while a decision is possible.

    With `call` it calls those who must act: a copy of it elsewhere calls no one.
    """
    called = calls(op) if call else ""
    blocks: list[BlockJson] = [header(title(op)), section(f"{_mark(op)} {_state(op)}")]
    if called:
        blocks.append(section(f"📣 {called}: please decide."))
    if op.options.agent and not op.options.reverts:
        blocks.append(section(f"🤖 *Proposed by {proposer(op)}*, who may not approve it: another person decides."))
    if op.forced:
        blocks.append(section(_LOUD))
    if found := step_text(op.seen.contradiction):
        blocks.append(section(f"⚠️ *{escape(found[0].upper())}{escape(found[1:])}.* An admin settled it otherwise."))
    verdict = op.seen.verdict
    decides = verdict is not None and op.state in {OpState.WAITING, OpState.BLOCKED}
    if verdict is not None and decides:
        blocks += consequence_block(op, verdict)
    blocks += [fields(*facts(op)), *series_lines(op)]
    if op.seen.drop is not None and op.state is OpState.VERIFIED:
        blocks.append(section(f"*Units moved off it*\n{escape(_drop(op.seen.drop))}"))
    if verdict is not None and decides:
        blocks += findings(op.request, verdict, op.seen.difference, op_id=op.id)
    blocks += reason_block(op)
    blocks += fold(op, verdict if decides else None)
    blocks += _buttons(op)
    blocks.append(context(*_history(op)))
    return message(f"{called} {escape(title(op))}: {_state(op)}".lstrip(), *blocks)


def _drop(known: DropProgress) -> str:
    """Progress of a drop by the units that were counted, with the time of the count."""
    as_of = f", as of {date(known.counts[-1].at, 'minute')}" if known.counts else ""
    if known.over and known.counts and not known.counts[-1].left:
        return f"no unit left{as_of}"
    return f"{progress_line(work_progress(known.counts, known.total))}{as_of}"


def line(op: Operation) -> Message:
    """Newest step of an operation as one line for the thread of its card."""
    glass = " with break-glass" if op.forced else ""
    states = [event.state for event in op.history[-2:]]
    stayed = len(states) > 1 and states[0] is states[1]
    step = f"{_step(op.history[-1])}." if stayed and op.history[-1].by else _state(op)
    text = f"{_mark(op)} Operation #{op.id}{glass} ({escape(title(op))}): {step}"
    return message(text, section(text))


def thread_line(op: Operation, *, tell: bool = True, call: bool = False) -> Message:
    """Line that calls people: with `tell` the requester at a result, and always those whose approval became void.

    With `call` it also calls the approvers: an edit of the card notifies no one.
    """
    text = line(op).text
    if tell and result_concerns_requester(op):
        text = f"{mention(op.requester)} {text}"
    if void := void_approvers(op):
        text = f"{text} {people(void)}: your approval is void."
    if call and (called := calls(op)):
        text = f"{called} {text}"
    return message(text, section(text))


def result(op: Operation) -> Message:
    """Direct message to the requester about the result of an operation."""
    text = f"{line(op).text} Its card is in <#{escape(op.channel)}>."
    return message(text, section(text))


_CANNOT_SEE = (
    "cmbot sees the hosts' answers now, not a request that is still pending inside the cluster. It looks again until "
    "the cluster was stable for a minute. If the cluster then shows the opposite, the card says so."
)


def settled(op: Operation) -> Message:
    """Reply to the admin who settled it: the step, and the limits of what cmbot can see."""
    text = f"{line(op).text} {escape(_CANNOT_SEE)}"
    return message(text, section(text))


def warning(op: Operation) -> Message:
    """Announcement before a leased switch goes back, with buttons to extend or keep."""
    text = f"⏳ Operation #{op.id} ({escape(title(op))}): {escape(op.task)} {_turned_back(op)}"
    return message(text, section(text), *_buttons(op))


def _turned_back(op: Operation) -> str:
    """Clause about the end of a lease, without its subject."""
    back = "on" if goes_back_on(op) else "off"
    return f"is turned back {back} {date(op.lease_until, 'minute')}."


def goes_back(op: Operation) -> str:
    """Sentence on a switch that goes back later."""
    return f"⏳ {escape(op.task)} {_turned_back(op)} Operation #{op.id} set it for a time."


def reversion_reason(op: Operation) -> str:
    """Reason of the operation that restores the value before the lease of `op`."""
    return f"operation #{op.id} was for a time only"


def writable_command(op: Operation) -> str:
    """Command, without `/cm`, that proposes to make the disk of an operation writable again; raises Refused."""
    if not isinstance(op.request, DiskOffline) or not offers_writable(op):
        raise Refused(ButtonOutdated())
    return f'disk writable {op.request.disk_id} {op.cluster} reason="operation #{op.id} did not drop it"'


def outcome(op: Operation) -> str:
    """Operation and its state in a few words, for summaries."""
    by_agent = ", proposed by an agent" if op.options.agent else ""
    return f"operation #{op.id}: {what(op)}{by_agent}, {state_now(op)}"


def what(op: Operation) -> str:
    """Title of an operation inside a sentence, without its cluster."""
    name = title(op, in_cluster=False)
    return f"{name[0].lower()}{name[1:]}"


def already(op: Operation, leased: Operation | None = None) -> Message:
    """Reply instead of a card when the cluster already is as requested; `leased` is a switch that goes back later."""
    found = op.seen.verdict.check("already_so") if op.seen.verdict is not None else None
    if not isinstance(op.request, TaskSwitch) and found is not None:
        text = f"{escape(op.cluster)}: {escape(check_text(found).ended)} Nothing to do."
        return message(text, section(text))
    request, switch = switch_of(op)
    text = (
        f"{escape(request.task)} is already {escape(switch.meaning)} in {escape(op.cluster)} "
        f"({code(switch.key)} is {stored(switch.value)}): nothing to do."
    )
    if leased is not None:
        text += (
            f" It {_turned_back(leased)[:-1]} by operation #{leased.id}: *Extend* and *Keep* on its card in "
            f"<#{escape(leased.channel)}> change that."
        )
    elif op.options.lease:
        text += " It stays so: no time limit was set."
    return message(text, section(text))


def proposed(op: Operation, link: str) -> Message:
    """Reply to the requester when the card is posted; `link` is its address, "" when it is not known."""
    where = f"<{escape(link)}|its card>" if link else "its card"
    text = (
        f"Operation #{op.id} ({escape(title(op))}) waits for {' '.join(filter(None, waits_for(op)))} "
        f"See {where} in <#{escape(op.channel)}>."
    )
    return message(text, section(text))


def evaluation(op: Operation, verdict: PreflightResult, *, dry_run: bool) -> Message:
    """Reply to the requester: the result of the preflight; nothing was proposed."""
    head = escape(title(op))
    if verdict.blocked:
        number = f"It is recorded as operation #{op.id}, blocked. " if op.id else ""
        text = f"⛔ {head}: refused, nothing was sent. {number}{_forcing(verdict)}".rstrip()
    else:
        text = f"✓ {head}: it could be proposed. This was a dry run: nothing was proposed and nothing was sent."
    sent = [] if verdict.blocked or not dry_run else [section(f"*Would be sent*\n{call_text(op)}")]
    blocks = map(check_text, verdict.of_level(CheckLevel.BLOCK))
    refusals = " ".join(f"{block.ended} {block.next_step}" for block in blocks)
    return message(
        f"{text} {escape(clip(refusals, MAX_WORDS))}".rstrip(),
        section(text),
        *consequence_block(op, verdict),
        *sent,
        *findings(op.request, verdict, op_id=op.id),
        *fold(op, verdict),
    )


def _forcing(verdict: PreflightResult) -> str:
    return 'Break-glass can override it: add `force=yes reason="…"`.' if verdict.forceable else ""


class _StateView(NamedTuple):
    """Mark of a state, and what follows its name on a card."""

    mark: str
    sentence: str


STATES: Mapping[OpState, _StateView] = {
    OpState.PROPOSED: _StateView("◌", "; the checks run."),
    OpState.WAITING: _StateView("⏳", " for {waits} Nothing was sent; the card expires {until}."),
    OpState.RUNNING: _StateView("▶", " since {when}.{confirmed} cmbot sends the request, then looks for its effect."),
    OpState.VERIFIED: _StateView("✅", "{because}, {when}.{confirmed}{lease}"),
    OpState.FAILED: _StateView("❌", "{because}, {when}.{confirmed}"),
    OpState.UNKNOWN: _StateView(
        "❓", "{because}, {when}.{confirmed} cmbot does not send it again; it keeps looking for the effect."
    ),
    OpState.BLOCKED: _StateView("⛔", "{because}. Nothing was sent, {when}."),
    OpState.REJECTED: _StateView("⛔", "{by}{because}. Nothing was sent, {when}."),
    OpState.CANCELLED: _StateView("⏹", "{by}{because}. Nothing was sent, {when}."),
    OpState.EXPIRED: _StateView(
        "⌛", "{because}. Nothing was sent, {when}. Type the command again to propose it again."
    ),
    OpState.SUPERSEDED: _StateView("↷", "{because}, {when}. Its approvals are void; nothing was sent."),
    OpState.CLOSED: _StateView("⏹", "{because}, {when}."),
}
"""How a card shows each state; its name is the value of OpState there, in threads, lists, audit and docs."""


def _mark(op: Operation) -> str:
    """Mark of the state; a warning for a drop that ended with a disk that must not be pulled."""
    return "⚠️" if op.state is OpState.VERIFIED and bad_end(op) is not None else STATES[op.state].mark


def _state(op: Operation) -> str:
    last = op.history[-1] if op.history else Event(op.created_at, op.state, op.requester)
    if op.kind in SERIES and isinstance(last.fact, SeriesEnded):
        by = f" by {person(last.by)}" if last.by else ""
        rest = rest_proposal(op, last.fact)
        return (
            f"*{op.state.capitalize()}*{by}: {_clipped(step_text(last.fact))}, {date(last.at)}.{rest}{_confirmed(op)}"
        )
    if op.state is OpState.RUNNING and op.kind in SERIES | {OpKind.DISK_OFFLINE} and last.fact is not None:
        until = _waits_until(op) if isinstance(last.fact, PartWaits | PartAgain) else ""
        return f"*Running*: {_clipped(step_text(last.fact))}, {date(last.at)}.{until}{_confirmed(op)}"
    if last.kind is StepKind.TIME_UP:
        return f"*Time is up*: {_clipped(step_text(last.fact))}, {date(last.at)}."
    text = _clipped(step_text(last.fact)).removeprefix(": ") if last.kind is StepKind.REJECTED else _text(last)
    waits, may_approve = waits_for(op)
    rest = STATES[op.state].sentence.format(
        waits=f"{waits} {may_approve}".rstrip(),
        until=date(op.expires_at, "minute"),
        because=f": {text}" if text else "",
        by=f" by {person(last.by)}" if last.by else "",
        confirmed=_confirmed(op),
        when=date(last.at),
        lease=f" The task {_turned_back(op)}" if op.lease_until else "",
    )
    return f"*{state_word(op.state, last.fact).capitalize()}*{rest}"


def state_word(state: OpState, fact: StepFact | None) -> str:
    """Name of a state; the drop of a node that no call can show is accepted, which proves nothing."""
    return "accepted, not proven" if state is OpState.VERIFIED and isinstance(fact, NodeAccepted) else state.value


def state_now(op: Operation) -> str:
    """Name of the state of an operation."""
    return state_word(op.state, op.history[-1].fact if op.history else None)


def _waits_until(op: Operation) -> str:
    return f" It is looked at once a minute until {date(begins_until(op), 'minute')}; *Cancel the rest* ends that."


def _text(event: Event) -> str:
    """Words of an event, "" when they only repeat the state."""
    words = event_text(event)
    return "" if words == event.state else _clipped(words)


def _clipped(text: str) -> str:
    return escape(clip(text, MAX_WORDS)).rstrip(".")


def _step(event: Event) -> str:
    """Event as a clause: "@alice approved it (1 of 2)", "verified: balance is now off"."""
    if event.kind is not None and event.kind.by_person:
        return f"{person(event.by)} {event.kind} it{_clipped(step_text(event.fact))}"
    who = f" by {person(event.by)}" if event.by else ""
    text = _text(event)
    return f"{state_word(event.state, event.fact)}{who}{f': {text}' if text else ''}"


def _confirmed(op: Operation) -> str:
    """Sentence about the approval, with the time of the last click; "" without one."""
    clicks = [event for event in op.history if event.by and _is_approval(event)]
    who = op.approvals or tuple(event.by for event in clicks[-1:])
    if not who:
        return ""
    when = f", {date(clicks[-1].at, 'time')}" if clicks else ""
    return f" Approved by {' and '.join(map(person, who))}{when}."


def _is_approval(event: Event) -> bool:
    return event.state is OpState.RUNNING or event.kind in {StepKind.APPROVED, StepKind.CONFIRMED}


def _history(op: Operation) -> list[str]:
    # The first sentence says who proposed it.
    steps = [event for event in op.history if event.kind is not StepKind.PROPOSED]
    events = steps[-MAX_LINES:]
    head = f"Operation #{op.id}, proposed by {proposer(op)} {date(op.created_at)}"
    earlier = len(steps) - len(events)
    return [
        f"{head} ({count(earlier, 'earlier step')} not shown)" if earlier else head,
        *(f"{date(event.at, 'time')} {_step(event)}" for event in events),
    ]


def _buttons(op: Operation) -> list[BlockJson]:
    if op.state is OpState.WAITING:
        reject = button("Reject", REJECT, button_value(op))
        return [actions(_approve_button(op), reject, button("Cancel", CANCEL, button_value(op)), *all_button(op))]
    if op.state in {OpState.UNKNOWN, OpState.BLOCKED}:
        own = [button("Settle", SETTLE, button_value(op))] if op.state is OpState.UNKNOWN else all_button(op)
        return [actions(*own)] if own else []
    if may_stop(op):
        text = f"Cluster {op.cluster}: no further disk is begun. A drop that has begun goes on; it cannot be cancelled."
        dialog = confirm("Cancel the rest?", text, "Cancel the rest", "Not now")
        return [actions(button("Cancel the rest", STOP, button_value(op), confirm=dialog))]
    if offers_writable(op):
        return [actions(button("Make writable again", WRITABLE, button_value(op), style="primary"))]
    if op.lease_until and op.state is OpState.VERIFIED:
        return lease_buttons(op)
    return []


def _approve_button(op: Operation) -> Button:
    switch_on = isinstance(op.request, TaskSwitch) and op.request.on
    style: Style = "primary" if switch_on and not op.forced else "danger"
    own = op.terms is None or op.terms.policy.requester_may == "always"
    dialog = approval(op, style=style)
    return button("Confirm" if own else "Approve", APPROVE, button_value(op), style=style, confirm=dialog)
