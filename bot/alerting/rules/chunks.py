"""The chunks of a zone that volumes can use: those of disks that take no new ones do not count. No I/O."""

from collections.abc import Iterable, Mapping, Sequence

from bot.clustermgr.models import Disk, ZoneChunks, ZoneDisks
from bot.common.frozen import frozen

LISTED_FOR = 900.0
"""Seconds for which a count from the disk list holds; it is made about every five minutes."""


@frozen
class Chunks:
    """Free and all chunks."""

    free: int
    total: int

    @property
    def share(self) -> float:
        """Percent that is free, 0 without any chunk."""
        return 100 * self.free / self.total if self.total > 0 else 0.0


@frozen
class Zones:
    """The chunks as last counted from the disk list, by zone; empty when that is not known or too old."""

    listed: Mapping[str, Chunks]

    def usable(self, zone: ZoneDisks, bad: Sequence[Disk] | None) -> Chunks | None:
        """The usable chunks of a zone: from the disk list, else the leader's counters without those on bad disks.

        None when neither is known: the counters include bad disks that could not be listed.
        """
        if zone.idc in self.listed:
            return self.listed[zone.idc]
        if bad is None and zone.broken + zone.repairing > 0:
            return None
        return usable_chunks(zone, bad or ())

    def present(self, zone: ZoneDisks) -> bool:
        """True unless every disk of a zone is repaired or dropped: such a zone is none any more."""
        if self.listed:
            return zone.idc in self.listed
        return not 0 < zone.total <= zone.repaired + zone.dropped


NOT_LISTED = Zones({})


def zones_of(listed: Iterable[ZoneChunks], at: float, now: float) -> Zones:
    """The chunks as counted `at` that time, as far as it holds `now` (Unix seconds)."""
    return Zones({zone.idc: Chunks(zone.free, zone.total) for zone in listed} if now - at <= LISTED_FOR else {})


def usable_chunks(zone: ZoneDisks, bad: Iterable[Disk]) -> Chunks:
    """The leader's counters of a zone without the chunks of its bad disks, which those counters include."""
    there = [disk for disk in bad if disk.idc == zone.idc]
    free = zone.total_free_chunk - sum(max(0, disk.free_chunk_cnt) for disk in there)
    total = zone.total_chunk - sum(max(0, disk.max_chunk_cnt) for disk in there)
    return Chunks(max(0, free), max(0, total))
