"""Disk series: disks that one approved operation takes out of service one after another, each by its own. No I/O."""

from bot.alerting.pull_safety import PullVerdict, pull_verdict
from bot.clustermgr.models import DiskStatus
from bot.common.frozen import frozen
from bot.operations.change_request import PartOf, RequestOptions
from bot.operations.disk_step_facts import DropEnded, NodePartBegun, PartAgain, PartBegun, PartSkipped, SeriesEnded
from bot.operations.model import ObservedState, Operation, OpState
from bot.operations.preflight.facts.disks import HeartbeatsLost, JudgedInTurns, MarginsSmaller, StateRefuses
from bot.operations.preflight.verdict import Check, CheckLevel, PreflightResult
from bot.operations.requests import DiskOffline, DisksOffline, NodeDrop, NodeOffline, OpKind
from bot.operations.step_facts import StepFact
from bot.operations.transience import all_transient, is_transient

SERIES = frozenset({OpKind.DISKS_OFFLINE, OpKind.NODE_OFFLINE})
"""Kinds whose operation sends nothing itself: each disk has a separate operation."""
_OF_VOLUMES = frozenset({"volumes_unread", "code_modes", "volumes", "place"})
"""Checks of volumes that may refuse: break-glass overrides none of them for a disk that is judged at its turn."""
_UNDONE = frozenset({OpState.BLOCKED, OpState.FAILED})
MAX_AGE = 7 * 86400.0
"""Seconds after its approval in which a series begins parts; its approval is too old then."""
MAX_ATTEMPTS = 5
"""Limit of the operations that begin for one disk and end before its drop, for a reason that may pass."""
_SPAN = 900.0
"""Seconds that a part may be resumed where the card of the whole does not tell its time."""


@frozen
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
    begun: dict[int, int] = {}
    skipped: set[int] = set()
    node_op = 0
    for event in op.history:
        match event.fact:
            case PartBegun(disk=disk, op=number):
                begun[disk] = number
            case PartSkipped(disk=disk):
                begun.pop(disk, None)
                skipped.add(disk)
            case NodePartBegun(op=number):
                node_op = number
            case PartAgain(disk=0):
                node_op = 0
            case PartAgain(disk=disk):
                begun.pop(disk, None)
    return SeriesParts(_disks(op), begun, frozenset(skipped), node_op)


def again(op: Operation, child: Operation) -> PartAgain | None:
    """Fact that the disk of a part is next again, because what ended the part may pass; None if the series ends."""
    why = child.history[-1].fact if child.history else None
    disk = child.request.disk_id if isinstance(child.request, DiskOffline) else 0
    before = sum(isinstance(event.fact, PartAgain) and event.fact.disk == disk for event in op.history)
    if why is None or child.state not in _UNDONE or not is_transient(why) or before + 1 >= MAX_ATTEMPTS:
        return None
    return PartAgain(disk, child.id, why, before + 1, MAX_ATTEMPTS)


def _disks(op: Operation) -> tuple[int, ...]:
    if isinstance(op.request, DisksOffline):
        return op.request.disk_ids
    if op.seen.verdict is None:
        return ()
    state = op.seen.verdict.fingerprint
    states = zip(state.disk_ids, state.disk_states, strict=False)
    return tuple(disk for disk, status in states if status == DiskStatus.NORMAL and disk not in state.dropping)


def part(parent: Operation, request: DiskOffline | NodeDrop, seen: ObservedState, now: float) -> Operation:
    """Make the operation of one part: approved by those who approved the whole, reported in its thread."""
    span = parent.terms.policy.expires_after if parent.terms is not None else _SPAN
    return Operation(
        cluster=parent.cluster,
        request=request,
        options=RequestOptions(
            forced=parent.options.forced,
            part_of=PartOf(parent.id, parent.card_id),
            policy=parent.options.policy,
            agent=parent.options.agent,
        ),
        requester=parent.requester,
        created_at=now,
        expires_at=now + span,
        channel=parent.channel,
        reason=parent.reason,
        seen=seen,
        terms=parent.terms,
        approvals=parent.approvals,
        trace=parent.trace,
    )


