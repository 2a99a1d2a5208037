"""Fingerprint: the state of a cluster that an approval is bound to. No I/O."""

from bot.common.frozen import frozen


@frozen
class Fingerprint:
    """State when a card was shown; peers are ids in rising order, 0 means "none known".

    `task`, `value` (raw, None: unset or not read) and `dialect` are set for switches only; `bad_disks` counts disks
    that are broken or repairing, None when that is not known. For a change of disks `disk_ids` are the disks,
    `disk_states` their states on the wire, `readonly` the ids of those that are read-only, `dropping` of those that
    are being dropped, and `least_left` is the smallest number of units that a volume on them can lose (None: no volume,
    or not known).
    """

    leader: int = 0
    term: int = 0
    voters: tuple[int, ...] = ()
    learners: tuple[int, ...] = ()
    healthy: tuple[int, ...] = ()
    transferee: int = 0
    task: str = ""
    value: str | None = None
    meaning: str = ""
    dialect: str = ""
    bad_disks: int | None = None
    disk_ids: tuple[int, ...] = ()
    disk_states: tuple[int, ...] = ()
    readonly: tuple[int, ...] = ()
    dropping: tuple[int, ...] = ()
    least_left: int | None = None
