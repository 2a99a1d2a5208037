"""Volume notes: what the reader of volumes keeps between polls, and what follows from it. No I/O.

A poll without news must cost next to nothing, so everything that follows from the notes is kept until they change.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.clustermgr.volume_survey import PlacedVolume, SuspectDisks, UnitCount, VolumeSurvey, same

MAX_IDS = 200_000
"""Limit of the ids of volumes on all disks that are kept: a server may list any number of units on each."""


@dataclass(slots=True)
class VolumeNotes:
    """Units by disk, and the volumes on disks that are not safe; a mapping that was handed out never changes.

    `stale` are volumes whose unit has left a disk or has landed on one since they were read. `unkept` are disks whose
    units are counted, but whose volumes are too many to keep: the largest lists go first.
    """

    counted: Mapping[int, UnitCount] = field(default_factory=dict)
    volumes: Mapping[int, PlacedVolume] = field(default_factory=dict)
    stale: set[int] = field(default_factory=set)
    suspects: frozenset[int] = frozenset()
    unkept: frozenset[int] = frozenset()
    _units: dict[int, frozenset[int]] = field(default_factory=dict)
    _memo: dict[Hashable, Any] = field(default_factory=dict)
    _wanted: Counter[int] | None = None
    _missing: frozenset[int] | None = None
    _ids: dict[int, int] = field(default_factory=dict)
    _unpruned: bool = False
    _shared_at: dict[int, int] = field(default_factory=dict)
    """Number of volumes that were known when the ids of a disk's volumes were made one object with theirs."""

    def keep(self, suspects: frozenset[int]) -> None:
        """Forget disks that are safe now, and volumes without a unit on a disk that is not safe."""
        if suspects == self.suspects:
            return
        self.suspects, self.unkept = suspects, self.unkept & suspects
        self._units = {disk: vids for disk, vids in self._units.items() if disk in suspects}
        self._shared_at = {disk: known for disk, known in self._shared_at.items() if disk in suspects}
        self.counted = {disk: count for disk, count in self.counted.items() if disk in suspects}
        self._wanted = self._missing = None
        self._prune()

    def note_units(self, disk: int, vids: frozenset[int], units: int, now: float) -> None:
        """Note the volumes with a unit on a disk, and the number of these units."""
        before, known = self._units.get(disk), len(self.volumes)
        if before is not None and vids == before and self._shared_at.get(disk) == known:
            self.counted = {**self.counted, disk: UnitCount(units, now, before)}
            return
        if disk in self._without_room(disk, len(vids)):
            self.counted = {**self.counted, disk: UnitCount(units, now)}
            return
        self._shared_at[disk] = known
        # One object for each volume id, as for disks; a copy of a set takes half of what a set takes that has grown.
        vids = frozenset({self.volumes[vid].vid if vid in self.volumes else vid for vid in vids})
        self.counted = {**self.counted, disk: UnitCount(units, now, vids)}
        self._units[disk] = vids
        if vids == before:
            return
        self._wanted = self._missing = None
        if before is None:
            before = frozenset(vid for vid, volume in self.volumes.items() if disk in volume.disks)
        moved = (vids ^ before) & self.volumes.keys()
        self.stale |= {vid for vid in moved if (disk in self.volumes[vid].disks) is not (vid in vids)}

    def _without_room(self, disk: int, number: int) -> frozenset[int]:
        """Make room for so many volumes of a disk; returns the disks whose volumes are not kept any more."""
        sizes = {each: len(vids) for each, vids in self._units.items()} | {disk: number}
        total, dropped = sum(sizes.values()), set[int]()
        while total > MAX_IDS:
            largest = max(sizes, key=lambda each: (sizes[each], each))
            total -= sizes.pop(largest)
            dropped.add(largest)
        for each in dropped & self._units.keys():
            del self._units[each]
            self._wanted = self._missing = None
            if each in self.counted:
                self.counted = {**self.counted, each: replace(self.counted[each], volumes=frozenset())}
        self._shared_at = {each: at for each, at in self._shared_at.items() if each not in dropped}
        self.unkept = (self.unkept - {disk}) | dropped
        return frozenset(dropped)

    def uncount(self, disks: Iterable[int]) -> None:
        """Forget the counts of disks: they prove nothing any more."""
        gone = set(disks)
        self.counted = {disk: count for disk, count in self.counted.items() if disk not in gone}

    def put(self, found: Iterable[PlacedVolume], useless: Iterable[int] = ()) -> None:
        """Note volumes as read now; the answer to `useless` ones proves nothing: what a unit list names is missing."""
        added = {volume.vid: self._shared(volume) for volume in found}
        known = self.volumes
        left = set(useless) & known.keys()
        self.stale -= added.keys() | set(useless)
        if not added and not left:
            return
        self.volumes = {**known, **added}
        if left:
            self.volumes = {vid: volume for vid, volume in self.volumes.items() if vid not in left}
        self._missing = None
        if left or any(vid not in known or not same(known[vid], volume) for vid, volume in added.items()):
            self._unpruned, self._memo = True, {}

    @property
    def wanted(self) -> Counter[int]:
        """The volumes with a unit on a suspect disk, with the number of those disks."""
        if self._wanted is None:
            self._wanted = Counter(vid for vids in self._units.values() for vid in vids)
        return self._wanted

    @property
    def missing(self) -> frozenset[int]:
        """The volumes on a suspect disk that are not read."""
        if self._missing is None:
            self._missing = frozenset(self.wanted.keys() - self.volumes.keys())
        return self._missing

    def survey(self, disks: SuspectDisks, *, listing: bool, read_at: float) -> VolumeSurvey:
        """What is known now; `listing` is True while pages are read."""
        if self._unpruned:
            self._prune()
        pending = tuple(sorted((self.suspects - self.counted.keys()) | self.unkept))
        # A volume that has lost or won a unit on these disks is not judged before it is read again.
        missing = None if listing else len(self.missing) + len(self.stale)
        # Counted again when it is needed: it is large, and most polls need it no more.
        self._wanted = None
        return VolumeSurvey(disks, self.volumes, self.counted, pending, missing, read_at, memo=self._memo)

    def _shared(self, volume: PlacedVolume) -> PlacedVolume:
        """The volume with one object for each id: an id takes 32 bytes, and each disk has many units."""
        old = self.volumes.get(volume.vid)
        if old is not None and old.disks == volume.disks:
            return PlacedVolume(old.vid, volume.code_mode, volume.health_score, old.disks, volume.at)
        disks = tuple([self._ids.setdefault(disk, disk) for disk in volume.disks])
        return PlacedVolume(old.vid if old else volume.vid, volume.code_mode, volume.health_score, disks, volume.at)

    def _prune(self) -> None:
        """Forget volumes without a unit on a suspect disk."""
        wanted, before = self.wanted, len(self.volumes)
        self.volumes = {
            vid: volume
            for vid, volume in self.volumes.items()
            if vid in wanted or not self.suspects.isdisjoint(volume.disks)
        }
        self._unpruned = False
        if len(self.volumes) == before:
            return
        self.stale &= self.volumes.keys()
        self._missing, self._memo = None, {}
        if not self.volumes:
            self._ids = {}
