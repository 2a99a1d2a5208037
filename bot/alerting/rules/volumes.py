"""Rules about volumes that have lost units, or cannot reach them."""

from collections.abc import Callable, Sequence
from types import MappingProxyType

from bot.alerting.details import DisksNotEmpty, UnitsLeft, VolumeLoss, VolumesAtRisk, VolumesLost, VolumesUnreachable
from bot.alerting.model import Alert, Detail, Finding, Outcome, Severity
from bot.alerting.outcomes import DisksEmpty, VolumesNow
from bot.alerting.risk_facts import not_counted_empty
from bot.alerting.rules.affected import affected_by, compared_caveats
from bot.alerting.rules.base import CANNOT_TELL, MAX_LINES, MAX_PARTS, Answer, Rule, RuleConfig, RuleContext
from bot.alerting.rules.units_left import held_disks, units_left
from bot.alerting.volume_risk import RiskLevel, VolumeRisk, VolumeRisks


def _loss(risk: VolumeRisk) -> VolumeLoss:
    name = risk.mode.name if risk.mode else ""
    return VolumeLoss(risk.vid, name, risk.mode_id, risk.lost, risk.unreachable, risk.left, risk.unnamed)


def _losses(risks: Sequence[VolumeRisk]) -> tuple[VolumeLoss, ...]:
    return tuple(_loss(risk) for risk in risks[:MAX_LINES])


def _judge(context: RuleContext, find: Callable[[VolumeRisks], Finding | None]) -> Answer:
    """Find among the volumes that are read; what is not read yet proves neither risk nor safety."""
    survey = context.snapshot.volumes
    if survey is None or not survey.known or context.snapshot.leader is None:
        return CANNOT_TELL
    found = find(context.volume_risks)
    if found is None:
        return () if survey.complete else CANNOT_TELL
    return (found,)


def _finding(
    context: RuleContext, rule: str, severity: Severity, detail: Detail, risks: Sequence[VolumeRisk]
) -> Finding:
    survey = context.snapshot.volumes
    return Finding(
        rule=rule,
        subject="",
        severity=severity,
        detail=detail,
        weight=len(risks),
        parts=tuple(str(risk.vid) for risk in risks[:MAX_PARTS]),
        partial=survey is None or not survey.complete,
    )


def _at_risk(context: RuleContext, limits: RuleConfig) -> Answer:
    def find(risks: VolumeRisks) -> Finding | None:
        near = risks.near
        if not near:
            return None
        levels = near.levels
        detail = VolumesAtRisk(
            levels[RiskLevel.ONE_LEFT],
            levels[RiskLevel.NONE_LEFT],
            _losses(near),
            levels[RiskLevel.UNKNOWN],
            compared_caveats(context, near),
        )
        severe = levels[RiskLevel.NONE_LEFT] or levels[RiskLevel.UNKNOWN]
        severity = limits.severity if severe else limits.at_most(Severity.WARNING)
        return _finding(context, VOLUMES_AT_RISK.key, severity, detail, near)

    return _judge(context, find)


def _lost(context: RuleContext, limits: RuleConfig) -> Answer:
    def find(risks: VolumeRisks) -> Finding | None:
        lost = risks.from_level(RiskLevel.LOST)
        if not lost:
            return None
        detail = VolumesLost(len(lost), _losses(lost), compared_caveats(context, lost))
        return _finding(context, VOLUMES_LOST.key, limits.severity, detail, lost)

    return _judge(context, find)


def _unreachable(context: RuleContext, limits: RuleConfig) -> Answer:
    def find(risks: VolumeRisks) -> Finding | None:
        away = risks.missing_too_many
        if not away:
            return None
        detail = VolumesUnreachable(len(away), _losses(away), compared_caveats(context, away))
        return _finding(context, VOLUMES_UNREACHABLE.key, limits.severity, detail, away)

    return _judge(context, find)


def _not_empty(context: RuleContext, limits: RuleConfig) -> Answer:
    survey = context.snapshot.volumes
    if survey is None or not survey.known or context.snapshot.leader is None:
        return CANNOT_TELL
    held = [*held_disks(context, sorted(survey.disks.gone))]
    named = {each.disk for each in held}
    uncounted = [
        UnitsLeft(note.id, note.units or 0)
        for note in not_counted_empty(context.state.lost_disks, survey)
        if note.id not in named
    ]
    if not held:
        return () if survey.complete and not uncounted else CANNOT_TELL
    held += uncounted
    return (
        Finding(
            rule=DISK_NOT_EMPTY.key,
            subject="",
            severity=limits.severity,
            detail=DisksNotEmpty(
                len(held), tuple(held[:MAX_LINES]), affected_by(context, {each.disk for each in held})
            ),
            weight=len(held),
            parts=tuple(str(each.disk) for each in held[:MAX_PARTS]),
            partial=not survey.complete or bool(uncounted),
        ),
    )


def _empty_now(context: RuleContext, alert: Alert) -> Outcome:
    survey = context.snapshot.volumes
    disks = {int(part) for part in alert.parts or ()}
    in_use, broken = (disks & survey.in_use, disks & survey.disks.bad) if survey else (set[int](), set[int]())
    counts = (units_left(context, disk) for disk in sorted(disks - in_use - broken))
    empty = tuple(count.disk for count in counts if count is not None and not count.units)
    return DisksEmpty(empty, tuple(sorted(in_use)), tuple(sorted(broken)))


def _volumes_now(context: RuleContext, _: Alert) -> Outcome:
    risks = context.volume_risks
    return VolumesNow(
        sum(bool(risk.lost) for risk in risks), min((r.left for r in risks if r.left is not None), default=None)
    )


VOLUMES_AT_RISK = Rule(
    key="volumes_at_risk",
    about="Volumes can lose only one more unit, or none: critical if the next lost unit loses data.",
    severity=Severity.CRITICAL,
    for_seconds=0,
    clear=0,
    remind=3600,
    finds=_at_risk,
    resolved=_volumes_now,
    thresholds=MappingProxyType({}),
)

VOLUMES_LOST = Rule(
    key="volumes_lost",
    about="Volumes have lost more units than their code mode tolerates: data is lost.",
    severity=Severity.CRITICAL,
    for_seconds=0,
    clear=0,
    remind=3600,
    finds=_lost,
    resolved=_volumes_now,
    thresholds=MappingProxyType({}),
)

VOLUMES_UNREACHABLE = Rule(
    key="volumes_unreachable",
    about="Volumes miss more units than they tolerate, but some are only unreachable: a host that comes back helps.",
    severity=Severity.CRITICAL,
    for_seconds=600,
    clear=0,
    remind=3600,
    finds=_unreachable,
    resolved=_volumes_now,
    thresholds=MappingProxyType({}),
)

DISK_NOT_EMPTY = Rule(
    key="disk_not_empty",
    about="A disk is listed as repaired or dropped, but units are still on it: pulling it loses them.",
    severity=Severity.CRITICAL,
    for_seconds=0,
    clear=0,
    remind=86400,
    finds=_not_empty,
    resolved=_empty_now,
    thresholds=MappingProxyType({}),
)
