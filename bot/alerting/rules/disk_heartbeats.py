"""The rule about disks whose heartbeat is lost: their blobnode does not report, and nobody called them broken yet."""

from types import MappingProxyType

from bot.alerting.cluster_state.counters import SETTLED, leaders_space
from bot.alerting.model import Alert, Finding, Severity
from bot.alerting.rules.base import CANNOT_TELL, MAX_LINES, Answer, Rule, RuleConfig, RuleContext
from bot.alerting.text import count, listed, plain
from bot.clustermgr.models import ZoneDisks


def _expired(context: RuleContext, limits: RuleConfig) -> Answer:
    space = leaders_space(context, limits)
    if space is None:
        return CANNOT_TELL
    zones = sorted((zone for zone in space.disk_stat_infos if zone.expired > 0), key=lambda zone: zone.idc)
    if not zones:
        return ()
    lost = sum(zone.expired for zone in zones)
    whole = [_name(zone) for zone in zones if zone.expired >= zone.available > 0]
    return (
        Finding(
            rule="disk_expired",
            subject="",
            severity=limits.severity if whole else limits.at_most(Severity.WARNING),
            sentence=f"{count(lost, 'disk')} of {context.cluster} {_has(lost)} lost the heartbeat{_everywhere(whole)}.",
            lines=tuple(_line(zone) for zone in zones[:MAX_LINES]),
            weight=lost,
            data={"parts": [_name(zone) for zone in zones], "more": max(0, len(zones) - MAX_LINES)},
        ),
    )


def _everywhere(zones: list[str]) -> str:
    return f", among them every writable disk of {listed(zones)}" if zones else ""


def _has(number: int) -> str:
    return "has" if number == 1 else "have"


def _name(zone: ZoneDisks) -> str:
    return plain(zone.idc, 60) or "a zone without a name"


def _line(zone: ZoneDisks) -> str:
    return f"zone {_name(zone)}: {zone.expired:,} of {count(zone.available, 'writable disk')}"


def _reports_again(context: RuleContext, _: Alert) -> str:
    return f"Every disk of {context.cluster} reports again, or is taken for broken by now."


DISK_EXPIRED = Rule(
    key="disk_expired",
    about="Disks have lost their heartbeat: the blobnode that holds them does not report, and they count as normal "
    "still. Critical where it is every writable disk of a zone.",
    severity=Severity.CRITICAL,
    hold=330,
    clear=0,
    remind=86400,
    looks=_expired,
    resolved=_reports_again,
    thresholds=MappingProxyType({**SETTLED}),
)
