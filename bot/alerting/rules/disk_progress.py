"""Rules about repairs and drops of disks that do not come on."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from bot.alerting.cluster_state.observations import Progress
from bot.alerting.cluster_state.state import DiskNote
from bot.alerting.cluster_state.switches import FRESH, answers, is_off
from bot.alerting.model import Alert, Finding, Severity
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
from bot.alerting.rules.disks import status_word
from bot.alerting.text import count
from bot.clustermgr.models import DiskStatus


def _repair_stuck(context: RuleContext, limits: RuleConfig) -> Answer:
    if context.snapshot.bad_disks is None or is_off(context.memory, "disk_repair", context.now):
        # What is switched off is told as that.
        return CANNOT_TELL
    notes = {note.id: note for note in context.memory.disks}
    stuck = list(_stuck_repairs(context.memory.repairs, context.now, limits))
    return _finding("repair_stuck", "repair", context.cluster, _lines(stuck, notes), limits)


def _stuck_repairs(repairs: Sequence[Progress], now: float, limits: RuleConfig) -> Iterator[Progress]:
    """Those that do not move, and those that wait while no other one moves: the service repairs some at a time."""
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
    memory = context.memory
    if not answers(context) or context.now - memory.dropping_at > FRESH or is_off(memory, "disk_drop", context.now):
        return CANNOT_TELL
    stuck = [drop for drop in memory.drops if _stands_still(drop, context.now, limits)]
    notes = {note.id: note for note in memory.dropping}
    return _finding("drop_stuck", "drop", context.cluster, _lines(stuck, notes), limits)


def _finding(rule: str, what: str, cluster: str, stuck: Mapping[int, str], limits: RuleConfig) -> Answer:
    if not stuck:
        return ()
    return (
        Finding(
            rule=rule,
            subject="",
            severity=limits.severity,
            sentence=f"The {what} of {count(len(stuck), 'disk')} of {cluster} makes no progress.",
            lines=tuple(stuck.values())[:MAX_LINES],
            weight=len(stuck),
            data={"parts": [str(disk) for disk in stuck][:MAX_PARTS], "more": max(0, len(stuck) - MAX_LINES)},
        ),
    )


def _lines(stuck: Sequence[Progress], notes: Mapping[int, DiskNote]) -> dict[int, str]:
    """What is told of each by id, as long as nothing moves always the same: else each look would be an edit."""
    return {each.id: _line(each, notes.get(each.id)) for each in sorted(stuck, key=lambda each: each.id)}


def _line(progress: Progress, note: DiskNote | None) -> str:
    where = f" on {note.host or 'no host'}, {note.path or 'no path'}, zone {note.idc or 'not told'}" if note else ""
    state = status_word(progress.status) if progress.status != DiskStatus.NORMAL else "being dropped"
    head = f"disk {progress.id}{where}: {state} since {_utc(progress.since)}"
    if progress.status == DiskStatus.BROKEN:
        return f"{head}, its repair has not begun"
    if progress.left is None:
        return head
    return f"{head}, {count(progress.left, 'chunk')} left, none moved since {_utc(progress.moved_at)}"


def _utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _repair_moves(context: RuleContext, _: Alert) -> str:
    left = count(len(context.memory.repairs), "disk")
    if not context.memory.repairs:
        return f"No disk of {context.cluster} is broken or being repaired any more."
    return f"The repair of disks of {context.cluster} moves on, {left} to go."


def _drop_moves(context: RuleContext, _: Alert) -> str:
    if not context.memory.drops:
        return f"No disk of {context.cluster} is being dropped any more."
    return f"The drop of disks of {context.cluster} moves on, {count(len(context.memory.drops), 'disk')} to go."


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
    hold=0,
    clear=0,
    remind=86400,
    looks=_repair_stuck,
    resolved=_repair_moves,
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
    hold=0,
    clear=0,
    remind=86400,
    looks=_drop_stuck,
    resolved=_drop_moves,
    thresholds=_AFTER,
)
