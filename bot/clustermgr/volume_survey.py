"""Volumes as the watch keeps them: where their units are, and what is not read yet. No I/O."""

from collections.abc import Hashable, Mapping
from dataclasses import field
from typing import Any

from bot.clustermgr.code_modes import CodeMode, mode_of
from bot.clustermgr.dashboard import Dashboard
from bot.clustermgr.wire import Others
from bot.common.frozen import frozen


@frozen
class PlacedVolume:
    """A volume as it is kept: the disks of its units in the order of their indexes; read at `at` (Unix seconds)."""

    vid: int
    code_mode: int
    health_score: int
    disks: tuple[int, ...]
    at: float = 0.0

    def mode(self, extended: tuple[CodeMode, ...] = ()) -> CodeMode | None:
        """Its code mode, of those that users defined too; None if it is not known."""
        return mode_of(self.code_mode, len(self.disks), extended)


def same(one: PlacedVolume, other: PlacedVolume) -> bool:
    """True if nothing but the time of the reading differs."""
    return (one.disks, one.health_score, one.code_mode) == (other.disks, other.health_score, other.code_mode)


@frozen
class UnitCount:
    """Number of units on a disk, the volumes that they belong to, and when they were read (Unix seconds)."""

    units: int
    at: float
    volumes: frozenset[int] = frozenset()


@frozen
class SuspectDisks:
    """Disks whose units are not safe or move, by id.

    `bad` are broken or repairing, `gone` are listed as repaired or dropped, `dropping` are being dropped. `readonly`
    disks only take no writes. `unknown` are in a state of a later release. `listed` is False while the disk list was
    not read lately, or lacks `missing` disks that it had before: `gone` and `unknown` are not known then.
    `expired` are named by the cluster's dashboard as without a heartbeat; most releases name none.
    """

    bad: frozenset[int] = frozenset()
    dropping: frozenset[int] = frozenset()
    gone: frozenset[int] = frozenset()
    readonly: frozenset[int] = frozenset()
    listed: bool = True
    expired: frozenset[int] = frozenset()
    unknown: frozenset[int] = frozenset()
    missing: int = 0

    @property
    def known(self) -> frozenset[int]:
        """The disks whose state explains that a unit cannot be written."""
        return self.lost | self.dropping | self.readonly | self.expired | self.unknown

    @property
    def unsafe(self) -> frozenset[int]:
        """The disks whose units are lost, unreachable or moving."""
        return self.bad | self.dropping | self.expired | self.unknown

    @property
    def lost(self) -> frozenset[int]:
        """The disks whose units are lost."""
        return self.bad | self.gone


def unexplained(volume: PlacedVolume, disks: SuspectDisks) -> int:
    """Number of units that the health score says cannot be written and no known disk state explains.

    The score is minus the number of units that cannot be written; a compaction takes one too, so this number is a
    hint and no proof (recorded exchanges: data_compact, data_expired).
    """
    if volume.health_score >= 0:
        return 0
    known = disks.known
    explained = sum(disk in known for disk in volume.disks)
    return max(0, -volume.health_score - explained)


@frozen
class StaleReads:
    """Disks and volumes that were read, but not again for a few times as long as they should be.

    `disks` are those whose units are meant (ids), `volumes` their number (None: not counted). `since` is the time of
    the oldest of these reads (Unix seconds, 0: nothing is stale).
    """

    disks: tuple[int, ...] = ()
    volumes: int | None = 0
    since: float = 0.0


@frozen
class VolumeSurvey:
    """The volumes with a unit on a disk that is not safe, as last read.

    While disks have lost their heartbeat, it also has volumes whose health no known disk explains; `sound` are the
    disks that hold a volume without such a unit, so that they have their heartbeat. `doubtful` are the normal, writable
    disks without a volume whose units can all be written (None: not known now).

    `units` are the units left on each of these disks. `pending_disks` are the disks whose units were not read yet,
    `pending_volumes` is the number of volumes not read yet (None while pages are read: their number is not known).
    `stale` was read too long ago. While anything is pending or stale, a volume that is not listed is not known to be
    safe. `read_at` is the time of the last read, `as_of` that of the oldest one that counts (Unix seconds, 0: none).
    `in_use` are the disks that the current whole list has as normal (empty without such a list).
    `gone_as_of` is that of the oldest count of disks that were repaired or dropped long ago: they are counted once a
    day. `dashboard` is what the cluster says itself, None where a release has no such call.
    """

    disks: SuspectDisks
    volumes: Mapping[int, PlacedVolume]
    units: Mapping[int, UnitCount]
    pending_disks: tuple[int, ...] = ()
    pending_volumes: int | None = 0
    read_at: float = 0.0
    dashboard: Dashboard | None = None
    sound: frozenset[int] = frozenset()
    extended: tuple[CodeMode, ...] = ()
    """The code modes that users defined, as far as they were read."""
    others: Others = ()
    """Fields of a volume that cmbot does not know, as the last volume with such a field had them."""
    doubtful: frozenset[int] | None = None
    stale: StaleReads = StaleReads()
    as_of: float = 0.0
    gone_as_of: float = 0.0
    in_use: frozenset[int] = frozenset()
    changed_at: float = 0.0
    """When the number of disks without a heartbeat changed last (Unix seconds): an older read names none of them."""
    memo: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)
    """What was computed from these volumes; later surveys share it for as long as no volume changes."""

    @property
    def known(self) -> bool:
        """True if anything was read at all."""
        return bool(self.read_at)

    @property
    def complete(self) -> bool:
        """True if every unit list and every volume was read, and none of them too long ago."""
        pending = self.pending_disks or self.pending_volumes != 0
        return self.known and self.disks.listed and not pending and not self.stale.since

    def no_nearer(self, before: "VolumeSurvey") -> bool:
        """True if as much is pending or stale as before: a host that refuses a part will refuse it again."""
        (disks, volumes), (disks_before, volumes_before) = self.unread, before.unread
        if volumes is None or volumes_before is None:
            return False
        return disks >= disks_before and volumes >= volumes_before

    @property
    def unread(self) -> tuple[int, int | None]:
        """Number of disks and of volumes that are pending or stale."""
        pending, stale = self.pending_volumes, self.stale.volumes
        volumes = None if pending is None or stale is None else pending + stale
        return len(self.pending_disks) + len(self.stale.disks), volumes
