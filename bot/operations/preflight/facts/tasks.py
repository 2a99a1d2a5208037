"""Facts of background tasks and their switches."""

from enum import StrEnum

from bot.clustermgr.tasks import DialectEvidence
from bot.common.frozen import frozen
from bot.operations.preflight.verdict import Fact


@frozen
class DialectKnown(Fact):
    """The dialect of the cluster's switches; `evidence` says how it was detected."""

    dialect: str
    evidence: DialectEvidence | None


@frozen
class DialectUnknown(Fact):
    """The dialect of the cluster's switches is not known; `evidence` says why."""

    task: str
    evidence: DialectEvidence | None


@frozen
class ValueUnread(Fact):
    """The stored value could not be read; `why` is the error, as recorded."""

    task: str
    why: str


@frozen
class AlreadySo(Fact):
    """The switch already is as requested; `meaning` is that of its stored value."""

    task: str
    meaning: str


@frozen
class ValueIs(Fact):
    """The meaning of the stored value: on, off or unset."""

    task: str
    meaning: str


@frozen
class ValueMeaningless(Fact):
    """The stored value has no meaning; `off` is True if services treat it as off, else they keep their value."""

    task: str
    raw: str | None
    off: bool


@frozen
class DisksUnknown(Fact):
    """It is not known if disks are broken."""


@frozen
class DisksFine(Fact):
    """No disk is broken or repairing."""


@frozen
class RepairStops(Fact):
    """Disks are broken or repairing, and the switch stops their repair."""

    disks: int


@frozen
class RepairSlows(Fact):
    """Disks are broken or repairing, and the switch starts work that slows down their repair."""

    disks: int


class TaskEffect(StrEnum):
    """Consequence of a task's new value for the data."""

    DISKS_NOT_REPAIRED = "disks_not_repaired"
    BLOBS_ERASED = "blobs_erased"
    BLOBS_KEPT = "blobs_kept"
    SHARD_BLOBS_ERASED = "shard_blobs_erased"
    SHARD_BLOBS_KEPT = "shard_blobs_kept"
    SHARDS_NOT_REPAIRED = "shards_not_repaired"
    SHARD_DISKS_NOT_REPAIRED = "shard_disks_not_repaired"
    VOLUMES_NOT_INSPECTED = "volumes_not_inspected"
    VOLUMES_INSPECTED = "volumes_inspected"
    DATA_NOT_INSPECTED = "data_not_inspected"
    DATA_INSPECTED = "data_inspected"
    DISKS_NOT_BALANCED = "disks_not_balanced"
    DISKS_BALANCED = "disks_balanced"
    DISKS_NOT_DROPPED = "disks_not_dropped"
    DISKS_DROPPED = "disks_dropped"


@frozen
class Consequence(Fact):
    """The consequence of the switch for the data."""

    effect: TaskEffect
