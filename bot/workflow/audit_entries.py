"""Audit entries of an operation's steps. No I/O."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bot.audit.chain import AuditEntry
from bot.operations.codec import encode_request, encode_seen
from bot.operations.model import Event, ObservedState, Operation
from bot.operations.preflight.verdict import CheckLevel


def proposal(op: Operation) -> Iterator[AuditEntry]:
    """Entries of a new operation: its proposal, and every step that it has taken already."""
    yield _entry(op, Event(op.created_at, op.state, op.requester, "proposed"), "operation.proposed")
    for event in op.history:
        yield _entry(op, event, f"operation.{event.state}")


def step(op: Operation) -> AuditEntry:
    """Entry of the newest step; raises IndexError when there is none yet, which is a programming error."""
    event = op.history[-1]
    return _entry(op, event, f"operation.{event.state}")


def _entry(op: Operation, event: Event, action: str) -> AuditEntry:
    detail: dict[str, Any] = {
        "kind": op.kind.value,
        "request": encode_request(op),
        "requester": op.requester,
        "reason": op.reason,
        "words": event.text,
        "seen": encode_seen(_kept(op.seen)),
    }
    return AuditEntry(event.at, event.by, action, op.cluster, op.id, detail)


def _kept(seen: ObservedState) -> ObservedState:
    """Leave out the checks that passed; the fingerprint has their facts."""
    if seen.verdict is None:
        return seen
    loud = tuple(check for check in seen.verdict.checks if check.level is not CheckLevel.PASS)
    return replace(seen, verdict=replace(seen.verdict, checks=loud))
