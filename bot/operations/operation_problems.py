"""Problems of proposals and of decisions on operations, without words. No I/O.

`policy.py` and `decisions.py` have those that a policy decides, as kinds of `Refusal`.
"""

from collections.abc import Sequence

from bot.clustermgr.tasks import Dialect, DialectEvidence
from bot.common.errors import Problem
from bot.common.frozen import frozen
from bot.operations.model import OpState
from bot.operations.policy import Need


@frozen
class NothingToForce(Problem):
    """Break-glass was requested, and no check refuses the change."""


@frozen
class OlderReplicas(Problem):
    """Active replicas of an earlier release, which could not read an operation of this kind."""

    names: Sequence[str]


@frozen
class CardNotPosted(Problem):
    """Slack refused the card of a proposal; `code` is its error code."""

    channel: str
    code: str


@frozen
class NoSuchTask(Problem):
    """The dialect of a cluster has no such background task."""

    cluster: str
    dialect: Dialect
    task: str


@frozen
class OtherDialect(Problem):
    """A person chose a dialect, and the cluster proves another one."""

    cluster: str
    dialect: Dialect
    evidence: DialectEvidence
    chosen: str


@frozen
class NoSuchOperation(Problem):
    """There is no operation of that number."""

    op: int


@frozen
class ButtonOutdated(Problem):
    """The button belongs to an earlier version of cmbot."""


@frozen
class ButtonWithoutOperation(Problem):
    """The button belongs to no operation of its channel."""


@frozen
class OtherDecisionFirst(Problem):
    """Another decision on the operation was first."""

    op: int


@frozen
class LeaseChanged(Problem):
    """The operation changed before the click on its lease."""

    op: int


@frozen
class OutcomeIsKnown(Problem):
    """The operation cannot be settled, because its outcome is known."""

    op: int
    state: OpState


@frozen
class ApprovalNotNeeded(Problem):
    """The operation has this kind of approval already; `short` are the approvals that it waits for."""

    op: int
    short: tuple[Need, ...]


@frozen
class ApproversUnproven(Problem):
    """Slack did not list the user group that decides; `group` is its id, with Slack's error code."""

    group: str


@frozen
class AgentMayNotForce(Problem):
    """An agent asked for break-glass."""


@frozen
class AgentOperationsOpen(Problem):
    """So many operations of agents are open that no more are taken."""

    open_now: int


@frozen
class AgentProposalsLately(Problem):
    """Agents proposed so many changes in the last hour that no more are taken."""

    lately: int


@frozen
class AgentChecksLately(Problem):
    """Agents had the checks run so often in the last hour that no more dry runs are taken."""

    lately: int


@frozen
class CodeNeeded(Problem):
    """Break-glass needs a time-based code of the person who proposes."""


@frozen
class ChannelShared(Problem):
    """The channel is shared with another organisation."""

    channel: str


@frozen
class SharingUnknown(Problem):
    """Slack has not said if the channel is shared with another organisation."""

    channel: str


@frozen
class LeaseTooLong(Problem):
    """With one more extension, the lease of the operation would be longer than a lease may be; `longest` in seconds."""

    op: int
    longest: float
