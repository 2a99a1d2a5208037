"""Rules about space: what is writable, the chunks of each zone, the volumes that can be allocated."""

from collections.abc import Iterator
from types import MappingProxyType

from bot.alerting.cluster_state.counters import SETTLED, leaders_space, leaders_view
from bot.alerting.details import ChunksLow, NoVolume, VolumesLow, WritableLow
from bot.alerting.model import Alert, Finding, Outcome, Pair, Severity
from bot.alerting.outcomes import SpaceNow
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule, RuleConfig, RuleContext, Threshold, Unit, ended
from bot.alerting.rules.chunks import Chunks, zones_of
from bot.alerting.text import one_line
from bot.clustermgr.models import SpaceStat, ZoneDisks


def _writable_low(context: RuleContext, limits: RuleConfig) -> Answer:
    space = leaders_space(context, limits)
    if space is None:
        return CANNOT_TELL
    if space.total_disk <= 0:
        return ()
    share = 100 * max(0, space.writable_space) / space.total_space if space.total_space > 0 else 0.0
    days = context.state.forecast.days_left(context.now)
    by_both = (
        _severity(share, limits, "warn_share", "critical_share"),
        _severity(days, limits, "warn_days", "critical_days"),
    )
    severity = max((each for each in by_both if each is not None), default=None)
    if severity is None:
        return ()
    none = space.writable_space <= 0
    detail = WritableLow(int(share), none, None if days is None or none else int(days))
    shortage = sum(share < limits["critical_share"] / part for part in (1, 2, 4)) + (share <= 0)
    covers = tuple(_no_worse(context, space, share))
    return (Finding("writable_low", "", limits.at_most(severity), detail, weight=1 + shortage, covers=covers),)


def _no_worse(context: RuleContext, space: SpaceStat, share: float) -> Iterator[Pair]:
    """The zones that are as short of chunks as the whole is of space, to a percent: one shortage, one alert."""
    for zone, chunks in _usable(context, space):
        if chunks is not None and chunks.share >= share - 1:
            yield "chunks_low", one_line(zone.idc, 60)


def _usable(context: RuleContext, space: SpaceStat) -> Iterator[tuple[ZoneDisks, Chunks | None]]:
    """The zones with their usable chunks, None where these are not known."""
    counted = zones_of(context.state.zones, context.state.zones_at, context.now)
    for zone in sorted(space.disk_stat_infos, key=lambda zone: zone.idc):
        if zone.total_chunk > 0 and counted.present(zone):
            yield zone, counted.usable(zone, context.snapshot.bad_disks)


def _severity(value: float | None, limits: RuleConfig, warn: str, critical: str) -> Severity | None:
    """Severity of a value that is worse the smaller it is; None if it is good or not known."""
    if value is None or value >= limits[warn]:
        return None
    return Severity.CRITICAL if value < limits[critical] else Severity.WARNING


def _enough(context: RuleContext, _: Alert) -> Outcome:
    leader = context.snapshot.leader
    if leader is None or leader[1].space_stat.total_space <= 0:
        return SpaceNow()
    return SpaceNow(leader[1].space_stat.writable_space, leader[1].space_stat.total_space)


def _chunks_low(context: RuleContext, limits: RuleConfig) -> Answer:
    space = leaders_space(context, limits)
    if space is None:
        return CANNOT_TELL
    zones = list(_usable(context, space))
    findings = [_zone_low(zone, chunks, limits) for zone, chunks in zones if chunks is not None]
    found = tuple(finding for finding in findings if finding is not None)
    unknown = any(chunks is None for _, chunks in zones)
    return CANNOT_TELL if unknown and not found else found


def _zone_low(zone: ZoneDisks, chunks: Chunks, limits: RuleConfig) -> Finding | None:
    share = chunks.share
    severity = _severity(share, limits, "warn_share", "critical_share")
    if severity is None:
        return None
    name = one_line(zone.idc, 60)
    detail = ChunksLow(name, int(share), none=not share)
    return Finding("chunks_low", name, limits.at_most(severity), detail, weight=1 + (share < 1) + (share <= 0))


def _no_volume(context: RuleContext, limits: RuleConfig) -> Answer:
    stat = leaders_view(context, limits)
    if stat is None:
        return CANNOT_TELL
    space = stat.space_stat
    if stat.volume_stat.total_volume > 0 or space.writable_space <= 0 or space.total_disk <= 0:
        return ()
    return (Finding("no_volume", "", limits.severity, NoVolume(space.total_disk)),)


def _volumes_low(context: RuleContext, limits: RuleConfig) -> Answer:
    stat = leaders_view(context, limits)
    if stat is None:
        return CANNOT_TELL
    volumes = stat.volume_stat
    if volumes.total_volume <= 0 or volumes.can_alloc_volume >= limits["least"]:
        # A cluster that never had a volume is a new one.
        return ()
    none = volumes.can_alloc_volume == 0
    detail = VolumesLow(volumes.can_alloc_volume, volumes.total_volume)
    severity = limits.severity if none else limits.at_most(Severity.WARNING)
    return (Finding("volumes_low", "", severity, detail, weight=1 + none),)


WRITABLE_LOW = Rule(
    key="writable_low",
    about="Little of the space can be written, or at the pace of the last days it will be full in a few days.",
    severity=Severity.CRITICAL,
    for_seconds=600,
    clear=1800,
    remind=86400,
    finds=_writable_low,
    resolved=_enough,
    thresholds=MappingProxyType(
        {
            "warn_share": Threshold(10, Unit.PERCENT, "the writable share of all space below which it is a warning"),
            "critical_share": Threshold(5, Unit.PERCENT, "the share below which it is critical"),
            "warn_days": Threshold(14, Unit.NUMBER, "days until it is full below which it is a warning; 0 for never"),
            "critical_days": Threshold(3, Unit.NUMBER, "days below which it is critical; 0 for never"),
            **SETTLED,
        }
    ),
)

CHUNKS_LOW = Rule(
    key="chunks_low",
    about="A zone runs out of free chunks; one alert for each zone.",
    severity=Severity.CRITICAL,
    for_seconds=600,
    clear=1800,
    remind=86400,
    finds=_chunks_low,
    resolved=ended,
    thresholds=MappingProxyType(
        {
            "warn_share": Threshold(10, Unit.PERCENT, "the free share of a zone's chunks below which it is a warning"),
            "critical_share": Threshold(3, Unit.PERCENT, "the share below which it is critical"),
            **SETTLED,
        }
    ),
)

VOLUMES_LOW = Rule(
    key="volumes_low",
    about="Few volumes can be allocated to those who write; critical when none can.",
    severity=Severity.CRITICAL,
    for_seconds=900,
    clear=300,
    remind=14400,
    finds=_volumes_low,
    resolved=ended,
    thresholds=MappingProxyType(
        {
            "least": Threshold(3, Unit.NUMBER, "so many volumes should be allocatable at any time"),
            **SETTLED,
        }
    ),
)

NO_VOLUME = Rule(
    key="no_volume",
    about="There is no volume at all beside writable disks: volumes are not created.",
    severity=Severity.WARNING,
    for_seconds=3600,
    clear=0,
    remind=86400,
    finds=_no_volume,
    resolved=ended,
    thresholds=SETTLED,
)
