"""/cm risk: the volumes that have lost units or cannot reach them, the worst first. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.alerting.volume_risk import RiskLevel, VolumeRisk, at_risk, by_level
from bot.clustermgr.volume_survey import VolumeSurvey
from bot.common.text import listed
from bot.interactions.message import Message
from bot.views.alert_text.volumes import margin_note
from bot.views.blocks import code, context, count, date, escape, message, section, table

_HEADER = ("Volume", "Can lose", "Code mode", "Lost", "Unreachable", "Moving", "Disks")
_MAX_DISKS = 12
_ODD = "cmbot does not know the state that the disk list gives"
_MARKS = {
    RiskLevel.LOST: "🔴",
    RiskLevel.NONE_LEFT: "🔴",
    RiskLevel.UNKNOWN: "🔴",
    RiskLevel.ONE_LEFT: "🟡",
    RiskLevel.REDUCED: "🟡",
    RiskLevel.NONE: "🟢",
}


@dataclass(frozen=True, slots=True)
class RiskReport:
    """The risk of a cluster's volumes as of `at` (Unix seconds).

    `unwritten`: by how many units the margins may be smaller, 0 if missing shards are rebuilt. `expired` is the number
    of disks without a heartbeat by the leader's counters.
    """

    cluster: str
    risks: Sequence[VolumeRisk]
    survey: VolumeSurvey
    at: float
    unwritten: int = 0
    expired: int = 0


def risk(report: RiskReport) -> Message:
    """Render the volumes at risk and what is not known of them."""
    shown = at_risk(report.risks)
    sentence = _sentence(report, shown)
    worst = max((each.level for each in shown), default=RiskLevel.NONE)
    if shown and worst is RiskLevel.NONE:
        worst = RiskLevel.REDUCED
    notes = [*_unknowns(report, shown), f"As of {date(report.at, 'time')}."]
    mark = _MARKS[worst] if report.survey.known else "⚪"
    head = section(f"{mark} *{sentence}*")
    if not shown:
        return message(sentence, head, context(" ".join(notes)))
    rows = table([_row(each) for each in shown], header=_HEADER, right=(0, 1, 3, 4, 5))
    return message(sentence, head, rows, context(" ".join(notes)))


def _sentence(report: RiskReport, shown: Sequence[VolumeRisk]) -> str:
    cluster = escape(report.cluster)
    if shown:
        return _worst(by_level(shown), len(shown), cluster)
    if not report.survey.known:
        return f"The volumes of {cluster} cannot be judged: no leader answers."
    known = "has" if report.survey.complete else "is known to have"
    return f"No volume of {cluster} {known} lost units."


def _worst(levels: Mapping[RiskLevel, int], total: int, cluster: str) -> str:
    """Say how many volumes are at the worst level, and what that means."""
    if lost := levels[RiskLevel.LOST]:
        return f"Data of {count(lost, 'volume')} of {cluster} is lost."
    if none := levels[RiskLevel.NONE_LEFT]:
        return f"{count(none, 'volume')} of {cluster} {'loses' if none == 1 else 'lose'} data if one more unit is lost."
    if unknown := levels[RiskLevel.UNKNOWN]:
        has = "has" if unknown == 1 else "have"
        return f"{count(unknown, 'volume')} of {cluster} {has} lost units; how many more can be lost is not known."
    if one := levels[RiskLevel.ONE_LEFT]:
        return f"{count(one, 'volume')} of {cluster} can lose 1 more unit{'' if one == 1 else ' each'}."
    if reduced := levels[RiskLevel.REDUCED]:
        has = "has" if reduced == 1 else "have"
        return f"{count(reduced, 'volume')} of {cluster} {has} lost units and can lose 2 or more yet."
    has = "has" if total == 1 else "have"
    return f"{count(total, 'volume')} of {cluster} {has} unreachable units; no unit is known to be lost."


def _row(each: VolumeRisk) -> tuple[str, ...]:
    left = "unknown" if each.left is None else "data is lost" if each.left < 0 else f"{each.left:,}"
    mode = each.mode.name if each.mode else f"unknown ({each.mode_id})"
    disks = sorted({*each.lost, *each.unreachable})
    names = ", ".join(f"#{disk}" for disk in disks[:_MAX_DISKS])
    more = f" and {len(disks) - _MAX_DISKS} more" if len(disks) > _MAX_DISKS else ""
    return (
        f"#{each.vid}",
        left,
        mode,
        str(len(each.lost)),
        str(len(each.unreachable)),
        str(len(each.moving)),
        f"{names}{more}",
    )


def _unknowns(report: RiskReport, shown: Sequence[VolumeRisk]) -> list[str]:
    notes = []
    if pending := _pending(report.survey):
        notes.append(f"Not judged yet: {pending}; ask again in a minute.")
    away = {disk for each in shown for disk in each.unreachable}
    if odd := sorted(away & report.survey.disks.unknown):
        names = listed([f"#{disk}" for disk in odd])
        notes.append(f"Units on {'disk' if len(odd) == 1 else 'disks'} {names} count as unreachable: {_ODD}.")
    inferred = away - report.survey.disks.unknown
    if inferred:
        notes.append(
            "Unreachable units are inferred from the health of volumes: no call names disks without heartbeat."
        )
    if unnamed := max(0, report.expired - len(inferred)):
        verb = "has" if unnamed == 1 else "have"
        notes.append(
            f"{count(unnamed, 'more disk')} {verb} lost the heartbeat and cannot be named: {code('/cm stat')}."
        )
    if report.unwritten:
        notes.append(f"{margin_note(report.unwritten)}.")
    return notes


def _pending(survey: VolumeSurvey) -> str:
    parts = [count(len(survey.pending_disks), "disk")] if survey.pending_disks else []
    if survey.pending_volumes is None:
        parts.append("volumes that are still being listed")
    elif survey.pending_volumes:
        parts.append(count(survey.pending_volumes, "volume"))
    return " and ".join(parts)
