"""The rule about drops of disks that no operation of cmbot began."""

from dataclasses import replace
from types import MappingProxyType

from bot.alerting.cluster_state.disk_drops import MAX_DISKS, DiskDrop
from bot.alerting.cluster_state.switches import FRESH, answers_reads
from bot.alerting.details import DiskName, DisksDropping, DropEnd, DroppedDisk, DroppingDisk, DropResult
from bot.alerting.model import Alert, Finding, Outcome, Severity
from bot.alerting.outcomes import DropsDone
from bot.alerting.progress import work_progress
from bot.alerting.rules.affected import affected_by
from bot.alerting.rules.base import CANNOT_TELL, MAX_LINES, MAX_PARTS, Answer, Rule, RuleConfig, RuleContext
from bot.alerting.rules.disks import disk_name

COUNT_SECONDS = 1800.0
"""Time after the end of a drop in which the units of its disk must be counted; after that they count as not counted."""


def _dropping(context: RuleContext, limits: RuleConfig) -> Answer:
    """Find drops that no operation began: the card of an operation shows its own.

    The alert stays until the units of each such disk were counted after its drop: a state proves nothing.
    """
    state = context.state
    if not answers_reads(context) or context.now - state.dropping_at > FRESH:
        return CANNOT_TELL
    others = [drop for drop in state.disk_drops if not drop.op]
    if all(_is_over(context, drop) for drop in others):
        return ()
    disks = _disks(context)
    return (
        Finding(
            rule="disk_dropping",
            subject="",
            severity=limits.severity,
            detail=DisksDropping(
                len(others),
                tuple(disks[:MAX_LINES]),
                len(disks),
                affected_by(context, {each.disk.id for each in disks}),
            ),
            weight=len(others),
            parts=tuple(str(drop.disk) for drop in others[:MAX_PARTS]),
        ),
    )


def _disks(context: RuleContext) -> list[DroppingDisk]:
    """The disks that are being dropped, and those of a drop by others that are not listed any more, by id."""
    state = context.state
    drops = {drop.disk: drop for drop in state.disk_drops}
    names = {note.id: replace(disk_name(note), op=_operation(drops.get(note.id))) for note in state.dropping}
    counts = {each.id: work_progress(each.counts, each.total) for each in state.drops}
    found = [DroppingDisk(name, counts.get(disk)) for disk, name in names.items()]
    missing = [drop for drop in drops.values() if not drop.op and drop.disk not in names]
    # A list that was cut does not show which disks it lacks.
    missing = [drop for drop in missing if drop.ended_at or len(names) < MAX_DISKS]
    found += [DroppingDisk(DiskName(drop.disk, 0), None, end_of(context, drop)) for drop in missing]
    return sorted(found, key=lambda each: each.disk.id)


def _operation(drop: DiskDrop | None) -> int:
    return drop.op if drop is not None else 0


def end_of(context: RuleContext, drop: DiskDrop) -> DropEnd:
    """The end of a drop by the units that were counted after it."""
    if not drop.ended_at:
        return DropEnd(DropResult.UNLISTED)
    survey = context.snapshot.volumes
    if survey is None or not survey.known or not survey.disks.listed:
        return DropEnd(DropResult.UNCOUNTED)
    if drop.disk not in survey.disks.gone:
        return DropEnd(DropResult.NOT_DROPPED)
    count = survey.units.get(drop.disk)
    if count is None or count.at < drop.ended_at:
        return DropEnd(DropResult.UNCOUNTED)
    return DropEnd(DropResult.HELD if count.units else DropResult.EMPTY, count.units, count.at)


def _is_over(context: RuleContext, drop: DiskDrop) -> bool:
    if not drop.ended_at:
        return False
    counted = end_of(context, drop).result is not DropResult.UNCOUNTED
    return counted or context.now - drop.ended_at >= COUNT_SECONDS


def _drops_done(context: RuleContext, alert: Alert) -> Outcome:
    """The end of each drop that the alert is about; a drop that is not known any more is not counted."""
    parts = alert.parts or ()
    drops = {drop.disk: drop for drop in context.state.disk_drops if drop.ended_at}
    return DropsDone(tuple(_done(context, int(part), drops.get(int(part))) for part in parts))


def _done(context: RuleContext, disk: int, drop: DiskDrop | None) -> DroppedDisk:
    return DroppedDisk(disk, DropEnd(DropResult.UNCOUNTED) if drop is None else end_of(context, drop))


DISK_DROPPING = Rule(
    key="disk_dropping",
    about="Disks are being dropped, and no operation of cmbot began it. It ends with whether they may be pulled.",
    severity=Severity.WARNING,
    for_seconds=0,
    clear=0,
    remind=0,
    finds=_dropping,
    resolved=_drops_done,
    thresholds=MappingProxyType({}),
)
