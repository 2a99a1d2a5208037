"""Facts of the steps of an operation: the data that a step records, without words. No I/O.

`views/step_text.py` has their words and `step_codec.py` their stored form.
"""

from dataclasses import dataclass
from enum import StrEnum

from bot.operations.policy import Need
from bot.operations.preflight.fingerprint import Fingerprint
from bot.operations.preflight.verdict import Check
from bot.permissions.roles import Role


@dataclass(frozen=True, slots=True)
class StepFact:
    """Data of a step; one subclass a statement."""


@dataclass(frozen=True, slots=True)
class LegacyWords(StepFact):
    """Words that were stored without a fact, as 0.1.0 did, or with one that is not known here."""

    words: str


@dataclass(frozen=True, slots=True)
class Failure(StepFact):
    """Error of a cluster, or of the request itself; `sentence` is that of the error.

    `transient` is True if nothing took effect and the same request may go through later.
    """

    sentence: str
    trace_id: str = ""
    transient: bool = False


@dataclass(frozen=True, slots=True)
class Sight(StepFact):
    """State of the cluster that an operation wants to change, at one check."""


@dataclass(frozen=True, slots=True)
class SwitchIs(Sight):
    """A switch has a value of that meaning."""

    task: str
    meaning: str


@dataclass(frozen=True, slots=True)
class NoLeaderSeen(Sight):
    """No host leads."""


@dataclass(frozen=True, slots=True)
class PeerLeads(Sight):
    """A peer leads (0: the leader names none)."""

    peer: int


@dataclass(frozen=True, slots=True)
class PeerStays(Sight):
    """A peer that is to be removed is a member."""

    peer: int


@dataclass(frozen=True, slots=True)
class PeerGone(Sight):
    """A peer that is to be removed is no member."""

    peer: int


@dataclass(frozen=True, slots=True)
class PeerAbsent(Sight):
    """A peer that is to be added is no member."""

    peer: int


@dataclass(frozen=True, slots=True)
class PeerJoined(Sight):
    """A peer that is to be added is a member."""

    peer: int
    learner: bool


@dataclass(frozen=True, slots=True)
class DiskNow(Sight):
    """State of a disk: its number on the wire, and two flags; `dropping` is None where it was not asked for."""

    disk: int
    status: int
    readonly: bool
    dropping: bool | None = None


@dataclass(frozen=True, slots=True)
class NodeNow(Sight):
    """State of a blobnode: its number on the wire."""

    node: int
    status: int


@dataclass(frozen=True, slots=True)
class NodeNotShown(Sight):
    """The release has no call that shows the state of a blobnode, so nothing proves that it was dropped or not."""

    node: int


@dataclass(frozen=True, slots=True)
class ChecksRefuse(StepFact):
    """Checks refuse a proposal."""

    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class TakesOverCard(StepFact):
    """The operation takes over the card of operation `of`, which was superseded."""

    of: int


