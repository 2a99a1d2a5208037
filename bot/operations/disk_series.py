"""Disk series: disks that one approved operation takes out of service one after another, each by its own. No I/O."""

from dataclasses import dataclass

from bot.operations.change_request import PartOf, RequestOptions
from bot.operations.disk_step_facts import NodePartBegun, PartBegun, PartSkipped, SeriesEnded
from bot.operations.model import ObservedState, Operation, OpState
from bot.operations.preflight.verdict import Check, CheckLevel, PreflightResult
from bot.operations.requests import DiskOffline, DisksOffline, NodeDrop, NodeOffline, OpKind
from bot.operations.step_facts import StepFact

SERIES = frozenset({OpKind.DISKS_OFFLINE, OpKind.NODE_OFFLINE})
"""Kinds whose operation sends nothing itself: each disk has a separate operation."""
_LATER = frozenset({"limits"})
"""Checks that a later time may pass by itself."""
_SPAN = 900.0
"""Seconds that a part may be resumed where the card of the whole does not tell its time."""


@dataclass(frozen=True, slots=True)
class SeriesParts:
    """Disks of a series in their order: the operations of those that began (by disk), and those that were skipped."""

    disks: tuple[int, ...]
    begun: dict[int, int]
    skipped: frozenset[int]
    node_op: int = 0

    @property
    def left(self) -> tuple[int, ...]:
        """Disks that were not begun."""
        return tuple(disk for disk in self.disks if disk not in self.begun and disk not in self.skipped)


def parts_of(op: Operation) -> SeriesParts:
    """Find the parts of a series by what its card recorded."""
    facts = [event.fact for event in op.history]
    begun = {fact.disk: fact.op for fact in facts if isinstance(fact, PartBegun)}
    skipped = frozenset(fact.disk for fact in facts if isinstance(fact, PartSkipped))
    node_op = next((fact.op for fact in facts if isinstance(fact, NodePartBegun)), 0)
    return SeriesParts(_disks(op), begun, skipped, node_op)


def _disks(op: Operation) -> tuple[int, ...]:
    if isinstance(op.request, DisksOffline):
        return op.request.disk_ids
    return op.seen.verdict.fingerprint.disk_ids if op.seen.verdict is not None else ()


def part(parent: Operation, request: DiskOffline | NodeDrop, seen: ObservedState, now: float) -> Operation:
    """Make the operation of one part: approved by those who approved the whole, reported in its thread."""
    span = parent.terms.policy.expires_after if parent.terms is not None else _SPAN
    return Operation(
        cluster=parent.cluster,
        request=request,
        options=RequestOptions(
            forced=parent.options.forced, part_of=PartOf(parent.id, parent.card_id), policy=parent.options.policy
        ),
        requester=parent.requester,
        created_at=now,
        expires_at=now + span,
        channel=parent.channel,
        reason=parent.reason,
        seen=seen,
        terms=parent.terms,
        approvals=parent.approvals,
    )


def must_wait(verdict: PreflightResult) -> tuple[Check, ...]:
    """Checks for which the next part waits: only limits refuse it, even where break-glass overrides them."""
    blocks = verdict.of_level(CheckLevel.BLOCK)
    if any(check.key not in _LATER for check in blocks):
        return ()
    return (*blocks, *(check for check in verdict.checks if check.forced and check.key in _LATER))


def stopped(op: Operation, why: StepFact | None) -> SeriesEnded:
    """Fact of a series that ends before its last part."""
    parts = parts_of(op)
    return SeriesEnded(tuple(parts.begun), parts.left, why)


def may_stop(op: Operation) -> bool:
    """True while the rest of a series can be cancelled."""
    return op.kind in SERIES and op.state is OpState.RUNNING


def is_of_node(op: Operation) -> bool:
    """True if the node is dropped after its disks."""
    return isinstance(op.request, NodeOffline)
