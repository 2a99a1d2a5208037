"""Checks of the volumes on disks that are changed: the units that each can lose, now and afterwards. No I/O.

A dropped disk is read until its last unit has moved, so taking it offline loses no unit. A disk that is declared
broken loses all its units at once. Margins are those of `bot.alerting.volume_risk`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bot.alerting.cluster_state.background import BackgroundNote, TaskHindrance, hindrance, noted
from bot.alerting.volume_risk import VolumeRisk, infer_expired, silent_by_the_watch, unnamed_units, volume_risk
from bot.clustermgr.disk_facts import DiskFacts
from bot.clustermgr.volume_survey import PlacedVolume, SuspectDisks
from bot.operations.preflight.facts import disks as f
from bot.operations.preflight.facts.disks import DiskChange, MarginGroup, VolumeMargin
from bot.operations.preflight.verdict import Check, Fact, block, passed, warn

MAX_NAMED = 8
"""Limit of volumes that one check names."""
MAX_DISKS = 500
"""Limit of disks that one check stores by number; its words count those that they do not name."""
MAX_VIDS = 4000
"""Limit of volumes that the groups of one check store by number, those with the smallest margins first."""
MAX_GROUPS = 60
"""Limit of groups of margins in one check: the best ones are added up in the last."""
_SURE = frozenset({DiskChange.OFFLINE, DiskChange.BROKEN})
"""Changes that are refused where a margin is not known."""
ON = "on"


def margin_checks(
    change: DiskChange, targets: Sequence[int], known: DiskFacts, silent: frozenset[int]
) -> tuple[Check, ...]:
    """Check the volumes on these disks; a volume that was not read, or of an unknown code mode, is never safe.

    `silent` are the disks that have probably lost their heartbeat. Disks that are judged at their turn are named.
    """
    turns = _turns(targets, known)
    targets = tuple(disk for disk in targets if disk not in known.later)
    if turns is not None and not targets:
        return (turns,)
    units = {disk: known.units[disk] for disk in targets if disk in known.units}
    vids = {vuid >> 32 for vuids in units.values() for vuid in vuids}
    volumes = [volume for vid, volume in sorted(known.volumes.items()) if vid in vids]
    found = (
        turns,
        _unread(change, targets, len(vids), known),
        _unknown_modes(change, volumes, known),
        _margins(change, tuple(targets), sum(map(len, units.values())), volumes, known, silent),
        _heartbeats(targets, known, silent) if vids else None,
        _smaller(volumes, known),
    )
    return tuple(check for check in found if check is not None)


def least_left(targets: Sequence[int], known: DiskFacts) -> int | None:
    """Smallest number of units that a volume on these disks can lose now; None without a volume of a known mode."""
    suspects = known.suspects
    volumes = (volume for volume in known.volumes.values() if not set(targets).isdisjoint(volume.disks))
    lefts = [volume_risk(volume, suspects, extended=known.extended).left for volume in volumes]
    return min((left for left in lefts if left is not None), default=None)


def inferred_silent(known: DiskFacts) -> frozenset[int]:
    """Disks that have probably lost their heartbeat; none where the leader's counters say that none has."""
    if known.expired is not None and not any(known.expired.values()):
        return frozenset()
    named = silent_by_the_watch(known.survey, sum((known.expired or {}).values()))
    return named | infer_expired(known.volumes.values(), known.suspects, known.sound)


def without_vids(check: Check) -> Check:
    """Leave out the numbers of volumes in a check, which are many."""
    if not isinstance(check.fact, f.VolumeMargins):
        return check
    return replace(check, fact=replace(check.fact, groups=tuple(replace(each, vids=()) for each in check.fact.groups)))


def _level(change: DiskChange, key: str, fact: Fact, bound: str) -> Check:
    return block(key, fact, forceable=True, bound=bound) if change in _SURE else warn(key, fact, bound=bound)


def _turns(targets: Sequence[int], known: DiskFacts) -> Check | None:
    later = tuple(disk for disk in targets if disk in known.later)
    if not later:
        return None
    return warn("turns", f.JudgedInTurns(tuple(disk for disk in targets if disk not in known.later), later))


def _unread(change: DiskChange, targets: Sequence[int], volumes: int, known: DiskFacts) -> Check | None:
    lists = tuple(disk for disk in targets if disk not in known.units)
    listed = {disk.disk_id for disk in known.disks or ()}
    # A unit on a disk that is not in the list may be lost: its volume cannot be judged.
    strange = {vid for vid, volume in known.volumes.items() if not listed.issuperset(volume.disks)}
    unread = len({*known.unread, *strange})
    if not lists and not unread:
        return None
    return _level(change, "volumes_unread", f.VolumesUnread(lists, unread, max(volumes, unread)), f"{bool(lists)}")


def _unknown_modes(change: DiskChange, volumes: Sequence[PlacedVolume], known: DiskFacts) -> Check | None:
    modes = Counter(volume.code_mode for volume in volumes if volume.mode(known.extended) is None)
    if not modes:
        return None
    some = tuple(sorted(modes)[:MAX_DISKS])
    return _level(change, "code_modes", f.CodeModesUnknown(modes.total(), some), str(some))


