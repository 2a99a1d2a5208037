"""Rules about repairs and drops of disks that make no progress."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from bot.alerting.cluster_state.observations import Progress
from bot.alerting.cluster_state.state import DiskNote
from bot.alerting.cluster_state.switches import FRESH, answers_reads, is_off
from bot.alerting.details import DiskName, DisksStuck, DiskWork, StuckDisk
from bot.alerting.model import Alert, Finding, Outcome, Severity
from bot.alerting.outcomes import WorkMoves
from bot.alerting.rules.affected import affected_by
from bot.alerting.rules.base import (
    CANNOT_TELL,
    MAX_LINES,
    MAX_PARTS,
    Answer,
    Rule,
    RuleConfig,
    RuleContext,
    Threshold,
    Unit,
)
from bot.alerting.rules.disks import disk_name
from bot.alerting.rules.units_left import held_disks
from bot.clustermgr.models import DiskStatus


def _repair_stuck(context: RuleContext, limits: RuleConfig) -> Answer:
    if context.snapshot.bad_disks is None or is_off(context.state, "disk_repair", context.now):
        # task_off_with_work reports a task that is off.
        return CANNOT_TELL
    notes = {note.id: note for note in context.state.disks}
    stuck = list(_stuck_repairs(context.state.repairs, context.now, limits))
    return _finding(context, "repair_stuck", DiskWork.REPAIR, _stuck_disks(stuck, notes), limits)


def _stuck_repairs(repairs: Sequence[Progress], now: float, limits: RuleConfig) -> Iterator[Progress]:
    """Repairs that do not move, and those that wait while none moves: the service repairs a few disks at a time."""
    moving = False
    for repair in repairs:
        if repair.status == DiskStatus.REPAIRING:
            stuck = _stands_still(repair, now, limits)
            moving = moving or not stuck
            if stuck:
                yield repair
    if not moving:
        waits = (repair for repair in repairs if repair.status == DiskStatus.BROKEN)
        yield from (repair for repair in waits if now - repair.since >= limits["waiting"])


def _stands_still(progress: Progress, now: float, limits: RuleConfig) -> bool:
    return now - progress.moved_at >= limits["untold" if progress.left is None else "after"]


def _drop_stuck(context: RuleContext, limits: RuleConfig) -> Answer:
    state = context.state
    if not answers_reads(context) or context.now - state.dropping_at > FRESH or is_off(state, "disk_drop", context.now):
        return CANNOT_TELL
    stuck = [drop for drop in state.drops if _stands_still(drop, context.now, limits)]
    notes = {note.id: note for note in state.dropping}
    return _finding(context, "drop_stuck", DiskWork.DROP, _stuck_disks(stuck, notes), limits)


def _finding(context: RuleContext, rule: str, work: DiskWork, stuck: Sequence[StuckDisk], limits: RuleConfig) -> Answer:
    if not stuck:
        return ()
    affected = affected_by(context, {each.disk.id for each in stuck})
    return (
        Finding(
            rule=rule,
            subject="",
            severity=limits.severity,
            detail=DisksStuck(work, tuple(stuck[:MAX_LINES]), len(stuck), affected),
            weight=len(stuck),
            parts=tuple(str(each.disk.id) for each in stuck)[:MAX_PARTS],
        ),
    )


def _stuck_disks(stuck: Sequence[Progress], notes: Mapping[int, DiskNote]) -> tuple[StuckDisk, ...]:
    """The disks by id; while nothing moves they stay equal, else each poll would be an edit."""
    return tuple(_stuck_disk(each, notes.get(each.id)) for each in sorted(stuck, key=lambda each: each.id))


def _stuck_disk(progress: Progress, note: DiskNote | None) -> StuckDisk:
    disk = replace(disk_name(note), status=progress.status) if note else DiskName(progress.id, progress.status)
    return StuckDisk(disk, progress.since, progress.moved_at, progress.left, listed=note is not None)


def _repairs_left(context: RuleContext, alert: Alert) -> Outcome:
    return _moves(context, alert, context.state.repairs)


def _drops_left(context: RuleContext, alert: Alert) -> Outcome:
    return _moves(context, alert, context.state.drops)


def _moves(context: RuleContext, alert: Alert, work: Sequence[Progress]) -> Outcome:
    """What is left to do, and the units left on disks whose repair or drop has ended."""
    under_way = {each.id for each in work}
    ended = (disk for part in alert.parts or () if (disk := int(part)) not in under_way)
    return WorkMoves(len(work), tuple((each.disk, each.units) for each in held_disks(context, ended)))


_AFTER: Mapping[str, Threshold] = MappingProxyType(
    {
        "after": Threshold(6 * 3600, Unit.SECONDS, "how long no chunk may move off a disk"),
        "untold": Threshold(
            24 * 3600, Unit.SECONDS, "how long it may take where the cluster does not tell how many chunks are left"
        ),
    }
)

REPAIR_STUCK = Rule(
    key="repair_stuck",
    about="The repair of a broken disk does not begin, or no chunk of it has been rebuilt for hours.",
    severity=Severity.WARNING,
    for_seconds=0,
    clear=0,
    remind=86400,
    finds=_repair_stuck,
    resolved=_repairs_left,
    thresholds=MappingProxyType(
        {
            **_AFTER,
            "waiting": Threshold(
                2 * 3600, Unit.SECONDS, "how long a broken disk may wait for its repair while no other repair moves on"
            ),
        }
    ),
)

DROP_STUCK = Rule(
    key="drop_stuck",
    about="No chunk has been moved off a disk that is being dropped for hours.",
    severity=Severity.WARNING,
    for_seconds=0,
    clear=0,
    remind=86400,
    finds=_drop_stuck,
    resolved=_drops_left,
    thresholds=_AFTER,
)
