"""The units left on disks that are repaired or dropped: one count for every sentence that says if one may be pulled.

No I/O.
"""

from collections.abc import Iterable

from bot.alerting.details import UnitsLeft
from bot.alerting.rules.base import RuleContext

MAX_VOLUMES = 10
"""Volumes that are named of each disk that is not empty."""


def units_left(context: RuleContext, disk: int) -> UnitsLeft | None:
    """The newest count of the units on a disk, with its first volumes as far as known; None if there is none.

    No unit is proof only for a disk whose state is listed: servers answer an empty list for a disk that
    they do not know. Of two counts of the same time the greater one holds.
    """
    survey, chunks = context.snapshot.volumes, context.snapshot.chunks or {}
    found: list[tuple[float, UnitsLeft]] = []
    if survey is not None and disk in survey.units:
        count = survey.units[disk]
        named = tuple(sorted(count.volumes)[:MAX_VOLUMES])
        found.append((count.at, UnitsLeft(disk, count.units, named, len(count.volumes))))
    if disk in chunks:
        found.append((context.snapshot.at, UnitsLeft(disk, chunks[disk])))
    found += [
        (note.counted_at, UnitsLeft(disk, note.units))
        for note in context.state.lost_disks
        if note.id == disk and note.gone_since and note.units is not None
    ]
    listed = survey is None or disk in survey.disks.known
    usable = [each for each in found if each[1].units or listed]
    return max(usable, key=lambda each: (each[0], each[1].units, each[1].total), default=(0.0, None))[1]


def held_disks(context: RuleContext, disks: Iterable[int]) -> tuple[UnitsLeft, ...]:
    """Those of the disks that hold units by the newest count."""
    counts = (units_left(context, disk) for disk in disks)
    return tuple(count for count in counts if count is not None and count.units)