@dataclass(frozen=True, slots=True)
class TakesOverBlocked(StepFact):
    """The operation takes over a card, and checks refuse it."""

    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A card's state of the cluster and a later one; `checks` changed between them.

    `before` is None on a card of an older release.
    """

    before: Fingerprint | None
    after: Fingerprint
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class LegacyDifference:
    """Phrases on how the cluster changed that were stored without the states."""

    phrases: tuple[str, ...]


class AfterMove(StrEnum):
    """Consequence of a changed cluster for an operation, besides that its approvals are void."""

    NONE = "none"
    ALREADY_SO = "already_so"
    NOTHING_TO_FORCE = "nothing_to_force"


@dataclass(frozen=True, slots=True)
class ClusterMoved(StepFact):
    """The cluster changed since the card was shown."""

    difference: Difference
    then: AfterMove = AfterMove.NONE


class AfterRemoval(StrEnum):
    """State of an operation whose cluster was removed from the settings."""

    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    NOT_RESTORED = "not_restored"


@dataclass(frozen=True, slots=True)
class ClusterRemoved(StepFact):
    """The cluster was removed from the settings."""

    cluster: str
    then: AfterRemoval


@dataclass(frozen=True, slots=True)
class RequesterLost(StepFact):
    """The requester no longer holds a role that the operation needs."""

    role: Role


@dataclass(frozen=True, slots=True)
class LostSources:
    """A person (Slack user id) no longer holds the sources of an approval."""

    user: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ApprovalsDropped(StepFact):
    """Approvals no longer count, because the approvers lost their roles or groups."""

    lost: tuple[LostSources, ...]


@dataclass(frozen=True, slots=True)
class ApprovalProgress(StepFact):
    """`given` of `needed` approvals are there; with several sources, `missing` counts instead."""

    given: int
    needed: int
    missing: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True)
class SettledByAdmin(StepFact):
    """An admin states that the request was `done` or not; `sight` is None when the cluster cannot be read."""

    done: bool
    reason: str
    sight: Sight | None


@dataclass(frozen=True, slots=True)
class DatabaseLost(StepFact):
    """The process had lost the database, so it sent nothing."""


@dataclass(frozen=True, slots=True)
class EffectUnseen(StepFact):
    """The cluster accepted the request, and its effect was not seen within so many seconds."""

    seconds: float
    sight: Sight | None


@dataclass(frozen=True, slots=True)
class RejectedBecause(StepFact):
    """An approver rejects the operation for a reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoDecision(StepFact):
    """The operation was not decided in time."""


@dataclass(frozen=True, slots=True)
class Adopted(StepFact):
    """A running operation is taken over; `own` if its result could not be stored, else its process stopped.

    `sight` is set if the effect is there.
    """

    own: bool
    sight: Sight | None


@dataclass(frozen=True, slots=True)
class SeenLater(StepFact):
    """The effect of an unknown outcome was seen."""

    sight: Sight


@dataclass(frozen=True, slots=True)
class NotApplied(StepFact):
    """The cluster was stable for so many seconds without the effect."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ComparisonOver(StepFact):
    """A later operation changed the same thing, so an admin's settlement is not compared any more."""


@dataclass(frozen=True, slots=True)
class Compared(StepFact):
    """An admin's settlement was compared with the cluster."""

    contradicts: bool
    sight: Sight


@dataclass(frozen=True, slots=True)
class CardRefused(StepFact):
    """Slack refused the card, with that error code."""

    error: str


@dataclass(frozen=True, slots=True)
class KeptForGood(StepFact):
    """A lease was ended by a person, and the value stays."""


@dataclass(frozen=True, slots=True)
class ChangedSince(StepFact):
    """Operation `op` changed a leased switch, which ends the lease."""

    op: int


class Restoration(StrEnum):
    """State of the operation that restores the value before a lease."""

    BEGUN = "begun"
    DONE = "done"
    UNKNOWN = "unknown"
    NOT_DONE = "not_done"


@dataclass(frozen=True, slots=True)
class LeaseEnded(StepFact):
    """A lease is over; operation `op` sets the switch `on` or off again."""

    task: str
    on: bool
    op: int
    restoration: Restoration


@dataclass(frozen=True, slots=True)
class RestoresOldValue(StepFact):
    """The value before a lease is restored now."""


@dataclass(frozen=True, slots=True)
class RestoreRefused(StepFact):
    """Checks refuse to restore the value before a lease: a person must set the task `on` or off."""

    checks: tuple[Check, ...]
    task: str
    on: bool
    cluster: str


@dataclass(frozen=True, slots=True)
class RestoreUnread(StepFact):
    """The switch could not be read, so its value before a lease is not restored."""

    task: str
    on: bool
    cluster: str


@dataclass(frozen=True, slots=True)
class RestoreSkipped(StepFact):
    """The switch has another value than operation `op` set, so it stays."""

    task: str
    meaning: str
    op: int
