"""What a subcommand is: its words, its arguments, who may use it, and the ports its function is handed."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from bot.alerting.model import Alert, Silence
from bot.alerting.reports.handover import Handover
from bot.alerting.reports.summary import Summary
from bot.alerting.reports.timeseries import Timeseries
from bot.alerting.rules.base import Rule
from bot.alerting.silences import Begun, Lifted
from bot.audit.query import AuditQuery, CsvExport, Found
from bot.clustermgr.client import ClusterApi
from bot.clustermgr.models import Snapshot
from bot.clustermgr.tasks import DetectedDialect
from bot.interactions.message import Message, Undelivered
from bot.operations.change_request import ChangeRequest
from bot.operations.model import Operation
from bot.operations.replacement_plan import Replacement
from bot.permissions.roles import Role


class Scope(StrEnum):
    """Whether a command speaks of one cluster, and whether it could do without."""

    NO_CLUSTER = "none"
    ONE_CLUSTER = "one"
    MAYBE_CLUSTER = "maybe"


FREE = frozenset({"reason"})
"""Arguments whose text is kept as it was typed; all others name something and are read as commands are written."""


class Offer(StrEnum):
    """What a form offers for an argument to choose from, read from the cluster."""

    PEER = "peer"
    TASK = "task"


class Args(BaseModel):
    """Arguments of one command: the fields named in `words` are bare words in that order, the others `key=value`.

    `rest` names the last of `words` when it takes all further words (a tuple of strings). A field with a default may
    be left out. Field descriptions are what `/cm help` shows. A field marked by `offers` is one to choose in a form.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    words: ClassVar[tuple[str, ...]] = ()
    rest: ClassVar[str] = ""

    @classmethod
    def typed(cls) -> dict[str, FieldInfo]:
        """The fields by the name that is typed: the alias where there is one (`for` cannot be a Python name)."""
        return {field.alias or name: field for name, field in cls.model_fields.items()}


def offers(offer: Offer) -> dict[str, Any]:
    """The mark of a field (its `json_schema_extra`) that a form offers such values for."""
    return {"offer": offer.value}


