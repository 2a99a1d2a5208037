"""Facts of the steps of an operation: the data that a step records, without words. No I/O.

`views/step_text.py` has their words and `step_codec.py` their stored form.
"""

from enum import StrEnum

from bot.common.frozen import frozen
from bot.operations.policy import Need
from bot.operations.preflight.fingerprint import Fingerprint
from bot.operations.preflight.verdict import Check
from bot.permissions.roles import Role


@frozen
class StepFact:
    """Data of a step; one subclass a statement."""


@frozen
class LegacyWords(StepFact):
    """Words that were stored without a fact, as 0.1.0 did, or with one that is not known here."""

    words: str


@frozen
class Failure(StepFact):
    """Error of a cluster, or of the request itself; `sentence` is that of the error.

    `transient` is True if nothing took effect and the same request may go through later.
    """

    sentence: str
    trace_id: str = ""
    transient: bool = False


@frozen
class Sight(StepFact):
    """State of the cluster that an operation wants to change, at one check."""


@frozen
class SwitchIs(Sight):
    """A switch has a value of that meaning."""

    task: str
    meaning: str


@frozen
class NoLeaderSeen(Sight):
    """No host leads."""


@frozen
class PeerLeads(Sight):
    """A peer leads (0: the leader names none)."""

    peer: int


@frozen
class PeerStays(Sight):
    """A peer that is to be removed is a member."""

    peer: int


@frozen
class PeerGone(Sight):
    """A peer that is to be removed is no member."""

    peer: int


@frozen
class PeerAbsent(Sight):
    """A peer that is to be added is no member."""

    peer: int


@frozen
class PeerJoined(Sight):
    """A peer that is to be added is a member."""

    peer: int
    learner: bool


@frozen
class DiskNow(Sight):
    """State of a disk: its number on the wire, and two flags; `dropping` is None where it was not asked for."""

    disk: int
    status: int
    readonly: bool
    dropping: bool | None = None


@frozen
class NodeNow(Sight):
    """State of a blobnode: its number on the wire."""

    node: int
    status: int


@frozen
class NodeNotShown(Sight):
    """The release has no call that shows the state of a blobnode, so nothing proves that it was dropped or not."""

    node: int


@frozen
class ChecksRefuse(StepFact):
    """Checks refuse a proposal."""

    checks: tuple[Check, ...]


@frozen
class TakesOverCard(StepFact):
    """The operation takes over the card of operation `of`, which was superseded."""

    of: int


@frozen
class TakesOverBlocked(StepFact):
    """The operation takes over a card, and checks refuse it."""

    checks: tuple[Check, ...]


@frozen
class Difference:
    """A card's state of the cluster and a later one; `checks` changed between them.

    `before` is None on a card of an older release.
    """

    before: Fingerprint | None
    after: Fingerprint
    checks: tuple[Check, ...] = ()


@frozen
class LegacyDifference:
    """Phrases on how the cluster changed that were stored without the states."""

    phrases: tuple[str, ...]


class AfterMove(StrEnum):
    """Consequence of a changed cluster for an operation, besides that its approvals are void."""

    NONE = "none"
    ALREADY_SO = "already_so"
    NOTHING_TO_FORCE = "nothing_to_force"


@frozen
class ClusterMoved(StepFact):
    """The cluster changed since the card was shown."""

    difference: Difference
    then: AfterMove = AfterMove.NONE


class AfterRemoval(StrEnum):
    """State of an operation whose cluster was removed from the settings."""

    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    NOT_RESTORED = "not_restored"


@frozen
class ClusterRemoved(StepFact):
    """The cluster was removed from the settings."""

    cluster: str
    then: AfterRemoval


@frozen
class RequesterLost(StepFact):
    """The requester no longer holds a role that the operation needs."""

    role: Role


@frozen
class LostSources:
    """A person (Slack user id) no longer holds the sources of an approval."""

    user: str
    sources: tuple[str, ...]


@frozen
class ApprovalsDropped(StepFact):
    """Approvals no longer count, because the approvers lost their roles or groups."""

    lost: tuple[LostSources, ...]


@frozen
class ApprovalProgress(StepFact):
    """`given` of `needed` approvals are there; with several sources, `missing` counts instead."""

    given: int
    needed: int
    missing: tuple[Need, ...] = ()


@frozen
class SettledByAdmin(StepFact):
    """An admin states that the request was `done` or not; `sight` is None when the cluster cannot be read."""

    done: bool
    reason: str
    sight: Sight | None


@frozen
class DatabaseLost(StepFact):
    """The process had lost the database, so it sent nothing."""


@frozen
class EffectUnseen(StepFact):
    """The cluster accepted the request, and its effect was not seen within so many seconds."""

    seconds: float
    sight: Sight | None


@frozen
class RejectedBecause(StepFact):
    """An approver rejects the operation for a reason."""

    reason: str


@frozen
class NoDecision(StepFact):
    """The operation was not decided in time."""


@frozen
class Adopted(StepFact):
    """A running operation is taken over; `own` if its result could not be stored, else its process stopped.

    `sight` is set if the effect is there.
    """

    own: bool
    sight: Sight | None


@frozen
class SeenLater(StepFact):
    """The effect of an unknown outcome was seen."""

    sight: Sight


@frozen
class NotApplied(StepFact):
    """The cluster was stable for so many seconds without the effect."""

    seconds: float


@frozen
class ComparisonOver(StepFact):
    """A later operation changed the same thing, so an admin's settlement is not compared any more."""


@frozen
class Compared(StepFact):
    """An admin's settlement was compared with the cluster."""

    contradicts: bool
    sight: Sight


@frozen
class CardRefused(StepFact):
    """Slack refused the card, with that error code."""

    error: str


@frozen
class KeptForGood(StepFact):
    """A lease was ended by a person, and the value stays."""


@frozen
class ChangedSince(StepFact):
    """Operation `op` changed a leased switch, which ends the lease."""

    op: int


class Restoration(StrEnum):
    """State of the operation that restores the value before a lease."""

    BEGUN = "begun"
    DONE = "done"
    UNKNOWN = "unknown"
    NOT_DONE = "not_done"


@frozen
class LeaseEnded(StepFact):
    """A lease is over; operation `op` sets the switch `on` or off again."""

    task: str
    on: bool
    op: int
    restoration: Restoration


@frozen
class RestoresOldValue(StepFact):
    """The value before a lease is restored now."""


@frozen
class RestoreRefused(StepFact):
    """Checks refuse to restore the value before a lease: a person must set the task `on` or off."""

    checks: tuple[Check, ...]
    task: str
    on: bool
    cluster: str


@frozen
class RestoreUnread(StepFact):
    """The switch could not be read, so its value before a lease is not restored."""

    task: str
    on: bool
    cluster: str


@frozen
class RestoreSkipped(StepFact):
    """The switch has another value than operation `op` set, so it stays."""

    task: str
    meaning: str
    op: int
