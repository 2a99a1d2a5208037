"""Rules about disks that are broken, being repaired, or do not report."""

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from bot.alerting.cluster_state.background import no_scheduler
from bot.alerting.cluster_state.counters import SETTLED, leaders_space
from bot.alerting.cluster_state.observations import Progress
from bot.alerting.cluster_state.state import DiskNote, note_of
from bot.alerting.cluster_state.switches import known_now
from bot.alerting.details import AffectedVolumes, DiskName, DiskProgress, DisksBroken, DisksExpired, ZoneLoss
from bot.alerting.model import Alert, EnableTask, Finding, Outcome, Severity
from bot.alerting.outcomes import DisksDone
from bot.alerting.progress import WorkProgress, work_progress
from bot.alerting.risk_facts import RiskCaveats
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
    ended,
)
from bot.alerting.rules.units_left import held_disks, units_left
from bot.alerting.text import one_line
from bot.clustermgr.models import DiskStatus
from bot.common.errors import ClusterTimeout, ClusterUnreachable

_REPAIR = "disk_repair"


def disk_name(note: DiskNote) -> DiskName:
    """A disk as the watch noted it."""
    return DiskName(note.id, note.status, note.host, note.path, note.idc)


def _broken(context: RuleContext, limits: RuleConfig) -> Answer:
    if context.snapshot.bad_disks is None:
        return _by_counters(context, limits)
    notes = sorted((note_of(disk) for disk in context.snapshot.bad_disks), key=lambda note: note.id)
    return (_finding(context, notes, limits),) if notes else ()


def _finding(context: RuleContext, notes: Sequence[DiskNote], limits: RuleConfig) -> Finding:
    known = {switch.task: switch for switch in known_now(context) or ()}.get(_REPAIR)
    repair_on = None if known is None or known.meaning.word == "meaningless" else not known.off
    repairing = tuple(note.id for note in notes if note.status == DiskStatus.REPAIRING)
    causes = {each.disk: each.op for each in context.state.disk_breaks}
    return Finding(
        rule="disk_broken",
        subject="",
        severity=limits.severity,
        detail=DisksBroken(
            len(notes) - len(repairing),
            len(repairing),
            tuple(replace(disk_name(note), op=causes.get(note.id, 0)) for note in notes[:MAX_LINES]),
            repairing[:MAX_PARTS],
            repair_on=repair_on,
            waiting_since=_waiting_since(context.state.repairs) if repair_on else None,
            affected=affected_by(context, {note.id for note in notes}),
            progress=progress_of(context.state.repairs),
            no_scheduler=no_scheduler(context.state.background, _REPAIR, context.now, context.state.dialect),
        ),
        weight=len(notes),
        parts=tuple(str(note.id) for note in notes[:MAX_PARTS]),
        fix=EnableTask(_REPAIR) if repair_on is False else None,
    )


def progress_of(work: Sequence[Progress]) -> tuple[DiskProgress, ...]:
    """The progress of the first disks whose units were counted."""
    known = ((each, work_progress(each.counts, each.total)) for each in work[:MAX_LINES])
    return tuple(DiskProgress(each.id, _shown(each, progress)) for each, progress in known if progress is not None)


def _shown(work: Progress, progress: WorkProgress) -> WorkProgress:
    """What the alert shows: while a broken disk waits for its repair, only the units left."""
    return progress if work.status == DiskStatus.REPAIRING else WorkProgress(progress.left, progress.total)


def _waiting_since(repairs: Sequence[Progress]) -> float | None:
    """Since when broken disks wait while no repair has begun (Unix seconds); None if one has."""
    if any(each.status == DiskStatus.REPAIRING for each in repairs):
        return None
    return min((each.since for each in repairs), default=None)


def _by_counters(context: RuleContext, limits: RuleConfig) -> Answer:
    """Use the leader's counters, which lag by minutes and name no disk: they may raise an alert, never resolve one."""
    listed_at = context.state.disks_at
    if context.snapshot.leader is None or (listed_at and context.now - listed_at < limits["counters_after"]):
        return CANNOT_TELL
    zones = context.snapshot.leader[1].space_stat.disk_stat_infos
    broken, repairing = sum(zone.broken for zone in zones), sum(zone.repairing for zone in zones)
    if broken + repairing <= 0:
        return CANNOT_TELL
    listed = tuple(disk_name(note) for note in context.state.disks[:MAX_LINES])
    return (
        Finding(
            rule="disk_broken",
            subject="",
            severity=limits.severity,
            detail=DisksBroken(
                broken,
                repairing,
                listed,
                by_counters=True,
                affected=AffectedVolumes(0, None, RiskCaveats(judged=False)),
            ),
            weight=broken + repairing,
            partial=True,
        ),
    )


