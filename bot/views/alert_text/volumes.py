"""Words for alerts about volumes. No I/O."""

from collections.abc import Sequence
from functools import lru_cache

from bot.alerting.details import DisksNotEmpty, UnitsLeft, VolumeLoss, VolumesAtRisk, VolumesLost, VolumesUnreachable
from bot.alerting.model import AlertText
from bot.common.text import count, listed
from bot.views.alert_text.caveats import affected_lines, caveat_lines

_MAX_DISKS = 8
_MAX_KEPT = 500
"""Lines that are kept: an open alert shows the same volumes at each poll."""


def volumes_at_risk(detail: VolumesAtRisk, cluster: str) -> AlertText:
    """`volumes_at_risk`."""
    if detail.none_left:
        verb = "loses" if detail.none_left == 1 else "lose"
        sentence = f"{count(detail.none_left, 'volume')} of {cluster} {verb} data if one more unit is lost"
        if detail.one_left:
            sentence += f"; {detail.one_left:,} more can lose 1 more unit"
    elif detail.unknown and not detail.one_left:
        verb = "has" if detail.unknown == 1 else "have"
        sentence = f"{count(detail.unknown, 'volume')} of {cluster} {verb} lost units and an unknown code mode"
    else:
        each = "" if detail.one_left == 1 else " each"
        sentence = f"{count(detail.one_left, 'volume')} of {cluster} can lose 1 more unit{each}"
    return AlertText(f"{sentence}.", (*caveat_lines(detail.caveats), *_lines(detail.volumes)), detail.more)


def disks_not_empty(detail: DisksNotEmpty, cluster: str) -> AlertText:
    """`disk_not_empty`."""
    they, them = ("it is", "it") if detail.total == 1 else ("they are", "them")
    return AlertText(
        f"Do not pull {count(detail.total, 'disk')} of {cluster}: {they} listed as repaired or dropped, but units are "
        f"still on {them}.",
        (*affected_lines(detail.affected), *(_units_left(each) for each in detail.disks)),
        detail.total - len(detail.disks),
    )


def volumes_lost(detail: VolumesLost, cluster: str) -> AlertText:
    """`volumes_lost`."""
    return AlertText(
        f"Data of {count(detail.total, 'volume')} of {cluster} is lost: more units are lost than the code mode "
        "tolerates.",
        (*caveat_lines(detail.caveats), *_lines(detail.volumes)),
        detail.total - len(detail.volumes),
    )


def volumes_unreachable(detail: VolumesUnreachable, cluster: str) -> AlertText:
    """`volumes_unreachable`."""
    return AlertText(
        f"{count(detail.total, 'volume')} of {cluster} cannot be read now: too many units are on disks that have lost "
        "their heartbeat. These units are unreachable, not lost.",
        (*caveat_lines(detail.caveats), *_lines(detail.volumes)),
        detail.total - len(detail.volumes),
    )


def _units_left(each: UnitsLeft) -> str:
    if not each.total:
        return f"disk #{each.disk}: {count(each.units, 'unit')}"
    more = each.total - len(each.volumes)
    names = [*(f"#{vid}" for vid in each.volumes), *([f"{more:,} more"] if more else [])]
    volumes = "volume" if each.total == 1 else "volumes"
    return f"disk #{each.disk}: {count(each.units, 'unit')} of {volumes} {listed(names, most=len(names))}"


def _lines(volumes: Sequence[VolumeLoss]) -> tuple[str, ...]:
    return tuple(_volume(volume) for volume in volumes)


@lru_cache(_MAX_KEPT)
def _volume(volume: VolumeLoss) -> str:
    mode = volume.mode or f"unknown code mode {volume.mode_id}"
    parts = [
        f"{count(len(disks), 'unit')} {state} ({disk_names(disks)})"
        for state, disks in (("lost", volume.lost), ("unreachable", volume.unreachable))
        if disks
    ]
    if volume.unnamed:
        parts.append(f"{count(volume.unnamed, 'unit')} unreachable (on disks that cannot be named)")
    return f"volume #{volume.vid} ({mode}): {', '.join(parts)}; {left_text(volume.left)}"


def disk_names(disks: Sequence[int]) -> str:
    """Name disks: `disk #7`, `disks #7 and #9`; a disk that holds several units is named once."""
    names = [f"#{disk}" for disk in sorted(set(disks))]
    return f"{'disk' if len(names) == 1 else 'disks'} {listed(names, most=_MAX_DISKS)}"


def left_text(left: int | None) -> str:
    """Say how many units can be lost yet."""
    if left is None:
        return "it is not known how many more it can lose"
    if left < 0:
        return "data is lost"
    return f"it can lose {count(left, 'more unit')}" if left else "it can lose no more"