def _margins(
    change: DiskChange,
    targets: tuple[int, ...],
    units: int,
    volumes: Sequence[PlacedVolume],
    known: DiskFacts,
    silent: frozenset[int],
) -> Check | None:
    now = known.suspects
    later = _after(now, targets) if change is DiskChange.BROKEN else now
    pairs: list[tuple[VolumeRisk, VolumeRisk]] = []
    for volume in volumes:
        # The health tells nothing of the change that is planned.
        unnamed = _unnamed(volume, known, silent)
        before, after = (
            replace(volume_risk(volume, disks, silent, known.extended), unnamed=unnamed) for disks in (now, later)
        )
        pairs.append((before, after))
    margins = [_margin(before, after) for before, after in pairs if after.left is not None and before.left is not None]
    unreadable = sum(_unreadable(after) for _, after in pairs)
    margins.sort(key=lambda margin: (margin.after - margin.away, margin.after, margin.before, margin.vid))
    breaking = tuple(
        sorted(known.breaking.intersection(disk for volume in volumes for disk in volume.disks))[:MAX_DISKS]
    )
    worst_ones = tuple(margins[:MAX_NAMED])
    numbers = tuple(sorted({known.changed_by[disk] for disk in breaking if disk in known.changed_by}))
    fact = f.VolumeMargins(change, targets, units, _groups(margins), worst_ones, unreadable, breaking, numbers)
    if not margins:
        return passed("volumes", fact) if all(disk in known.units for disk in targets) and not volumes else None
    worst = min(margin.after for margin in margins)
    bound = f"{min(margin.before for margin in margins)}>{worst}"
    return _judged(change, fact, worst, bound)


def _judged(change: DiskChange, fact: f.VolumeMargins, worst: int, bound: str) -> Check:
    if change is DiskChange.BROKEN and worst < 0:
        return block("volumes", fact, bound=bound)
    if worst <= 0 or fact.unreadable:
        bound = f"{bound}/{bool(fact.unreadable)}"
        return _level(change, "volumes", fact, bound)
    if worst == 1:
        return warn("volumes", fact, bound=bound)
    # The approver of a declared loss has weighed the margin; a drop loses nothing, so its margin may rise.
    return passed("volumes", fact, bound=bound if change is DiskChange.BROKEN else "")


def _after(now: SuspectDisks, targets: tuple[int, ...]) -> SuspectDisks:
    lost = frozenset(targets)
    return replace(now, bad=now.bad | lost, dropping=now.dropping - lost, readonly=now.readonly - lost)


def _margin(before: VolumeRisk, after: VolumeRisk) -> VolumeMargin:
    left = before.left, after.left
    if before.mode is None or left[0] is None or left[1] is None:
        raise AssertionError("a volume of an unknown code mode has no margin")
    return VolumeMargin(before.vid, before.mode.name, before.lost, before.unreachable, left[0], left[1], before.unnamed)


def _unreadable(risk: VolumeRisk) -> bool:
    left = risk.left_if_unreachable_stay
    return bool(risk.away) and left is not None and left < 0


def _unnamed(volume: PlacedVolume, known: DiskFacts, silent: frozenset[int]) -> int:
    """Number of units of a volume that are away on disks that cannot be named, by its health."""
    units = unnamed_units(volume, known.suspects, silent, known.sound, known.extended)
    return units if known.expired is None else min(units, max(0, sum(known.expired.values()) - len(silent)))


def _groups(margins: Sequence[VolumeMargin]) -> tuple[MarginGroup, ...]:
    found: dict[tuple[int, int], list[int]] = {}
    for margin in margins:
        found.setdefault((margin.after, margin.before), []).append(margin.vid)
    groups, room = [], MAX_VIDS
    for (after, before), vids in sorted(found.items()):
        groups.append(MarginGroup(before, after, len(vids), tuple(sorted(vids)[:room])))
        room -= len(groups[-1].vids)
    kept, rest = groups[: MAX_GROUPS - 1], groups[MAX_GROUPS - 1 :]
    if not rest:
        return tuple(groups)
    least = MarginGroup(min(g.before for g in rest), min(g.after for g in rest), sum(g.volumes for g in rest))
    return (*kept, least)


def _heartbeats(targets: Sequence[int], known: DiskFacts, silent: frozenset[int]) -> Check | None:
    """Warn of disks without a heartbeat in the zones of the volumes; no call names them."""
    if known.expired is None:
        return warn("heartbeats", f.HeartbeatsLost(None, ()))
    zones = {disk.idc for disk in known.disks or () if disk.disk_id in targets}
    held = {disk for volume in known.volumes.values() for disk in volume.disks}
    zones |= {disk.idc for disk in known.disks or () if disk.disk_id in held}
    number = sum(known.expired.get(zone, 0) for zone in zones)
    if not number:
        return None
    return warn("heartbeats", f.HeartbeatsLost(number, tuple(sorted(silent)[:MAX_DISKS])), bound=str(sorted(silent)))


def _smaller(volumes: Sequence[PlacedVolume], known: DiskFacts) -> Check | None:
    """Warn where fresh blobs may lack shards that nothing rebuilds."""
    switch = known.switches.get("shard_repair")
    meaning = switch.word if switch is not None else ""
    modes = {mode for volume in volumes if (mode := volume.mode(known.extended)) is not None}
    units = max((mode.unwritten for mode in modes), default=0)
    hindered = _hindered(known) if meaning == ON else None
    if not units or (meaning == ON and hindered is None):
        return None
    return warn("shard_repair", f.MarginsSmaller(units, meaning, hindered), bound=f"{meaning}{hindered or ''}")


def _hindered(known: DiskFacts) -> TaskHindrance | None:
    """Why `shard_repair` is not done although it is on, as far as the services and the schedulers say."""
    now = known.statistics.at if known.statistics else 1.0
    note = noted(BackgroundNote(), known.services, known.statistics, now)
    return hindrance(note, "shard_repair", now, dialect=known.dialect or "")
