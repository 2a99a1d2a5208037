"""Outcomes of alerts: the state when an alert was resolved, as facts without words. No I/O."""

from enum import StrEnum

from bot.alerting.details import AnswerFault, DroppedDisk
from bot.alerting.model import Outcome
from bot.common.frozen import frozen


@frozen
class Ended(Outcome):
    """The finding is gone, and its rule says enough; `partly` if some hosts still give no answer."""

    partly: bool = False


@frozen
class NotWatched(Outcome):
    """The settings do not watch for this any more; `cluster_left` if the whole cluster is gone from them."""

    cluster_left: bool = False


class HostState(StrEnum):
    """State of the host of an alert at its end."""

    GOOD = "good"
    SILENT = "silent"
    NOT_CONFIGURED = "not_configured"


@frozen
class HostOutcome(Outcome):
    """State of a host: `fault` if it gives no usable answer, `peer` as which it answers (0: not known)."""

    host: str
    state: HostState
    fault: AnswerFault | None = None
    peer: int = 0


@frozen
class AnswersAgain(Outcome):
    """`answered` of `hosts` hosts answer again."""

    answered: int
    hosts: int


@frozen
class LeaderNow(Outcome):
    """The leader at the end, and for how many seconds it had led."""

    peer: int
    term: int
    led_for: float = 0.0


@frozen
class MembersNow(Outcome):
    """Number of members there were at the end (0: not known)."""

    voters: int
    learners: int = 0


class PeerState(StrEnum):
    """State of the peer of an alert at its end."""

    GOOD = "good"
    DOWN = "down"
    VOTER = "voter"
    NO_MEMBER = "no_member"
    UNPROVEN = "unproven"


@frozen
class PeerOutcome(Outcome):
    """State of a peer."""

    peer: str
    state: PeerState


@frozen
class DisksDone(Outcome):
    """Disks that are not broken any more; `held` are (disk, units left), `uncounted` those of unknown units.

    `repaired` if all of them were being repaired, else they may have been dropped.
    """

    disks: tuple[int, ...] = ()
    repaired: bool = False
    held: tuple[tuple[int, int], ...] = ()
    uncounted: tuple[int, ...] = ()


@frozen
class DropsDone(Outcome):
    """Disks that are not being dropped any more, each with the end of its drop."""

    disks: tuple[DroppedDisk, ...] = ()


@frozen
class DisksEmpty(Outcome):
    """A later count found these disks empty; others are `in_use` (normal) or `broken` (or repairing) again."""

    disks: tuple[int, ...] = ()
    in_use: tuple[int, ...] = ()
    broken: tuple[int, ...] = ()


@frozen
class VolumesNow(Outcome):
    """Number of volumes that still have lost units, and the least that one of them can lose yet (None: not known)."""

    reduced: int
    left: int | None = None


@frozen
class WorkMoves(Outcome):
    """Repairs or drops move on; `left` disks remain. `held` are (disk, units left) of those that have ended."""

    left: int
    held: tuple[tuple[int, int], ...] = ()


@frozen
class SpaceNow(Outcome):
    """Writable and total space at the end, in bytes; 0 of 0 where it is not known."""

    writable: int = 0
    total: int = 0


class TaskState(StrEnum):
    """State of a task's switch at the end of an alert."""

    ON = "on"
    OFF = "off"
    UNSET = "unset"
    UNKNOWN = "unknown"
    IDLE = "idle"


@frozen
class TaskOutcome(Outcome):
    """State of a task: its switch, or `IDLE` if it has nothing to do."""

    task: str
    state: TaskState


@frozen
class ExternalOver(Outcome):
    """An alert of an Alertmanager is over: `reported` as resolved there, or else not reported again in time."""

    reported: bool
