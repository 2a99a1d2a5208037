"""/cm risk: the volumes that have lost units or cannot reach them, the worst first. No I/O."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field

from bot.alerting.risk_facts import RiskCaveats, Since
from bot.alerting.volume_risk import RiskLevel, VolumeRisk, at_risk, together
from bot.clustermgr.volume_survey import VolumeSurvey
from bot.common.frozen import frozen
from bot.interactions.message import Message
from bot.views.alert_text.caveats import caveat_lines
from bot.views.alert_text.volumes import disk_names
from bot.views.blocks import NumberCell, code, context, count, data_table, date, escape, message, number, section
from bot.views.parts import others_line
from bot.views.risk_text import levels_text

MAX_ROWS = 20
"""Volumes in the table; the others are counted by level."""
_HEADER = ("Can lose", "Volume", "Code mode", "Lost", "Unreachable", "Moving", "Disks", "Since")
_MAX_DISKS = 12
_DAY = 86400.0
_ODD = "cmbot does not know the state that the disk list gives"
_MARKS = {
    RiskLevel.LOST: "🔴",
    RiskLevel.NONE_LEFT: "🔴",
    RiskLevel.UNKNOWN: "🔴",
    RiskLevel.UNREADABLE: "🔴",
    RiskLevel.ONE_LEFT: "🟡",
    RiskLevel.REDUCED: "🟡",
    RiskLevel.NONE: "🟢",
}

_WORSE = tuple(level for level in RiskLevel if level > RiskLevel.UNREADABLE)


@frozen
class RiskReport:
    """The risk of a cluster's volumes, asked for at `at` (Unix seconds).

    `since` is since when the last of a volume's lost units is lost, or without one, since when its unreachable units
    are away, by vid, as far as known. `caveats` are what makes the table less sure.
    """

    cluster: str
    risks: Sequence[VolumeRisk]
    survey: VolumeSurvey
    at: float
    since: Mapping[int, Since] = field(default_factory=dict)
    caveats: RiskCaveats = field(default_factory=RiskCaveats)


def risk(report: RiskReport) -> Message:
    """Render the volumes at risk and what is not known of them."""
    shown = at_risk(report.risks)
    sentence = _sentence(report, shown)
    worst = max((each.standing for each in shown), default=RiskLevel.NONE)
    if shown and worst is RiskLevel.NONE:
        worst = RiskLevel.REDUCED
    notes = [*_unknowns(report, shown), *_times(report, shown)]
    mark = _MARKS[worst] if shown or _sure(report) else "⚪"
    head = section(f"{mark} *{sentence}*")
    if not shown:
        return message(sentence, head, context(" ".join(notes)))
    rows = [_row(each, report.since.get(each.vid)) for each in shown[:MAX_ROWS]]
    caption = f"Volumes of {report.cluster} at risk, the worst first"
    listed = data_table(rows, header=_HEADER, caption=caption, names=1)
    return message(sentence, head, listed, context(" ".join(notes)))


def _times(report: RiskReport, shown: Sequence[VolumeRisk]) -> list[str]:
    """When the oldest of the reads was made; disks that are repaired or dropped are counted seldom."""
    survey = report.survey
    oldest = survey.as_of or report.at
    counted = [survey.units[disk].at for disk in survey.disks.gone if disk in survey.units]
    seldom = f"Units of repaired and dropped disks as of {date(min(counted), 'minute')}." if counted else ""
    if old := survey.gone_as_of:
        seldom = f"Units of disks repaired or dropped long ago as of {date(old, 'minute')}."
    when = date(oldest, "time" if report.at - oldest < _DAY else "minute")
    newer = any(report.since[each.vid].at > oldest for each in shown[:MAX_ROWS] if each.vid in report.since)
    as_of = f"The oldest count of units: {when}; the states of disks are newer." if newer else f"As of {when}."
    return [each for each in (seldom, as_of) if each]


def _sure(report: RiskReport) -> bool:
    """True if every volume was judged, and every disk without a heartbeat is known."""
    caveats = report.caveats
    return report.survey.complete and caveats.complete and caveats.heartbeats and not caveats.unnamed


def _sentence(report: RiskReport, shown: Sequence[VolumeRisk]) -> str:
    cluster = escape(report.cluster)
    if shown:
        levels = together(shown).standings
        unreadable, worse = levels[RiskLevel.UNREADABLE], any(levels[level] for level in _WORSE)
        more = f" {count(unreadable, 'volume')} cannot be read now." if unreadable and worse else ""
        return f"{_worst(levels, len(shown), cluster)}{more}"
    if not report.survey.known:
        return f"The volumes of {cluster} cannot be judged: no leader answers."
    known = "has" if _sure(report) else "is known to have"
    return f"No volume of {cluster} {known} lost units."


def _worst(levels: Mapping[RiskLevel, int], total: int, cluster: str) -> str:
    """Say how many volumes are at the worst standing, and what that means."""
    if severe := _severe(levels, cluster):
        return severe
    if one := levels[RiskLevel.ONE_LEFT]:
        return f"{count(one, 'volume')} of {cluster} can lose 1 more unit{'' if one == 1 else ' each'}."
    if reduced := levels[RiskLevel.REDUCED]:
        has = "has" if reduced == 1 else "have"
        return f"{count(reduced, 'volume')} of {cluster} {has} lost units and can still lose 2 or more."
    has = "has" if total == 1 else "have"
    return f"{count(total, 'volume')} of {cluster} {has} unreachable units; no unit is known to be lost."


def _severe(levels: Mapping[RiskLevel, int], cluster: str) -> str:
    """The sentence of a standing that loses or hides data; "" if no volume has one."""
    if lost := levels[RiskLevel.LOST]:
        return f"Data of {count(lost, 'volume')} of {cluster} is lost."
    if none := levels[RiskLevel.NONE_LEFT]:
        return f"{count(none, 'volume')} of {cluster} {'loses' if none == 1 else 'lose'} data if one more unit is lost."
    if unknown := levels[RiskLevel.UNKNOWN]:
        has = "has" if unknown == 1 else "have"
        return f"{count(unknown, 'volume')} of {cluster} {has} lost units; how many more can be lost is not known."
    if unreadable := levels[RiskLevel.UNREADABLE]:
        return f"{count(unreadable, 'volume')} of {cluster} cannot be read now: too many units are lost or unreachable."
    return ""


def _row(each: VolumeRisk, since: Since | None) -> tuple[str, ...]:
    left = "unknown" if each.left is None else "data is lost" if each.left < 0 else f"{each.left:,}"
    if each.unreadable:
        left = "cannot be read now" if each.left else "0, cannot be read now"
    mode = each.mode.name if each.mode else f"unknown ({each.mode_id})"
    return (
        left if each.left is None else NumberCell(left, each.left),
        NumberCell(f"#{each.vid}", each.vid),
        mode,
        number(len(each.lost)),
        number(each.away),
        number(len(each.moving)),
        _disks(each),
        _since(each, since),
    )


def _disks(each: VolumeRisk) -> str:
    """Name the disks of the lost and the unreachable units, and count the units on disks that cannot be named."""
    disks = sorted({*each.lost, *each.unreachable})
    names = ", ".join(f"#{disk}" for disk in disks[:_MAX_DISKS])
    more = f" and {len(disks) - _MAX_DISKS} more" if len(disks) > _MAX_DISKS else ""
    unnamed = f"{count(each.unnamed, 'unit')} on unknown disks" if each.unnamed else ""
    return ", ".join(part for part in (f"{names}{more}", unnamed) if part)


def _since(each: VolumeRisk, since: Since | None) -> str:
    """Since when the last of the lost units is lost, or without one, the unreachable ones are away."""
    if since is None:
        return "unknown" if each.lost or each.away else "-"
    return date(since.at, "minute") if since.exact else f"at least since {date(since.at, 'minute')}"


def _unknowns(report: RiskReport, shown: Sequence[VolumeRisk]) -> list[str]:
    hidden = levels_text(together(shown[MAX_ROWS:]).standings)
    notes = [f"Not shown: {hidden}."] if hidden else []
    notes += [f"{line[0].upper()}{escape(line[1:])}." for line in caveat_lines(report.caveats)]
    if not report.survey.complete and report.survey.known:
        notes.append("Ask again in a minute.")
    if others := others_line("Volumes ", report.survey.others):
        notes.append(others)
    away, disks = {disk for each in shown for disk in each.unreachable}, report.survey.disks
    if odd := sorted(away & disks.unknown):
        notes.append(f"Units on {disk_names(odd)} count as unreachable: {_ODD}.")
    inferred = away - disks.expired - disks.unknown
    if inferred:
        notes.append(f"Inferred from the health of volumes: no heartbeat of {_inferred(report.survey, inferred)}.")
    if named := report.survey.disks.expired:
        notes.append(f"The cluster names {disk_names(sorted(named))} as without a heartbeat.")
    if report.caveats.unnamed:
        notes.append(f"Counters: {code('/cm stat')}.")
    return notes


def _inferred(survey: VolumeSurvey, disks: Collection[int]) -> str:
    """Name inferred disks, and say which of them the cluster's own dashboard contradicts or makes likely."""
    names = disk_names(sorted(disks))
    if survey.dashboard is None or not survey.dashboard.expired:
        return names
    doubted = sorted(set(disks) - survey.dashboard.possible)
    if not doubted:
        return f"{names}; the cluster names their hosts"
    return f"{names}; the cluster does not name the hosts of {disk_names(doubted)}"
