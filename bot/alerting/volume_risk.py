"""Risk of volumes: the units that each has lost, cannot reach or moves, and how many more it can lose. No I/O.

The three counts are never mixed. A unit is *lost* on a disk that is broken or repairing, or that is listed as repaired
or dropped although the unit is still on it. It is *unreachable* on a disk that lost its heartbeat: a host that restarts
brings it back. It *moves* on a disk that is being dropped and is otherwise healthy, which loses nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from bot.clustermgr.code_modes import CODE_MODES, CodeMode
from bot.clustermgr.volume_survey import PlacedVolume, SuspectDisks, VolumeSurvey


class RiskLevel(IntEnum):
    """How near a volume is to losing data, the worst last."""

    NONE = 0
    REDUCED = 1
    """Units are lost; two or more can be lost yet."""
    ONE_LEFT = 2
    """It can lose one more unit."""
    UNKNOWN = 3
    """Units are lost, and its code mode is not known, so neither is what it can lose."""
    NONE_LEFT = 4
    """The next lost unit loses data."""
    LOST = 5
    """More units are lost than the code mode tolerates."""


@dataclass(frozen=True, slots=True)
class VolumeRisk:
    """The units of one volume that are not safe, by the ids of their disks.

    Only units that the code mode counts: local parity is left out. `mode` is None for an unknown code mode: nothing is
    known of what it tolerates.
    """

    vid: int
    mode_id: int
    mode: CodeMode | None
    lost: tuple[int, ...] = ()
    unreachable: tuple[int, ...] = ()
    moving: tuple[int, ...] = ()

    @property
    def left(self) -> int | None:
        """Number of units that can be lost yet; negative if data is lost, None for an unknown code mode."""
        return None if self.mode is None else self.mode.tolerated - len(self.lost)

    @property
    def left_if_unreachable_stay(self) -> int | None:
        """Number of units that can be lost yet if the unreachable ones do not come back."""
        return None if self.left is None else self.left - len(self.unreachable)

    @property
    def level(self) -> RiskLevel:
        """Level by the lost units alone."""
        if not self.lost:
            return RiskLevel.NONE
        if self.left is None:
            return RiskLevel.UNKNOWN
        if self.left < 0:
            return RiskLevel.LOST
        return {0: RiskLevel.NONE_LEFT, 1: RiskLevel.ONE_LEFT}.get(self.left, RiskLevel.REDUCED)


def volume_risk(volume: PlacedVolume, disks: SuspectDisks, expired: frozenset[int] = frozenset()) -> VolumeRisk:
    """Count the units of one volume on disks that are not safe; `expired` have probably lost their heartbeat too."""
    mode = CODE_MODES.get(volume.code_mode)
    counted = volume.disks if mode is None else volume.disks[: mode.counted]
    gone, away = disks.lost, expired | disks.expired
    lost = tuple(disk for disk in counted if disk in gone)
    unreachable = tuple(disk for disk in counted if disk in away and disk not in gone)
    moving = tuple(disk for disk in counted if disk in disks.dropping and disk not in gone and disk not in away)
    return VolumeRisk(volume.vid, volume.code_mode, mode, lost, unreachable, moving)


def unexplained(volume: PlacedVolume, disks: SuspectDisks) -> int:
    """Number of units that the health score says cannot be written and no known disk state explains.

    The score is minus the number of units that cannot be written; a compaction takes one too, so this number is a
    hint and no proof (recorded exchanges: data_compact, data_expired).
    """
    known = disks.lost | disks.dropping | disks.readonly | disks.expired
    explained = sum(disk in known for disk in volume.disks)
    return max(0, -volume.health_score - explained)


def infer_expired(volumes: Iterable[PlacedVolume], disks: SuspectDisks) -> frozenset[int]:
    """Disks that have probably lost their heartbeat: no call names them.

    A disk without a heartbeat makes every volume on it less healthy. So a disk is inferred if each of its given volumes
    has an unexplained unit, and at least one of them has no other disk left that could explain it.
    """
    known = disks.lost | disks.dropping | disks.readonly | disks.expired
    missing: dict[int, int] = {}
    volumes_of: dict[int, list[int]] = defaultdict(list)
    disks_of: dict[int, list[int]] = {}
    for volume in volumes:
        missing[volume.vid] = unexplained(volume, disks)
        disks_of[volume.vid] = [disk for disk in volume.disks if disk not in known]
        for disk in disks_of[volume.vid]:
            volumes_of[disk].append(volume.vid)
    candidates = {disk for disk, vids in volumes_of.items() if all(missing[vid] for vid in vids)}
    inferred: set[int] = set()
    for vid, count in missing.items():
        possible = [disk for disk in disks_of[vid] if disk in candidates]
        if count and len(possible) <= count:
            inferred.update(possible)
    return frozenset(inferred)


def at_risk(risks: Iterable[VolumeRisk]) -> tuple[VolumeRisk, ...]:
    """The volumes with units that are lost or unreachable, the worst first."""
    found = [risk for risk in risks if risk.lost or risk.unreachable]
    return tuple(sorted(found, key=_worst_first))


def _worst_first(risk: VolumeRisk) -> tuple[int, int, int, int]:
    with_unreachable = risk.left_if_unreachable_stay
    return (-risk.level, -1 if with_unreachable is None else with_unreachable, -len(risk.lost), risk.vid)


def affected(risks: Iterable[VolumeRisk], disks: Collection[int]) -> tuple[VolumeRisk, ...]:
    """The volumes with a unit on one of these disks that is not safe there, the worst first."""
    wanted = set(disks)
    found = [risk for risk in risks if wanted.intersection((*risk.lost, *risk.unreachable, *risk.moving))]
    return tuple(sorted(found, key=_worst_first))


def by_level(risks: Iterable[VolumeRisk]) -> Mapping[RiskLevel, int]:
    """Number of volumes at each level."""
    found = dict.fromkeys(RiskLevel, 0)
    for risk in risks:
        found[risk.level] += 1
    return found


def risks_of(survey: VolumeSurvey, expired_disks: int) -> tuple[VolumeRisk, ...]:
    """The risk of each volume that is read, the worst first.

    `expired_disks` is the number of disks without a heartbeat by the leader's counters: if it is 0, none is inferred,
    because a compaction lowers the health of a volume too.
    """
    expired = infer_expired(survey.volumes.values(), survey.disks) if expired_disks else frozenset()
    found = (volume_risk(volume, survey.disks, expired) for volume in survey.volumes.values())
    return tuple(sorted(found, key=_worst_first))


def unwritten(risks: Iterable[VolumeRisk]) -> int:
    """Number of units by which these margins may be smaller while missing shards are not rebuilt."""
    return max((risk.mode.unwritten for risk in risks if risk.mode is not None and risk.lost), default=0)
