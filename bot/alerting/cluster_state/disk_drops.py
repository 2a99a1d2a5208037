"""Drops of disks as the watch notes them: when each was first seen, which operation began it, when it ended. No I/O."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from bot.common.frozen import frozen

KEPT_SECONDS = 3600.0
"""Time for which the end of a drop is kept: its units are counted meanwhile."""
MAX_DROPS = 200
MAX_DISKS = 200
"""Disks of a list that are noted, those with the lowest ids: a longer list may have had others."""


@frozen
class DiskDrop:
    """A drop that began, seen at `at`; `before_at` is the last list of dropping disks without the disk.

    `op` is the operation that began it (0: none), `approved` who approved that (Slack user ids, a space between).
    `ended_at` is when its end was seen (0: it goes on): the disk was listed as dropped, or not as dropping in two
    lists in a row. One list without it proves nothing.
    """

    at: float
    disk: int
    before_at: float
    op: int = 0
    approved: str = ""
    ended_at: float = 0.0


def disk_drops(
    old: Sequence[DiskDrop],
    listed_before: Collection[int],
    dropping: Collection[int],
    *,
    at: float,
    before_at: float,
    earlier: Collection[int] = (),
    gone: Collection[int] = (),
) -> tuple[DiskDrop, ...]:
    """The drops after a list of dropping disks (ids); a disk of the first list of a cluster has none.

    `listed_before` are the noted disks of the list before, read at `before_at` (0: there was none), `earlier` those of
    the list before that one. `gone` are the disks that are known to be dropped.
    """
    listed = set(dropping)
    missing = {each.disk for each in old} - listed
    over = missing.intersection(gone) | _lacking(listed_before, missing)
    kept = [replace(each, ended_at=at) if each.disk in over and not each.ended_at else each for each in old]
    # A disk that is dropped a second time has a new drop.
    kept = [
        each for each in kept if not each.ended_at or (each.disk not in listed and at - each.ended_at < KEPT_SECONDS)
    ]
    if not before_at:
        return tuple(kept)
    unknown = _lacking(earlier, _lacking(listed_before, listed - {each.disk for each in kept}))
    new = (DiskDrop(at, disk, before_at) for disk in sorted(unknown))
    return (*kept, *new)[-MAX_DROPS:]


def _lacking(noted: Collection[int], disks: set[int]) -> set[int]:
    """Those of the disks that the list with these noted disks surely lacked."""
    lacking = disks.difference(noted)
    if len(noted) < MAX_DISKS:
        return lacking
    last = max(noted)
    return {disk for disk in lacking if disk < last}
