"""Facts of the steps of operations that take disks out of service, without words. No I/O."""

from enum import StrEnum

from bot.common.frozen import frozen
from bot.operations.preflight.verdict import Check
from bot.operations.step_facts import StepFact


class OfflineStep(StrEnum):
    """Request of an operation that takes a disk offline."""

    READONLY = "readonly"
    DROP = "drop"


@frozen
class OfflineStepBegun(StepFact):
    """The request of a step may go out from now on: recorded before it is sent, once."""

    disk: int
    step: OfflineStep


@frozen
class ReadonlyBefore(StepFact):
    """The disk was read-only before, so no request is sent for that."""

    disk: int


@frozen
class OfflineResumed(StepFact):
    """Another process goes on; nothing of the next step was sent. `own` if the same process lost its result."""

    own: bool


@frozen
class ApprovalTooOld(StepFact):
    """The approval is older than the time that its policy allows."""


@frozen
class WritableAgain(StepFact):
    """The disk was read-only and is writable now, so the drop was not sent: another tool changed it."""

    disk: int


@frozen
class DropNotBegun(StepFact):
    """The disk is read-only and is not being dropped; `before` if it was read-only already. `why` is the reason."""

    disk: int
    before: bool
    why: StepFact


@frozen
class DropEnded(StepFact):
    """The drop of a disk ended in a state on the wire; `units` of `volumes` are still on it (None: not counted)."""

    disk: int
    status: int
    units: int | None
    volumes: int | None


@frozen
class PartBegun(StepFact):
    """Operation `op` takes the next disk of several offline."""

    disk: int
    op: int


@frozen
class PartSkipped(StepFact):
    """The next disk of several is out of service already, or is being dropped."""

    disk: int


@frozen
class PartWaits(StepFact):
    """The next disk of several (0: the node after its disks) waits until these checks pass."""

    disk: int
    checks: tuple[Check, ...]


@frozen
class PartAgain(StepFact):
    """Operation `op` ended before its drop, for a reason that may pass: its disk (0: the node) is next again.

    `attempt` counts from 1 to the limit `of`.
    """

    disk: int
    op: int
    why: StepFact
    attempt: int
    of: int


@frozen
class NodePartBegun(StepFact):
    """Operation `op` drops the node after its disks."""

    node: int
    op: int


@frozen
class PartFailed(StepFact):
    """Operation `op` of one disk ended in another state than verified; the value is that state."""

    op: int
    state: str


@frozen
class SeriesBegun(StepFact):
    """The operation is a part of operation `of`, which was approved."""

    of: int


@frozen
class SeriesEnded(StepFact):
    """End of several disks: those whose drop began, the others, and why; None if all began or a person ended it."""

    begun: tuple[int, ...]
    left: tuple[int, ...]
    why: StepFact | None


@frozen
class SeriesOver(StepFact):
    """The series that the operation is a part of (operation `of`) ended before its next request was sent."""

    of: int


@frozen
class NodeAccepted(StepFact):
    """The cluster accepted the drop of a node, whose disks were all out of use; no call of its release proves it."""

    node: int
