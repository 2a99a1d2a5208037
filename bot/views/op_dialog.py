"""The dialog before a change is approved: what follows from it first, never cut; its button names the act. No I/O."""

import json
from collections.abc import Iterable

from slackblocks import ConfirmationDialogue

from bot.clustermgr.health import quorum
from bot.operations.model import Operation, OpKind
from bot.operations.preflight.fingerprint import Fingerprint
from bot.operations.preflight.verdict import CheckLevel, PreflightResult
from bot.views.blocks import MAX_CONFIRM_BUTTON, MAX_CONFIRM_TEXT, Style, clip, confirm, count, plain, utc
from bot.views.op_parts import MAX_VALUE, title, verdict_of, will_send, word

_MOST_IDS = 60
_MOST_SENT = 120


def approval(op: Operation, *, style: Style) -> ConfirmationDialogue:
    """The dialog of the button that approves."""
    return confirm(f"{title(op)}?", fitting(_lines(op)), act(op), "Not now", style=style)


def act(op: Operation) -> str:
    """What the button does, named in as many characters as Slack shows."""
    full, short = _switched(op) if op.kind is OpKind.TASK_SWITCH else _moved(op)
    return full if len(full) <= MAX_CONFIRM_BUTTON else short


def _switched(op: Operation) -> tuple[str, str]:
    return f"Turn {op.request['task']} {word(op)}", f"Turn it {word(op)}"


def _moved(op: Operation) -> tuple[str, str]:
    peer = op.request["peer_id"]
    if op.kind is OpKind.MEMBER_REMOVE:
        return f"Remove peer {peer}", "Remove it"
    if op.kind is OpKind.LEADER_TRANSFER:
        return f"Move leadership to peer {peer}", "Move leadership"
    return f"Add peer {peer} as {'learner' if op.request.get('learner') else 'voter'}", "Add it"


def fitting(lines: Iterable[str], most: int = MAX_CONFIRM_TEXT) -> str:
    """The lines that fit, whole and in their order; one that does not fit is left out, never cut."""
    kept: list[str] = []
    for line in map(plain, lines):
        if len("\n".join((*kept, line))) <= most:
            kept.append(line)
    return "\n".join(kept)


def _lines(op: Operation) -> list[str]:
    """The most important first."""
    verdict = verdict_of(op)
    lines = [consequence(op, verdict)] if verdict is not None else []
    if op.forced:
        forced = (
            sum(check.sentence.startswith("FORCED") for check in verdict.of_level(CheckLevel.WARN)) if verdict else 0
        )
        lines.append(f"BREAK-GLASS overrides {count(forced, 'refused check')}.")
    if op.kind is OpKind.TASK_SWITCH and "key" in op.seen:
        value = op.seen["value"]
        now = "unset" if value is None else json.dumps(value, ensure_ascii=False)
        lines.append(f"Now: {clip(now, MAX_VALUE)} ({op.seen['meaning']}).")
    lines.append(f"Will be sent: {clip(will_send(op), _MOST_SENT)}.")
    return [line for line in (*lines, f"Cluster {op.cluster}.", f"The card expires {utc(op.expires_at)}.") if line]


def consequence(op: Operation, verdict: PreflightResult) -> str:
    """What follows from the change, in one line that fits into the dialog; "" where nothing is known of it."""
    if op.kind is OpKind.TASK_SWITCH:
        told = verdict.check("consequence")
        return told.sentence if told is not None else ""
    state, peer = verdict.fingerprint, int(op.request["peer_id"])
    if not state.voters:
        return ""
    if op.kind is OpKind.LEADER_TRANSFER:
        return _transfer(state, peer)
    return _votes(op, state, peer)


def _transfer(state: Fingerprint, peer: int) -> str:
    moved = f"Leadership moves from peer {state.leader} to peer {peer}"
    if peer not in state.healthy:
        return f"{moved}, which is not proven healthy: all writes may stop for ten seconds."
    return f"{moved}; writes may be refused for less than a second."


def _votes(op: Operation, state: Fingerprint, peer: int) -> str:
    voters, healthy = set(state.voters), set(state.healthy)
    if op.kind is OpKind.MEMBER_REMOVE:
        voters, healthy = voters - {peer}, healthy - {peer}
    elif not op.request.get("learner"):
        voters = voters | {peer}
    same = voters == set(state.voters)
    head = "No vote changes" if same else "Afterwards"
    wanted = quorum(len(voters))
    words = f"{head}: {count(len(voters), 'voter')}, quorum {wanted}, {len(healthy)} healthy"
    return f"{words}: {_spare(len(healthy) - wanted, healthy)}"


def _spare(spare: int, healthy: set[int]) -> str:
    if spare < 0:
        return "fewer than a quorum, so WRITES STOP."
    if spare > 0:
        return f"{spare} may fail."
    ids = " or ".join(map(str, sorted(healthy)))
    return f"none may fail. If peer {ids} stops, writes stop." if len(ids) <= _MOST_IDS else "none may fail."
