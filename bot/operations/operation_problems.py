"""Problems of proposals and of decisions on operations, without words. No I/O.

`policy.py` and `decisions.py` have those that a policy decides, as kinds of `Refusal`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.clustermgr.tasks import Dialect, DialectEvidence
from bot.common.errors import Problem
from bot.operations.model import OpState
from bot.operations.policy import Need


@dataclass(frozen=True, slots=True)
class NothingToForce(Problem):
    """Break-glass was requested, and no check refuses the change."""


@dataclass(frozen=True, slots=True)
class OlderReplicas(Problem):
    """Active replicas of an earlier release, which could not read an operation of this kind."""

    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class CardNotPosted(Problem):
    """Slack refused the card of a proposal; `code` is its error code."""

    channel: str
    code: str


@dataclass(frozen=True, slots=True)
class NoSuchTask(Problem):
    """The dialect of a cluster has no such background task."""

    cluster: str
    dialect: Dialect
    task: str


@dataclass(frozen=True, slots=True)
class OtherDialect(Problem):
    """A person chose a dialect, and the cluster proves another one."""

    cluster: str
    dialect: Dialect
    evidence: DialectEvidence
    chosen: str


@dataclass(frozen=True, slots=True)
class NoSuchOperation(Problem):
    """There is no operation of that number."""

    op: int


@dataclass(frozen=True, slots=True)
class ButtonOutdated(Problem):
    """The button belongs to an earlier version of cmbot."""


@dataclass(frozen=True, slots=True)
class ButtonWithoutOperation(Problem):
    """The button belongs to no operation of its channel."""


@dataclass(frozen=True, slots=True)
class OtherDecisionFirst(Problem):
    """Another decision on the operation was first."""

    op: int


@dataclass(frozen=True, slots=True)
class LeaseChanged(Problem):
    """The operation changed before the click on its lease."""

    op: int


@dataclass(frozen=True, slots=True)
class OutcomeIsKnown(Problem):
    """The operation cannot be settled, because its outcome is known."""

    op: int
    state: OpState


@dataclass(frozen=True, slots=True)
class ApprovalNotNeeded(Problem):
    """The operation has this kind of approval already; `short` are the approvals that it waits for."""

    op: int
    short: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class ApproversUnproven(Problem):
    """Slack did not list the user group that decides; `group` is its id, with Slack's error code."""

    group: str


@dataclass(frozen=True, slots=True)
class AgentMayNotForce(Problem):
    """An agent asked for break-glass."""


@dataclass(frozen=True, slots=True)
class AgentOperationsOpen(Problem):
    """So many operations of agents are open that no more are taken."""

    open_now: int


@dataclass(frozen=True, slots=True)
class AgentProposalsLately(Problem):
    """Agents proposed so many changes in the last hour that no more are taken."""

    lately: int


@dataclass(frozen=True, slots=True)
class AgentChecksLately(Problem):
    """Agents had the checks run so often in the last hour that no more dry runs are taken."""

    lately: int


@dataclass(frozen=True, slots=True)
class CodeNeeded(Problem):
    """Break-glass needs a time-based code of the person who proposes."""


@dataclass(frozen=True, slots=True)
class ChannelShared(Problem):
    """The channel is shared with another organisation."""

    channel: str


@dataclass(frozen=True, slots=True)
class SharingUnknown(Problem):
    """Slack has not said if the channel is shared with another organisation."""

    channel: str


@dataclass(frozen=True, slots=True)
class LeaseTooLong(Problem):
    """With one more extension, the lease of the operation would be longer than a lease may be; `longest` in seconds."""

    op: int
    longest: float
