"""The rows of the audit log that the steps of an operation leave. No I/O."""

from collections.abc import Iterator
from dataclasses import replace

from bot.audit.chain import AuditEntry
from bot.common.json_object import JsonValue
from bot.operations.codec import encode_request, encode_seen
from bot.operations.model import Event, ObservedState, Operation, StepKind
from bot.operations.preflight.disk_margins import without_vids
from bot.operations.preflight.verdict import CheckLevel
from bot.views.step_text import WORDING, event_text


def proposal_entries(op: Operation) -> Iterator[AuditEntry]:
    """Entries of a new operation: its proposal, and every step that it has taken already."""
    yield _entry(op, Event(op.created_at, op.state, op.requester, None, StepKind.PROPOSED), "operation.proposed")
    for event in op.history:
        yield _entry(op, event, f"operation.{event.state}")


def step_entry(op: Operation) -> AuditEntry:
    """Entry of the newest step; raises IndexError when there is none yet, which is a programming error."""
    event = op.history[-1]
    return _entry(op, event, f"operation.{event.state}")


def _entry(op: Operation, event: Event, action: str) -> AuditEntry:
    detail: dict[str, JsonValue] = {
        "kind": op.kind.value,
        "request": encode_request(op),
        "requester": op.requester,
        "reason": op.reason,
        "words": event_text(event),
        "seen": encode_seen(_kept(op.seen), WORDING),
    }
    return AuditEntry(event.at, event.by, action, op.cluster, op.id, detail)


def _kept(seen: ObservedState) -> ObservedState:
    """Leave out the checks that passed, as the fingerprint has their facts, and the numbers of volumes."""
    if seen.verdict is None:
        return seen
    loud = tuple(without_vids(check) for check in seen.verdict.checks if check.level is not CheckLevel.PASS)
    return replace(seen, verdict=replace(seen.verdict, checks=loud))
