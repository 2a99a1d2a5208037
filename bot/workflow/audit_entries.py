"""What the audit log keeps of an operation's steps. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.audit.chain import AuditEntry
from bot.operations.model import Event, Operation


def proposal(op: Operation) -> Iterator[AuditEntry]:
    """The rows of an operation that is new: that it was proposed, and every step it has taken already."""
    yield _entry(op, Event(op.created_at, op.state, op.requester, "proposed"), "operation.proposed")
    for event in op.history:
        yield _entry(op, event, f"operation.{event.state}")


def step(op: Operation) -> AuditEntry:
    """The row of the newest step; raises IndexError when there is none yet: a mistake of ours."""
    event = op.history[-1]
    return _entry(op, event, f"operation.{event.state}")


def _entry(op: Operation, event: Event, action: str) -> AuditEntry:
    detail = {
        "kind": op.kind.value,
        "request": op.request,
        "requester": op.requester,
        "reason": op.reason,
        "words": event.words,
        "seen": _kept(op.seen),
    }
    return AuditEntry(event.at, event.by, action, op.cluster, op.id, detail)


def _kept(seen: Mapping[str, Any]) -> Mapping[str, Any]:
    """The state as it is kept: of the checks only those that did not pass, since the fingerprint tells the rest."""
    verdict = seen.get("verdict")
    if not isinstance(verdict, Mapping):
        return seen
    loud = [check for check in verdict["checks"] if check["level"] != "pass"]
    return {**seen, "verdict": {**verdict, "checks": loud}}
