"""Drops of disks as the watch notes them: when each was first seen, which operation began it, when it ended. No I/O."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

KEPT_SECONDS = 3600.0
"""Time for which the end of a drop is kept: its units are counted meanwhile."""
MAX_DROPS = 200


@dataclass(frozen=True, slots=True)
class DiskDrop:
    """A drop that began, seen at `at`; `before_at` is the last list of dropping disks without the disk.

    `op` is the operation that began it (0: none), `approved` who approved that (Slack user ids, a space between).
    `ended_at` is when the disk was no longer listed as dropping (0: it is).
    """

    at: float
    disk: int
    before_at: float
    op: int = 0
    approved: str = ""
    ended_at: float = 0.0


def disk_drops(
    old: Sequence[DiskDrop], listed_before: Collection[int], dropping: Collection[int], *, at: float, before_at: float
) -> tuple[DiskDrop, ...]:
    """The drops after a list of dropping disks (ids); a disk of the first list of a cluster has none.

    `listed_before` are the disks of the list before, read at `before_at` (0: there was none).
    """
    listed = set(dropping)
    kept = [each if each.disk in listed or each.ended_at else replace(each, ended_at=at) for each in old]
    # A disk that is dropped a second time has a new drop.
    kept = [
        each for each in kept if not each.ended_at or (each.disk not in listed and at - each.ended_at < KEPT_SECONDS)
    ]
    if not before_at:
        return tuple(kept)
    known = {each.disk for each in kept} | set(listed_before)
    new = (DiskDrop(at, disk, before_at) for disk in sorted(listed - known))
    return (*kept, *new)[-MAX_DROPS:]
