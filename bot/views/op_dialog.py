"""Confirmation dialog of an approval: its consequence first and never cut; its button names the act. No I/O."""

import json
from collections.abc import Iterable

from slackblocks import ConfirmationDialogue

from bot.clustermgr.health import quorum
from bot.operations.model import Operation
from bot.operations.preflight.fingerprint import Fingerprint
from bot.operations.preflight.verdict import CheckLevel, PreflightResult
from bot.operations.requests import (
    DiskAccess,
    DiskBroken,
    DiskOffline,
    DiskRequest,
    DisksOffline,
    LeaderTransfer,
    MemberAdd,
    MemberRemove,
    MemberRequest,
    NodeDrop,
    NodeOffline,
    Request,
    TaskSwitch,
)
from bot.views.blocks import MAX_CONFIRM_BUTTON, MAX_CONFIRM_TEXT, Style, clip, confirm, count, duration, plain, utc
from bot.views.op_parts import MAX_VALUE, in_agents_words, request_phrase, title, will_send, word
from bot.views.preflight_text.table import check_text

_MAX_IDS = 60
_MAX_SENT = 120
_MAX_REASON = 80


def approval(op: Operation, *, style: Style) -> ConfirmationDialogue:
    """Dialog of the button that approves."""
    return confirm(f"{title(op)}?", fitting(_lines(op)), act(op), "Not now", style=style)


def act(op: Operation) -> str:
    """Act of the button in as many characters as Slack shows."""
    full, short = _act(op.request)
    return full if len(full) <= MAX_CONFIRM_BUTTON else short


def _act(request: Request) -> tuple[str, str]:
    match request:
        case TaskSwitch():
            return f"Turn {request.task} {word(request)}", f"Turn it {word(request)}"
        case MemberRemove():
            return f"Remove peer {request.peer_id}", "Remove it"
        case LeaderTransfer():
            return f"Move leadership to peer {request.peer_id}", "Move leadership"
        case MemberAdd():
            return f"Add peer {request.peer_id} as {'learner' if request.learner else 'voter'}", "Add it"
        case _:
            return _disk_act(request)


def _disk_act(request: DiskRequest) -> tuple[str, str]:
    phrase = request_phrase(request)
    full = f"{phrase[0].upper()}{phrase[1:]}"
    match request:
        case DiskAccess():
            return full, "Make it read-only" if request.readonly else "Make it writable"
        case DiskBroken():
            return full, "Declare it broken"
        case DiskOffline() | NodeOffline():
            return full, "Take it offline"
        case DisksOffline():
            return f"Take {count(len(request.disk_ids), 'disk')} offline", "Take them offline"
        case NodeDrop():
            return full, "Drop it"


def fitting(lines: Iterable[str]) -> str:
    """Lines that fit, whole and in order; a line that does not fit is left out, never cut."""
    kept: list[str] = []
    for line in map(plain, lines):
        if len("\n".join((*kept, line))) <= MAX_CONFIRM_TEXT:
            kept.append(line)
    return "\n".join(kept)


def _lines(op: Operation) -> list[str]:
    """Lines, the most important first."""
    verdict = op.seen.verdict
    lines = [consequence(op, verdict)] if verdict is not None else []
    if op.forced:
        forced = sum(check.forced for check in verdict.checks) if verdict else 0
        lines.append(f"BREAK-GLASS overrides {count(forced, 'refused check')}.")
    if op.options.lease:
        lines.append(f"For {duration(op.options.lease)} only; then cmbot puts the old value back.")
    warned = verdict.of_level(CheckLevel.WARN) if verdict is not None else ()
    lines += [f"Warning: {check_text(each).sentence}" for each in warned]
    if op.reason:
        lines.append(f"{'Reason of the agent' if in_agents_words(op) else 'Reason'}: {clip(op.reason, _MAX_REASON)}")
    if (switch := op.seen.switch) is not None:
        now = "unset" if switch.value is None else json.dumps(switch.value, ensure_ascii=False)
        lines.append(f"Now: {clip(now, MAX_VALUE)} ({switch.meaning}).")
    lines.append(f"Will be sent: {clip(will_send(op), _MAX_SENT)}.")
    return [line for line in (*lines, f"Cluster {op.cluster}.", f"The card expires {utc(op.expires_at)}.") if line]


def consequence(op: Operation, verdict: PreflightResult) -> str:
    """Consequence of the change in one line that fits into the dialog; "" when it is not known."""
    request, state = op.request, verdict.fingerprint
    if not isinstance(request, MemberRequest):
        found = verdict.check("consequence")
        return check_text(found).sentence if found is not None else ""
    if not state.voters:
        return ""
    if isinstance(request, LeaderTransfer):
        return _transfer(state, request.peer_id)
    return _votes(request, state)


def _transfer(state: Fingerprint, peer: int) -> str:
    moved = f"Leadership moves from peer {state.leader} to peer {peer}"
    if peer not in state.healthy:
        return f"{moved}, which is not proven healthy: all writes may stop for ten seconds."
    return f"{moved}; writes may be refused for less than a second."


def _votes(request: MemberAdd | MemberRemove, state: Fingerprint) -> str:
    voters, healthy, peer = set(state.voters), set(state.healthy), request.peer_id
    if isinstance(request, MemberRemove):
        voters, healthy = voters - {peer}, healthy - {peer}
    elif not request.learner:
        voters = voters | {peer}
    same = voters == set(state.voters)
    head = "No vote changes" if same else "Afterwards"
    wanted = quorum(len(voters))
    text = f"{head}: quorum {wanted} of {len(voters)}, {len(healthy)} healthy"
    return f"{text}: {_spare(len(healthy) - wanted, healthy)}"


def _spare(spare: int, healthy: set[int]) -> str:
    if spare < 0:
        return "fewer than a quorum, so WRITES STOP."
    if spare > 0:
        return f"it can lose {count(spare, 'more voter')}."
    ids = " or ".join(map(str, sorted(healthy)))
    return (
        f"it can lose no more voters. If peer {ids} stops, writes stop."
        if len(ids) <= _MAX_IDS
        else "it can lose no more voters."
    )