def _disks_done(context: RuleContext, alert: Alert) -> Outcome:
    """State of the disks: a bad disk becomes repaired, and dropped after that. Units that are left are named.

    A state alone does not prove that a disk may be pulled.
    """
    disks = tuple(int(part) for part in alert.parts or ())
    detail, survey = alert.detail, context.snapshot.volumes
    repairing = set(detail.repairing_ids) if isinstance(detail, DisksBroken) else set()
    # An alert by the leader's counters names no disk.
    asked = disks or tuple(sorted(survey.disks.gone if survey is not None else ()))
    held = tuple((each.disk, each.units) for each in held_disks(context, asked))
    uncounted = tuple(disk for disk in disks if units_left(context, disk) is None)
    return DisksDone(disks, set(disks) <= repairing, held[:MAX_LINES], uncounted)


def _expired(context: RuleContext, limits: RuleConfig) -> Answer:
    space = leaders_space(context, limits)
    if space is None:
        return CANNOT_TELL
    expired = sorted((zone for zone in space.disk_stat_infos if zone.expired > 0), key=lambda zone: zone.idc)
    zones = [
        ZoneLoss(one_line(zone.idc, 60) or "a zone without a name", zone.expired, zone.available) for zone in expired
    ]
    if not zones:
        return ()
    lost = sum(zone.expired for zone in zones)
    whole = tuple(zone.zone for zone in zones if zone.whole)
    survey = context.snapshot.volumes
    named = survey.disks.expired if survey is not None else frozenset()
    inferred = context.volume_risks.away - named
    return (
        Finding(
            rule="disk_expired",
            subject="",
            severity=limits.severity if whole else limits.at_most(Severity.WARNING),
            detail=DisksExpired(
                lost,
                tuple(zones[:MAX_LINES]),
                whole,
                max(0, len(zones) - MAX_LINES),
                tuple(sorted(named)[:MAX_LINES]),
                tuple(sorted(inferred)[:MAX_LINES]),
                max(0, lost - len(named | inferred)),
                affected_by(context, named | inferred, unnamed=True),
                tuple(sorted(named | inferred)[:MAX_PARTS]),
                _silent_hosts(context),
                _doubtful(context),
            ),
            weight=lost,
            parts=tuple(zone.zone for zone in zones),
        ),
    )


def _doubtful(context: RuleContext) -> tuple[int, ...] | None:
    """The disks that no healthy volume proves to have their heartbeat; None if not known, or too many."""
    survey = context.snapshot.volumes
    found = survey.doubtful if survey is not None else None
    return tuple(sorted(found)) if found is not None and len(found) <= MAX_PARTS else None


def _silent_hosts(context: RuleContext) -> tuple[str, ...]:
    """The configured hosts that cannot be reached or give no answer in time; an error status is an answer."""
    return tuple(
        answer.host
        for answer in context.snapshot.silent
        if isinstance(answer.error, ClusterUnreachable | ClusterTimeout)
    )


DISK_BROKEN = Rule(
    key="disk_broken",
    about="Disks are broken or being repaired. One alert names them all; a disk leaves it once repaired or dropped.",
    severity=Severity.WARNING,
    for_seconds=0,
    clear=0,
    remind=86400,
    finds=_broken,
    resolved=_disks_done,
    thresholds=MappingProxyType(
        {
            "counters_after": Threshold(
                600,
                Unit.SECONDS,
                "how long after the last list of disks the leader's counters, which lag by minutes, may raise it",
            )
        }
    ),
)

DISK_EXPIRED = Rule(
    key="disk_expired",
    about="Disks have lost their heartbeat: their blobnode does not report, and they still count as normal. "
    "Critical if it is every writable disk of a zone.",
    severity=Severity.CRITICAL,
    for_seconds=330,
    clear=0,
    remind=86400,
    finds=_expired,
    resolved=ended,
    thresholds=MappingProxyType({**SETTLED}),
)
