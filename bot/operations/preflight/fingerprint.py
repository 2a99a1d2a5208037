"""Fingerprint: the state of a cluster that an approval is bound to. No I/O."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """State when a card was shown; peers are ids in rising order, 0 means "none known".

    `task`, `value` (raw, None: unset or not read) and `dialect` are set for switches only; `bad_disks` counts disks
    that are broken or repairing, None when that is not known.
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