def as_approved(op: Operation, verdict: PreflightResult) -> PreflightResult:
    """Let break-glass override what it overrides on the card of `op`, and nothing else.

    The card shows no volumes of a disk that is judged at its turn, so no one approved to override what refuses them.
    """
    shown = op.seen.verdict
    keys = {check.key for check in shown.checks if check.forced} if op.forced and shown is not None else set()
    return verdict.forced(keys - _OF_VOLUMES if _was_left_to_its_turn(shown, verdict) else keys)


def _was_left_to_its_turn(shown: PreflightResult | None, verdict: PreflightResult) -> bool:
    """True if `verdict` has the volumes of a disk that the card leaves to its turn."""
    turns = shown.check("turns") if shown is not None else None
    later = turns.fact.later if turns is not None and isinstance(turns.fact, JudgedInTurns) else ()
    return not set(later).isdisjoint(verdict.fingerprint.disk_ids)


def must_wait(verdict: PreflightResult, new: tuple[Check, ...] = ()) -> tuple[Check, ...]:
    """Checks for which the next part waits: a later time may pass all that refuse it, or that are `new` warnings.

    A part waits for the limits even where break-glass overrides them.
    """
    found = (*verdict.of_level(CheckLevel.BLOCK), *new)
    if not all_transient(found):
        return ()
    return (*found, *(check for check in verdict.checks if check.forced and check.key == "limits"))


def new_warnings(op: Operation, verdict: PreflightResult) -> tuple[Check, ...]:
    """Warnings of a part that those who approved the whole did not see, and a margin that is smaller by now."""
    shown = op.seen.verdict
    if shown is None:
        return verdict.of_level(CheckLevel.WARN)
    then, now = shown.fingerprint.least_left, verdict.fingerprint.least_left
    smaller = then is not None and now is not None and now < then
    seen = {check.key: check for check in shown.of_level(CheckLevel.WARN)}
    was_left = _was_left_to_its_turn(shown, verdict)
    return tuple(
        check
        for check in verdict.of_level(CheckLevel.WARN)
        if check.key not in seen
        or (check.key == "volumes" and smaller)
        or (was_left and _is_worse(seen[check.key], check))
    )


def _is_worse(then: Check, now: Check) -> bool:
    """True if a warning of the volumes of one disk says more than that of other disks."""
    match then.fact, now.fact:
        case HeartbeatsLost(disks=int(before)), HeartbeatsLost(disks=after):
            return after is None or after > before
        case MarginsSmaller(units=before), MarginsSmaller(units=after):
            return after > before
        case _:
            return False


def is_too_old(op: Operation, now: float) -> bool:
    """True if no further part of a series may begin on its approval."""
    return now > begins_until(op)


def begins_until(op: Operation) -> float:
    """Time until which parts of a series may begin: counted from its approval, and not from its last step."""
    approved = min((event.at for event in op.history if event.state is OpState.RUNNING), default=op.created_at)
    return approved + MAX_AGE


def is_out_of_use(op: Operation, verdict: PreflightResult) -> bool:
    """True if the state of a disk refuses a part of a node: that disk is left out."""
    return is_of_node(op) and any(isinstance(check.fact, StateRefuses) for check in verdict.of_level(CheckLevel.BLOCK))


def bad_end(part: Operation) -> DropEnded | None:
    """End of a part's drop that was not as expected; None while it goes on, and after a good one.

    A disk that broke meanwhile ends a series, even where it may be pulled.
    """
    ends = [event.fact for event in part.history if isinstance(event.fact, DropEnded)]
    gone = {DiskStatus.DROPPED, DiskStatus.REPAIRED}
    if not ends:
        return None
    safe = pull_verdict(ends[-1].status, ends[-1].units) is PullVerdict.SAFE
    if safe and ends[-1].status in gone:
        return None
    return ends[-1]


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