def offered(field: FieldInfo) -> Offer | None:
    """What a form offers for a field, None where it is filled in freely."""
    extra = field.json_schema_extra
    return Offer(str(extra["offer"])) if isinstance(extra, dict) and "offer" in extra else None


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer to a command; a later one of the same command replaces it. `private`: only its sender sees it."""

    message: Message
    private: bool = True


@dataclass(frozen=True, slots=True)
class Caller:
    """Who typed, and where (Slack ids); `key` is the inbound key of a persisted command, "" for one that is not.

    Of a typed command `key` is its trigger id, and `answer_to` its response_url.
    """

    user: str
    channel: str
    key: str = ""
    answer_to: str = ""


class ClusterPort(Protocol):
    """One configured cluster, as a command may use it."""

    @property
    def name(self) -> str:
        """The configured name."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """The configured hosts, as written in the settings."""

    @property
    def operations_channel(self) -> str:
        """The channel (id) in which changes are proposed."""

    @property
    def api(self) -> ClusterApi:
        """The typed calls."""

    def looks(self, *, bad_disks: bool = True, switches: tuple[str, ...] = ()) -> AsyncIterator[Snapshot]:
        """What all hosts say: once when all answered or the first deadline passed, and again once stragglers did."""

    async def snapshot_pair(self, *, patient: bool = True, bad_disks: bool = False) -> tuple[Snapshot | None, Snapshot]:
        """(an earlier look that proves something, a fresh one); `patient` waits some seconds for it if need be."""

    def before(self, now: Snapshot) -> Snapshot | None:
        """The look of the watch with which one of now is compared, None if none is recent."""

    async def second_snapshot(self, first: Snapshot, *, bad_disks: bool = True) -> Snapshot:
        """A look that is far enough from the first to confirm or contradict it."""

    async def dialect(self, *, fresh: bool = False) -> DetectedDialect:
        """How the cluster spells its switches: as remembered, or probed anew. Never raises ClusterError."""


class Proposer(Protocol):
    """Proposes changes: preflight, card in the operations channel, row in the store.

    Both methods raise UserError, with a sentence, when it cannot be; NotAllowed when that person may not.
    """

    async def propose(self, caller: Caller, cluster: ClusterPort, change_request: ChangeRequest) -> Reply:
        """Propose; the reply tells the requester where the card is, or what speaks against it."""

    async def replace(
        self, caller: Caller, cluster: ClusterPort, wanted: Replacement, change_request: ChangeRequest
    ) -> Reply:
        """Propose the next step of a replacement; `change_request` says how it is wanted, its request is ignored."""


class OperationBook(Protocol):
    """The operations and the undelivered messages; methods raise UserError, NotAllowed, StoreError."""

    async def listed(self, cluster: str | None, *, open_only: bool) -> Sequence[Operation]:
        """Operations, the newest first."""

    async def shown(self, op_id: int) -> Operation:
        """One operation."""

    async def cancel(self, caller: Caller, op_id: int) -> Reply:
        """Cancel what waits for approval."""

    async def settle(self, caller: Caller, op_id: int, *, done: bool, reason: str) -> Reply:
        """Say what became of an operation whose outcome is not known."""

    async def undelivered(self) -> Sequence[Undelivered]:
        """The messages that Slack refused for good, the newest first."""

    async def redeliver(self, caller: Caller) -> Reply:
        """Try all of them once more."""


class AlertBook(Protocol):
    """The alerts and silences; every method raises StoreError, those that change something UserError."""

    async def open(self, cluster: str | None = None) -> tuple[Alert, ...]:
        """The alerts that were told and are not resolved, the gravest first."""

    async def alert(self, alert_id: int) -> Alert:
        """One alert of a configured cluster, open or not."""

    async def acknowledge(self, alert_id: int, by: str) -> Alert:
        """Note who takes care of an alert."""

    async def silence(
        self, cluster: str, rule: str, subject: str = "", *, seconds: float, by: str, reason: str, key: str = ""
    ) -> Begun:
        """Mute a rule, or `*`, of a cluster for a while, of one subject where given; its alert channel is told.

        An equal silence in force is extended; one that lasts as long or longer is a UserError.
        """

    async def silences(self, cluster: str | None = None) -> tuple[Silence, ...]:
        """The silences that hold now."""

    async def unsilence(self, silence_id: int, by: str) -> Lifted:
        """Lift a silence before its time; the alert channel is told, and so is what still mutes."""


class ReportBook(Protocol):
    """What happened and how it goes on; every method raises StoreError."""

    async def summary(self, clusters: Sequence[str], since: float) -> Summary:
        """What happened since a time (Unix seconds), and what is open."""

    async def handover(self, clusters: Sequence[str], since: float | None = None) -> Handover:
        """What who takes over needs to know, of the time since the last hand-over unless it is given."""

    async def timeseries(self, cluster: str, window: float) -> Timeseries:
        """How the space of a cluster went in the last `window` seconds."""


class Permissions(Protocol):
    """What a person may do and why. A cluster may have roles of its own; "" means those of all clusters."""

    async def require(self, user: str, role: Role, cluster: str = "") -> None:
        """Raise NotAllowed, saying what to do, unless `user` holds that role on that cluster."""

    async def of_clusters(self, user: str, role: Role, clusters: Sequence[str]) -> tuple[str, ...]:
        """Those of the clusters on which `user` holds that role."""

    async def describe(self, user: str) -> tuple[str, ...]:
        """Sentences, one a line: roles held and by what (named, or through a user group), or how to get them."""


class AuditBook(Protocol):
    """The audit log, to be read; raises StoreError."""

    async def newest(self, asked: AuditQuery, limit: int) -> Found:
        """The newest rows asked for."""

    async def sheet(self, asked: AuditQuery) -> CsvExport:
        """The rows asked for as a CSV file."""


class FileShare(Protocol):
    """The way of a file into a channel."""

    async def upload(self, channel: str, name: str, content: bytes, *, title: str, comment: str = "") -> None:
        """Share it there; raises SlackError, as when the bot is not in the channel."""


class FormPort(Protocol):
    """The way to a form in Slack."""

    async def open(self, caller: Caller, kind: str, cluster: str) -> None:
        """Open the form of a change for whoever typed; "" leaves the kind or the cluster to be chosen.

        Raises NotAllowed, after the form said so too; UserError when Slack does not open it.
        """


def _no_rules(_cluster: str) -> Sequence[Rule]:
    """Every threshold at its default."""
    return ()


@dataclass(frozen=True, slots=True)
class Call:
    """One command about to run: who asks, which cluster (when its scope names one), and the ports."""

    caller: Caller
    clusters: Mapping[str, ClusterPort]
    cluster: ClusterPort | None
    now: float
    proposer: Proposer
    operations: OperationBook
    standing: Permissions
    alerts: AlertBook
    reports: ReportBook
    remembered: Callable[[str], Mapping[str, Any]]
    """What the watch last noted of a cluster (fields of monitor.memory.Memory), empty when it has not looked yet."""
    audit: AuditBook
    share: FileShare | None
    """None where answers are shown to their sender only: a file in a channel is for all who are in it."""
    forms: FormPort
    rules: Callable[[str], Sequence[Rule]] = _no_rules
    """The alert rules of a cluster as configured: the verdict goes by the same thresholds."""
    docs_url: str = ""
    """Where the manual's pages are served (ends with a slash), "" when nowhere."""

    @property
    def the_cluster(self) -> ClusterPort:
        """The cluster of a ONE_CLUSTER command; dispatch guarantees it."""
        if self.cluster is None:
            raise AssertionError("dispatch runs a ONE_CLUSTER command with a cluster only")
        return self.cluster


Run = Callable[[Call, Any], AsyncIterator[Reply]]


@dataclass(frozen=True, slots=True)
class Command:
    """One subcommand: `path` is its words (`("task", "enable")`), `run` yields its replies.

    `changes` marks what changes a cluster: such a command is persisted before it is acknowledged. `opens` marks what
    opens a form: Slack allows that for three seconds only, so its right is looked at when the form is open.
    """

    path: tuple[str, ...]
    summary: str
    args: type[Args]
    run: Run
    scope: Scope = Scope.ONE_CLUSTER
    role: Role = Role.VIEWER
    changes: bool = False
    opens: bool = False
    examples: tuple[str, ...] = ()
    notes: str = ""
