"""Gauges of the disks, the chunks, the space and the volumes of a cluster. No I/O."""

from collections import Counter
from collections.abc import Callable, Iterable

from bot.alerting.cluster_state.state import JUDGED_FOR
from bot.alerting.gauges.facts import GaugeFacts, by_label, one, zone_label
from bot.clustermgr.disk_states import DiskState
from bot.clustermgr.models import DiskStatus, SpaceStat, VolumeStat, ZoneDisks
from bot.telemetry.families import Sample

LISTS_FRESH = 600.0
"""Seconds for which a list of dropping disks counts."""
COUNTED_STATES: dict[str, Callable[[ZoneDisks], int]] = {
    "available": lambda zone: zone.available,
    "readonly": lambda zone: zone.readonly,
    "expired": lambda zone: zone.expired,
    "broken": lambda zone: zone.broken,
    "repairing": lambda zone: zone.repairing,
    "repaired": lambda zone: zone.repaired,
    "dropping": lambda zone: zone.dropping,
    "dropped": lambda zone: zone.dropped,
}
LISTED_STATES = (DiskState.BROKEN, DiskState.REPAIRING, DiskState.DROPPING)
CHUNK_STATES = ("free", "used")
VOLUME_STATES: dict[str, Callable[[VolumeStat], int]] = {
    "idle": lambda volumes: volumes.idle_volume,
    "active": lambda volumes: volumes.active_volume,
    "lock": lambda volumes: volumes.lock_volume,
    "unlocking": lambda volumes: volumes.unlocking_volume,
}
MARGINS = ("lost", "0", "1", "2+", "unreadable", "unreachable", "unknown")


def disks(facts: GaugeFacts) -> Iterable[Sample]:
    """The disks of each zone."""
    return by_label((label, sum(zone.total for zone in zones)) for label, zones in facts.counted)


def disks_counted(facts: GaugeFacts) -> Iterable[Sample]:
    """The disks by zone and state, as the leader counts them."""
    return [
        ((label, state), float(sum(map(read, zones))))
        for label, zones in facts.counted
        for state, read in COUNTED_STATES.items()
    ]


def disks_listed(facts: GaugeFacts) -> Iterable[Sample]:
    """The disks in the lists of broken, repairing and dropping ones; a list that was not read lately has no series."""
    bad, state = facts.snapshot.bad_disks, facts.state
    dropping = bool(state.dropping_at) and facts.now - state.dropping_at <= LISTS_FRESH
    known = (
        (DiskState.BROKEN, bad is not None),
        (DiskState.REPAIRING, bad is not None),
        (DiskState.DROPPING, dropping),
    )
    zones: dict[str, object] = {label: None for label, _ in facts.zones}
    found: Counter[tuple[str, DiskState]] = Counter()
    for disk in bad or ():
        zone = zones_label(disk.idc, zones)
        found[zone, DiskState.BROKEN if disk.status == DiskStatus.BROKEN else DiskState.REPAIRING] += 1
    for note in state.dropping if dropping else ():
        found[zones_label(note.idc, zones), DiskState.DROPPING] += 1
    return [((zone, str(each)), float(found[zone, each])) for zone in zones for each, read in known if read]


def zones_label(idc: str, zones: dict[str, object]) -> str:
    """The label of a zone, which is added to `zones`."""
    label = zone_label(idc, zones)
    zones[label] = None
    return label


def chunks(facts: GaugeFacts) -> Iterable[Sample]:
    """The chunks of each zone that are free and used."""
    for label, zones in facts.counted:
        total, free = sum(zone.total_chunk for zone in zones), sum(zone.total_free_chunk for zone in zones)
        yield (label, "free"), float(free)
        yield (label, "used"), float(max(0, total - free))


def space(read: Callable[[SpaceStat], int]) -> Callable[[GaugeFacts], Iterable[Sample]]:
    """The reader of one number of bytes."""

    def samples(facts: GaugeFacts) -> Iterable[Sample]:
        return one(read(facts.leader.space_stat) if facts.leader and not facts.fresh else None)

    return samples


def full_at(facts: GaugeFacts) -> Iterable[Sample]:
    """When the cluster will be full."""
    days = facts.state.forecast.days_left(facts.now)
    return one(facts.state.forecast.full_at if days is not None else None)


def volumes(facts: GaugeFacts) -> Iterable[Sample]:
    """The number of volumes."""
    return one(facts.leader.volume_stat.total_volume if facts.leader else None)


def volumes_in_state(facts: GaugeFacts) -> Iterable[Sample]:
    """The volumes by state."""
    if facts.leader is None:
        return ()
    stat = facts.leader.volume_stat
    return by_label((state, read(stat)) for state, read in VOLUME_STATES.items())


def volumes_at_risk(facts: GaugeFacts) -> Iterable[Sample]:
    """The volumes with units that are lost or unreachable, by the number of units that they can lose yet."""
    if not facts.state.risk_at:
        return ()
    risk = facts.state.risk
    numbers = (
        risk.lost,
        risk.none_left,
        risk.one_left,
        risk.reduced,
        risk.unreadable,
        risk.unreachable,
        risk.unknown,
    )
    return by_label(zip(MARGINS, numbers, strict=True))


def judged(facts: GaugeFacts) -> Iterable[Sample]:
    """1 while every volume that may be affected was judged, by reads that are current."""
    state = facts.state
    lately = facts.now - max(state.risk_at, state.judged_at) <= JUDGED_FOR
    return one(bool(state.risk_at) and lately and state.risk.caveats.complete)
