"""Words for the facts of volumes on disks that are changed, with the arithmetic; and of the room in zones. No I/O."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.cluster_state.background import TaskHindrance
from bot.common.text import listed
from bot.operations.preflight.disk_room import is_roomy, wanted
from bot.operations.preflight.facts import disks as f
from bot.operations.preflight.facts.disks import DiskChange, MarginGroup, VolumeMargin, ZoneRoom
from bot.views.alert_text.volumes import disk_names
from bot.views.preflight_text.disks import open_operations
from bot.views.preflight_text.phrases import CheckText
from bot.views.text import clip, count, size

_MAX_ZONE = 60
_MAX_GROUPS = 6
_MAX_VOLUMES = 4
_MAX_MODES = 8
_REPAIR_FIRST = "Repair first: `/cm risk` lists the volumes, `/cm disks` the disks that decide it."


def volumes_unread(fact: f.VolumesUnread) -> CheckText:
    """Not all volumes were read."""
    parts = []
    if fact.disks:
        parts.append(f"the units on {disk_names(fact.disks)} were not read")
    if fact.volumes:
        were = "was" if fact.volumes == 1 else "were"
        parts.append(f"{fact.volumes:,} of {count(fact.of, 'volume')} {were} not read in full")
    text = " and ".join(parts) or "volumes were not read"
    return CheckText(
        f"{text[0].upper()}{text[1:]}: nothing is known of the units that can be lost.", "Try again in some seconds."
    )


def code_modes_unknown(fact: f.CodeModesUnknown) -> CheckText:
    """A code mode is not known."""
    have = "has" if fact.volumes == 1 else "have"
    modes = listed(fact.modes, most=_MAX_MODES)
    return CheckText(
        f"{count(fact.volumes, 'volume')} {have} an unknown code mode ({modes}): it is not known how many units they "
        "can lose.",
        "Look the code mode up in the settings of the servers before you decide.",
    )


def judged_in_turns(fact: f.JudgedInTurns) -> CheckText:
    """Volumes are judged now, or at the turn of their disk."""
    turn = "its turn, right before it" if len(fact.later) == 1 else "their turn, right before each"
    now = disk_names(fact.now) if fact.now else "none"
    whole = count(len(fact.now) + len(fact.later), "disk")
    return CheckText(
        f"Judged now: states, room and limits of all {whole}, and the volumes of {now}. "
        f"The volumes of {disk_names(fact.later)} are judged at {turn} begins.",
        "A smaller margin than this card shows, or a new warning, then ends the rest.",
    )


def volume_margins(fact: f.VolumeMargins) -> CheckText:
    """Margins now and afterwards."""
    text = _margins(fact)
    if not fact.breaking:
        return text
    names, verb = disk_names(fact.breaking), "counts" if len(fact.breaking) == 1 else "count"
    by = open_operations(fact.operations)
    why = f"{names[0].upper()}{names[1:]} {verb} as broken because of {by}."
    return CheckText(f"{text.sentence} {why}", text.next_step)


def _margins(fact: f.VolumeMargins) -> CheckText:
    names = disk_names(fact.disks)
    if not fact.groups:
        return CheckText(f"No volume has a unit on {names}.")
    verb = "has" if len(fact.disks) == 1 else "have"
    names = f"{names[0].upper()}{names[1:]}"
    head = f"{names} {verb} {count(fact.units, 'unit')} of {count(fact.volumes, 'volume')}"
    if fact.change is DiskChange.BROKEN:
        return _broken(fact, head)
    least = min(group.after for group in fact.groups)
    none, one = fact.ending(0), fact.ending(1, above=0)
    if not none and not fact.unreadable:
        more = f" in {count(one, 'volume')}" if one else ""
        moves = "no unit is lost while they move" if fact.change is DiskChange.OFFLINE else "none of them moves"
        return CheckText(
            f"{head}; {moves}, and the worst volume {_can(least)}{more}.",
            "Better wait until lost units are repaired." if one else "",
        )
    parts = [f"{count(none, 'volume')} can lose no more units"] if none else []
    if fact.unreadable:
        parts.append(f"{count(fact.unreadable, 'volume')} cannot be read while unreachable units stay away")
    return CheckText(f"{head}; {' and '.join(parts)}: {_named(fact)}.", _REPAIR_FIRST)


def _broken(fact: f.VolumeMargins, head: str) -> CheckText:
    lost, none = fact.ending(-1), fact.ending(0, above=-1)
    groups = "; ".join(_group(group) for group in fact.groups[:_MAX_GROUPS])
    more = sum(group.volumes for group in fact.groups[_MAX_GROUPS:])
    groups += f"; {count(more, 'volume')} keep more" if more else ""
    text = f"{head}. Units that each volume can lose, before → after: {groups}. Worst: {_named(fact)}."
    if lost:
        return CheckText(f"DATA WOULD BE LOST in {count(lost, 'volume')}. {text}", _REPAIR_FIRST)
    if none:
        return CheckText(f"{count(none, 'volume')} could then lose no more units. {text}", _REPAIR_FIRST)
    if fact.unreadable:
        unread = f"{count(fact.unreadable, 'volume')} could not be read while unreachable units stay away."
        return CheckText(f"{unread} {text}", "Bring the unreachable disks back first.")
    return CheckText(text)


def _group(group: MarginGroup) -> str:
    return f"{count(group.volumes, 'volume')} {group.before} → {group.after}"


def _named(fact: f.VolumeMargins) -> str:
    shown = "; ".join(_volume(each, fact.change) for each in fact.worst[:_MAX_VOLUMES])
    left = fact.volumes - min(len(fact.worst), _MAX_VOLUMES)
    return f"{shown}; {left:,} more" if left > 0 else shown


def _volume(each: VolumeMargin, change: DiskChange) -> str:
    parts = [
        f"{len(disks)} {state} ({disk_names(disks)})"
        for state, disks in (("lost", each.lost), ("unreachable", each.unreachable))
        if disks
    ]
    if each.unnamed:
        parts.append(f"{each.unnamed} unreachable (on disks that cannot be named)")
    counts = f"{', '.join(parts)}; " if parts else ""
    ends = f"{each.before} → {each.after}" if change is DiskChange.BROKEN else _can(each.after)
    return f"volume #{each.vid} ({each.mode}): {counts}{ends}"


def _can(left: int) -> str:
    if left < 0:
        return "has lost data"
    return f"can lose {count(left, 'more unit')}" if left else "can lose no more units"


def heartbeats_lost(fact: f.HeartbeatsLost) -> CheckText:
    """Disks have no heartbeat."""
    if fact.disks is None:
        return CheckText("It is not known how many disks have no heartbeat.", "Check with `/cm stat`.")
    verb = "has" if fact.disks == 1 else "have"
    head = f"{count(fact.disks, 'disk')} of these zones {verb} no heartbeat by the leader's counters"
    if not fact.inferred:
        return CheckText(
            f"{head}, and no call names {'it' if fact.disks == 1 else 'them'}. {_COUNTED_BY_HEALTH} {_LOST_ONLY}",
            "Bring the host back first.",
        )
    unnamed = fact.disks - len(fact.inferred)
    rest = f" {count(unnamed, 'more disk')} cannot be named. {_COUNTED_BY_HEALTH}" if unnamed > 0 else ""
    return CheckText(
        f"{head}; inferred from the health of the volumes: {disk_names(fact.inferred)}.{rest} {_LOST_ONLY}",
        "Bring the host back first.",
    )


_COUNTED_BY_HEALTH = (
    "Units there are counted as unreachable if the health of their volume shows that they are missing, and not before."
)
_LOST_ONLY = "What a volume can lose counts lost units only: unreachable ones may come back."


def margins_smaller(fact: f.MarginsSmaller) -> CheckText:
    """Fresh blobs may lack shards."""
    if fact.hindered is not None:
        return CheckText(_smaller(_HINDERED[fact.hindered], fact.units), "See why with `/cm tasks`.")
    state = {"": "It is not known if `shard_repair` is on", "off": "`shard_repair` is off"}.get(
        fact.meaning, f"The stored value of `shard_repair` is {fact.meaning}"
    )
    return CheckText(
        _smaller(state, fact.units),
        "Turn it on: `/cm task enable shard_repair`." if fact.meaning else "Check with `/cm tasks`.",
    )


_HINDERED: Mapping[TaskHindrance, str] = MappingProxyType(
    {
        TaskHindrance.NOT_REGISTERED: "`shard_repair` is on, but no scheduler is registered",
        TaskHindrance.SILENT: "`shard_repair` is on, but no scheduler answers",
        TaskHindrance.FAILING: "`shard_repair` fails",
    }
)


def _smaller(state: str, units: int) -> str:
    lacking = f"new blobs may already lack up to {count(units, 'unit')}"
    return f"{state}: {lacking}, so each margin may be smaller by that."


def room_in_zones(fact: f.RoomInZones) -> CheckText:
    """Room in the zones."""
    rooms = " ".join(_room(room, fact.reserve_percent) for room in fact.zones) or "No zone is concerned."
    if all(is_roomy(room, fact.reserve_percent) for room in fact.zones):
        return CheckText(rooms)
    return CheckText(
        rooms, "Add disks to the zone, make read-only disks writable, or wait until others are repaired or dropped."
    )


def _room(room: ZoneRoom, reserve: int) -> str:
    zone = f"Zone {clip(room.zone, _MAX_ZONE)}" if room.zone else "The zone without a name"
    margin = wanted(room, reserve) - room.chunks - room.others
    others = f" + {room.others:,} of other disks that move" if room.others else ""
    need = f"{room.chunks:,} to move{others} + {margin:,} in reserve ({reserve} %) = {wanted(room, reserve):,}"
    silent = f", {room.sure:,} without {count(room.silent, 'disk')} that may have no heartbeat" if room.silent else ""
    text = (
        f"{zone} needs {count(wanted(room, reserve), 'free chunk')}: {need}. "
        f"It has {room.free:,} on {count(room.disks, 'good disk')}{silent}."
    )
    if room.free < room.chunks:
        return f"{zone} has fewer free chunks than must move. {text}"
    if room.free_bytes < room.used_bytes * (100 + reserve) // 100:
        lacks = f"{size(room.free_bytes)} free on its good disks for {size(room.used_bytes)} of data"
        reserved = f" and {reserve} % in reserve" if room.free_bytes >= room.used_bytes else ""
        return f"{zone} has too little space: {lacks}{reserved}. {text}"
    return text


def units_without_place(fact: f.UnitsWithoutPlace) -> CheckText:
    """Units find no disk."""
    have = "has" if fact.volumes == 1 else "have"
    more = fact.volumes - len(fact.some)
    some = listed([*(f"#{vid}" for vid in fact.some), *((f"{more:,} more",) if more > 0 else ())])
    return CheckText(
        f"{count(fact.volumes, 'volume')} {have} a unit to move that finds no place ({some}): the work would not end. "
        "A good disk of the zone takes one unit of a volume, and none if it has no free chunk or has a unit of it.",
        "Add disks to the zone, or make read-only disks that have free chunks writable.",
    )
