"""The typed facts behind the answers of reading commands and of proposals, for readers other than people. No I/O."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from bot.alerting.cluster_status import StatusContext
from bot.alerting.model import Alert, Silence
from bot.alerting.pull_safety import PullSafety
from bot.alerting.rules.base import Rule
from bot.alerting.runbooks.runbook import Runbook
from bot.alerting.task_activity import TaskActivity
from bot.clustermgr.models import Disk, Snapshot
from bot.clustermgr.tasks import DetectedDialect
from bot.common.frozen import frozen
from bot.interactions.message import Undelivered
from bot.operations.model import Operation


@frozen
class Polled:
    """A poll of a cluster, the one before it (None: none), and what the watch knows besides."""

    snapshot: Snapshot
    previous: Snapshot | None
    known: StatusContext


@frozen
class OneDisk:
    """One disk, and whether it may be pulled; `dropping` is None if that list could not be read."""

    cluster: str
    disk: Disk
    safety: PullSafety
    dropping: bool | None


@frozen
class TaskStates:
    """The switches of a cluster in a snapshot, and what happens with each task (empty without a dialect)."""

    snapshot: Snapshot
    detected: DetectedDialect
    activities: Mapping[str, TaskActivity]


@frozen
class OperationRows:
    """Operations, the newest first, and the messages that Slack refused."""

    operations: Sequence[Operation]
    undelivered: Sequence[Undelivered]


class ProposalResult(StrEnum):
    """What came of a proposal: a card, a recorded refusal of the checks, a dry run, or nothing to do."""

    PROPOSED = "proposed"
    BLOCKED = "blocked"
    DRY_RUN = "dry_run"
    ALREADY_SO = "already_so"


@frozen
class ProposalFacts:
    """What came of a proposal; the operation has the number 0 if it was not stored. `link` is that of its card."""

    result: ProposalResult
    op: Operation
    link: str = ""


@frozen
class OpenAlerts:
    """The open alerts, the most severe first, and the silences in force."""

    alerts: Sequence[Alert]
    silences: Sequence[Silence]


@frozen
class RuleRunbook:
    """A rule of the watch, and its runbook."""

    rule: Rule
    runbook: Runbook
