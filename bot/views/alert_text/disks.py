"""Words for alerts about disks and space. No I/O."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from bot.alerting.details import (
    ChunksLow,
    DiskName,
    DisksBroken,
    DisksExpired,
    DisksStuck,
    NoVolume,
    StuckDisk,
    VolumesLow,
    WritableLow,
)
from bot.alerting.model import AlertText
from bot.alerting.progress import WorkProgress
from bot.clustermgr.models import DiskStatus
from bot.common.text import count, listed
from bot.views.alert_text.caveats import affected_lines
from bot.views.alert_text.volumes import disk_names
from bot.views.progress import progress_line
from bot.views.text import date, in_ticks

_STATUS: Mapping[int, str] = MappingProxyType(
    {
        DiskStatus.NORMAL: "normal",
        DiskStatus.BROKEN: "broken",
        DiskStatus.REPAIRING: "being repaired",
        DiskStatus.REPAIRED: "repaired",
        DiskStatus.DROPPED: "dropped",
    }
)


def status_word(status: int) -> str:
    """The state of a disk; a state of a later release stays a number."""
    return _STATUS.get(status, f"in state {status} (unknown to cmbot)")


def disks_broken(detail: DisksBroken, cluster: str) -> AlertText:
    """`disk_broken`."""
    sentence = _broken(cluster, detail.broken, detail.repairing)
    progress = {each.disk: each.progress for each in detail.progress}
    lines = tuple(
        f"disk #{disk.id}{where_text(disk)}: {_state(disk)}{_progress(disk, progress.get(disk.id))}"
        for disk in detail.disks
    )
    affected = affected_lines(detail.affected)
    if not detail.by_counters:
        return AlertText(f"{sentence}.", (*affected, *lines), detail.more)
    return AlertText(
        f"{sentence}, by the leader's counters: the disks cannot be listed now.",
        (*affected, *(f"when last listed: {line}" for line in lines)),
    )


def _state(disk: DiskName) -> str:
    declared = f", declared broken by operation #{disk.op}" if disk.op else ""
    return f"{status_word(disk.status)}{declared}"


def repair_step(detail: DisksBroken) -> str:
    """What hinders the repair, or the state of disk_repair, as the next step; "" if it is not known."""
    none = "no scheduler is registered, so no repair runs: start a scheduler."
    if detail.repair_on is None:
        return f"{none[0].upper()}{none[1:]}" if detail.no_scheduler else ""
    if not detail.repair_on:
        also = " No scheduler is registered either: start one." if detail.no_scheduler else ""
        return f"`disk_repair` is *off*: enable it.{also}"
    if detail.no_scheduler:
        return f"`disk_repair` is on, but {none}"
    if detail.waiting_since is None:
        return "`disk_repair` is on; the repair has begun."
    return f"`disk_repair` is on; repair has not begun yet (broken since {date(detail.waiting_since, 'minute')})."


def _broken(cluster: str, broken: int, repairing: int) -> str:
    if not broken:
        return f"{count(repairing, 'disk')} of {cluster} {_is(repairing)} being repaired"
    also = f", {repairing:,} more {_is(repairing)} being repaired" if repairing else ""
    return f"{count(broken, 'disk')} of {cluster} {_is(broken)} broken{also}"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _progress(disk: DiskName, progress: WorkProgress | None) -> str:
    """The units left on a disk: with a bar while it is being repaired."""
    if progress is None:
        return ""
    if disk.status == DiskStatus.REPAIRING:
        return f", {progress_line(progress)}"
    return f", {count(progress.left, 'unit')} to rebuild" if progress.left else ""


def where_text(disk: DiskName) -> str:
    """Host, path and zone of a disk."""
    host, path, zone = (in_ticks(each) if each else "unknown" for each in (disk.host, disk.path, disk.zone))
    return f" on {host}, path {path}, zone {zone}"


def disks_expired(detail: DisksExpired, cluster: str) -> AlertText:
    """`disk_expired`."""
    has = "has" if detail.lost == 1 else "have"
    their = "its" if detail.lost == 1 else "their"
    everywhere = f", among them every writable disk of {listed(detail.whole)}" if detail.whole else ""
    return AlertText(
        f"{count(detail.lost, 'disk')} of {cluster} {has} lost {their} heartbeat{everywhere}.",
        (
            *affected_lines(detail.affected),
            *_without_heartbeat(detail),
            *(
                f"zone {zone.zone}: {zone.expired:,} of {count(zone.available, 'writable disk')}"
                for zone in detail.zones
            ),
        ),
        detail.more,
    )


def _without_heartbeat(detail: DisksExpired) -> Iterator[str]:
    """Name the disks as far as they are known; the counters of the leader name none."""
    if detail.named:
        yield f"named by the cluster: {disk_names(detail.named)}"
    if detail.inferred:
        yield f"inferred from the health of volumes: {disk_names(detail.inferred)}"
    if detail.unnamed:
        them = _them(detail.unnamed)
        yield f"{count(detail.unnamed, 'disk')} cannot be named: volumes on {them} are judged by their health alone"


def _them(number: int) -> str:
    return "it" if number == 1 else "them"


def disks_stuck(detail: DisksStuck, cluster: str) -> AlertText:
    """`repair_stuck` and `drop_stuck`."""
    return AlertText(
        f"The {detail.work} of {count(detail.total, 'disk')} of {cluster} makes no progress.",
        (*affected_lines(detail.affected), *(_stuck(each) for each in detail.disks)),
        detail.total - len(detail.disks),
    )


def _stuck(stuck: StuckDisk) -> str:
    disk = stuck.disk
    state = status_word(disk.status) if disk.status != DiskStatus.NORMAL else "being dropped"
    head = f"disk #{disk.id}{where_text(disk) if stuck.listed else ''}: {state} since {date(stuck.since, 'minute')}"
    if disk.status == DiskStatus.BROKEN:
        return f"{head}; its repair has not begun"
    if stuck.left is None:
        return head
    return f"{head}, {count(stuck.left, 'chunk')} left, none moved since {date(stuck.moved_at, 'minute')}"


def writable_low(detail: WritableLow, cluster: str) -> AlertText:
    """`writable_low`."""
    if detail.none:
        return AlertText(f"{cluster} accepts no data: none of its space is writable.")
    left = f"{detail.share} %" if detail.share else "Less than 1 %"
    until = ""
    if detail.days is not None:
        when = f"in {count(detail.days, 'day')}" if detail.days else "within a day"
        until = f"; at the pace of the last days it is full {when}"
    return AlertText(f"{left} of the space of {cluster} is writable{until}.")


def chunks_low(detail: ChunksLow, cluster: str) -> AlertText:
    """`chunks_low`."""
    shown = "None" if detail.none else f"{detail.share} %" if detail.share else "Less than 1 %"
    return AlertText(f"{shown} of the chunks of zone {detail.zone or 'without a name'} of {cluster} are free.")


def no_volume(detail: NoVolume, cluster: str) -> AlertText:
    """`no_volume`."""
    writable = f"{count(detail.disks, 'disk')} {_is(detail.disks)} writable"
    return AlertText(f"{cluster} cannot store data: it has no volume, although {writable}.")


def volumes_low(detail: VolumesLow, cluster: str) -> AlertText:
    """`volumes_low`."""
    number = f"Only {count(detail.allocatable, 'volume')}" if detail.allocatable else "No volume"
    return AlertText(f"{number} of {cluster} can be allocated; it has {count(detail.total, 'volume')} in all.")
