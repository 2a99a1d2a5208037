"""Facts of disks that are changed: their state, their volumes, the space for what moves, the work that moves it."""

from enum import StrEnum

from bot.alerting.cluster_state.background import TaskHindrance
from bot.common.frozen import frozen
from bot.operations.model import OpState
from bot.operations.preflight.verdict import Fact
from bot.operations.requests import OpKind


class DiskChange(StrEnum):
    """Change of disks that is checked."""

    READONLY = "readonly"
    WRITABLE = "writable"
    BROKEN = "broken"
    OFFLINE = "offline"
    NODE_DROP = "node_drop"


@frozen
class DiskSituation:
    """State of one disk; `status` is the number on the wire, `dropping` is None where that was not read."""

    disk: int
    status: int
    readonly: bool
    dropping: bool | None


@frozen
class DiskListUnread(Fact):
    """The disks of the cluster could not be read; `errors` are sentences, as recorded."""

    errors: tuple[str, ...]


@frozen
class DisksMissing(Fact):
    """The cluster does not know these disks."""

    disks: tuple[int, ...]


@frozen
class HostWithoutDisks(Fact):
    """No disk that is in use is on this blobnode: `host` is its address, `node` its id (one of them is set).

    `hosts` are those that have one.
    """

    host: str = ""
    node: int = 0
    hosts: tuple[str, ...] = ()


@frozen
class StateFits(Fact):
    """The server accepts the change in the present state of the disks."""

    change: DiskChange
    disks: tuple[DiskSituation, ...]


@frozen
class StateRefuses(Fact):
    """The change does not fit the state of these disks."""

    change: DiskChange
    disks: tuple[DiskSituation, ...]


@frozen
class DisksSkipped(Fact):
    """These disks of a node are left out: they are broken and repaired elsewhere, or have left already."""

    disks: tuple[DiskSituation, ...]


@frozen
class DisksAlready(Fact):
    """The disks are already as requested."""

    change: DiskChange
    disks: tuple[DiskSituation, ...]


@frozen
class DropNotCancelled(Fact):
    """The disk is being dropped, which cannot be cancelled; `accepted` is True if the release takes the call (v1)."""

    disk: int
    accepted: bool


@frozen
class BrokenWhileDropping(Fact):
    """The disk is being dropped, so it cannot be declared broken; `accepted` is True if this release does it (v1)."""

    disk: int
    accepted: bool


@frozen
class DroppingUnread(Fact):
    """It is not known which disks are being dropped."""


@frozen
class NodeDropMissing(Fact):
    """The release (v1) has no call that drops a node."""


@frozen
class VolumesUnread(Fact):
    """Some volumes were not read in time, so their margin is not known.

    `disks` are those whose list of units was not read at all; `volumes` is the number of unread volumes among `of`.
    """

    disks: tuple[int, ...]
    volumes: int
    of: int


@frozen
class JudgedInTurns(Fact):
    """Disks that are changed one after another: the volumes of `now` are judged now, those of `later` at their turn."""

    now: tuple[int, ...]
    later: tuple[int, ...]


@frozen
class CodeModesUnknown(Fact):
    """Volumes have a code mode that is not known, so nothing is known of the units that they can lose."""

    volumes: int
    modes: tuple[int, ...]


@frozen
class VolumeMargin:
    """Margin of one volume: the disks of its lost and unreachable units now, and the units that it can lose yet.

    `before` is the number now, `after` that after the change; negative if data is lost. `unnamed` further units are
    unreachable, on disks that cannot be named.
    """

    vid: int
    mode: str
    lost: tuple[int, ...]
    unreachable: tuple[int, ...]
    before: int
    after: int
    unnamed: int = 0

    @property
    def away(self) -> int:
        """Number of unreachable units."""
        return len(self.unreachable) + self.unnamed


@frozen
class MarginGroup:
    """Number of volumes with the same margin before and after a change; `vids` are those that are stored by number."""

    before: int
    after: int
    volumes: int
    vids: tuple[int, ...] = ()


