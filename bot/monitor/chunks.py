"""The chunks of a zone that volumes can use: those of broken and repairing disks do not count. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.cluster.models import Disk, ZoneDisks


@dataclass(frozen=True, slots=True)
class Chunks:
    """Free and all chunks."""

    free: int
    total: int

    @property
    def share(self) -> float:
        """Percent that is free, 0 without any chunk."""
        return 100 * self.free / self.total if self.total > 0 else 0.0


def usable_chunks(zone: ZoneDisks, bad: Iterable[Disk]) -> Chunks:
    """The leader's counters of a zone without the chunks of its bad disks, which those counters include."""
    there = [disk for disk in bad if disk.idc == zone.idc]
    free = zone.total_free_chunk - sum(max(0, disk.free_chunk_cnt) for disk in there)
    total = zone.total_chunk - sum(max(0, disk.max_chunk_cnt) for disk in there)
    return Chunks(max(0, free), max(0, total))