@frozen
class VolumeMargins(Fact):
    """Margins of all read volumes of the disks before and after the change, in groups; `worst` names some.

    `units` is the number of units on the disks. `unreadable` is the number of volumes that miss too many units while
    the unreachable ones stay away. `breaking` are disks of these volumes that count as broken, because an open
    operation declares them so; `operations` are the numbers of those.
    """

    change: DiskChange
    disks: tuple[int, ...]
    units: int
    groups: tuple[MarginGroup, ...]
    worst: tuple[VolumeMargin, ...]
    unreadable: int = 0
    breaking: tuple[int, ...] = ()
    operations: tuple[int, ...] = ()

    @property
    def volumes(self) -> int:
        """Number of volumes."""
        return sum(group.volumes for group in self.groups)

    def ending(self, most: int, *, above: int | None = None) -> int:
        """Number of volumes whose margin ends at `most` or below it, and above the other number if one is given."""
        ends = [group for group in self.groups if group.after <= most and (above is None or group.after > above)]
        return sum(group.volumes for group in ends)


@frozen
class HeartbeatsLost(Fact):
    """Disks of the zones concerned have no heartbeat by the leader's counters; `inferred` are probably among them.

    `disks` is None where the counters were not read.
    """

    disks: int | None
    inferred: tuple[int, ...]


@frozen
class MarginsSmaller(Fact):
    """Missing shards are not rebuilt, or that is not known, so each margin may be smaller by up to `units`.

    `meaning` is that of the switch of `shard_repair`, "" if it was not read. `hindered` is why it is not done although
    it is on.
    """

    units: int
    meaning: str
    hindered: TaskHindrance | None = None


@frozen
class ZoneRoom:
    """Room of one zone for the chunks that must move: free chunks and bytes of its `disks` good disks.

    Good disks are normal, writable, not being dropped, and not among those of the change. `sure` are the free chunks
    without those of the `silent` disks that have no heartbeat and are not known by name: the fullest free ones are
    left out. `others` are the chunks of other disks of the zone that must move too.
    """

    zone: str
    disks: int
    chunks: int
    free: int
    sure: int
    others: int
    silent: int
    used_bytes: int
    free_bytes: int


@frozen
class RoomInZones(Fact):
    """Room in each zone for the chunks that must move, with `reserve_percent` of them as a margin."""

    zones: tuple[ZoneRoom, ...]
    reserve_percent: int


@frozen
class UnitsWithoutPlace(Fact):
    """Volumes with more units to move in a zone than good disks that can take one; `some` names some.

    Such a disk has a free chunk and no unit of the volume, and takes one unit of it.
    """

    volumes: int
    some: tuple[int, ...]


@frozen
class TaskIsOn(Fact):
    """The background task that moves or rebuilds the units is on."""

    task: str


@frozen
class TaskIsOff(Fact):
    """The background task is off; `meaning` is that of its stored value."""

    task: str
    meaning: str


@frozen
class TaskUnknown(Fact):
    """It is not known if the background task is on; `meaning` is that of its stored value, "" if it was not read."""

    task: str
    meaning: str


@frozen
class SchedulersThere(Fact):
    """Schedulers are registered."""

    hosts: tuple[str, ...]


@frozen
class NoScheduler(Fact):
    """No scheduler is registered, so no task runs."""


@frozen
class SchedulersUnknown(Fact):
    """It is not known if a scheduler is registered."""


@frozen
class OutOfService:
    """Disks of one host or zone (`place`) that are out of service, by state, and the limit.

    `under_way` are those that an open operation is about to change, and whose state does not show it yet;
    `operations` are the numbers of those operations.
    """

    place: str
    limit: int
    dropping: tuple[int, ...] = ()
    broken: tuple[int, ...] = ()
    repairing: tuple[int, ...] = ()
    under_way: tuple[int, ...] = ()
    operations: tuple[int, ...] = ()

    @property
    def disks(self) -> tuple[int, ...]:
        """All of them."""
        return tuple(sorted({*self.dropping, *self.broken, *self.repairing, *self.under_way}))


@frozen
class WithinLimits(Fact):
    """One disk more may be out of service at once in each host and zone concerned."""

    hosts: tuple[OutOfService, ...]
    zones: tuple[OutOfService, ...]


@frozen
class LimitReached(Fact):
    """So many disks of these hosts or zones are out of service that one more passes the limit."""

    hosts: tuple[OutOfService, ...]
    zones: tuple[OutOfService, ...]


@frozen
class OperationBeside(Fact):
    """Another operation is open that does not exclude this one but may disturb it."""

    op: int
    change: OpKind
    state: OpState
    task: str


@frozen
class DiskConsequence(Fact):
    """Consequence of the change that no click undoes, or the promise that none is there."""

    change: DiskChange
