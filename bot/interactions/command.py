"""Subcommands: words, arguments, role, and the ports that a command uses."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.model import Alert, MaintenanceScope, Silence
from bot.alerting.reports.handover import Handover
from bot.alerting.reports.summary import Summary
from bot.alerting.reports.timeseries import Timeseries
from bot.alerting.rules.base import Rule
from bot.alerting.silences import Lifted, SilenceResult
from bot.alerting.windows import Window
from bot.audit.query import AuditQuery, CsvExport, Found
from bot.clustermgr.cluster import Cluster
from bot.common.frozen import frozen
from bot.interactions.message import Message, Undelivered
from bot.interactions.notes import KeptNote, Note, NotePlace, NoteSubject
from bot.interactions.reload import SettingsPort
from bot.interactions.timeline import Timeline
from bot.operations.change_request import ChangeRequest
from bot.operations.model import Operation
from bot.operations.replacement_plan import Replacement
from bot.permissions.access import Access
from bot.permissions.roles import Role


class Scope(StrEnum):
    """The clusters of a command: none, one, or one that may be left out."""

    NO_CLUSTER = "none"
    ONE_CLUSTER = "one"
    MAYBE_CLUSTER = "maybe"


FREE = frozenset({"reason"})
"""Arguments whose text is kept as typed; all others are read by the table in unicode_input.py."""


class Offer(StrEnum):
    """The choices that a form offers for an argument: the first three are read from the cluster, the others stored.

    PEER: a member that does not lead; FOLLOWER: a voter that does not lead; HELD_ALERT: one that the person holds.
    """

    PEER = "peer"
    FOLLOWER = "follower"
    TASK = "task"
    OPEN_ALERT = "open alert"
    HELD_ALERT = "held alert"
    RULE = "rule"
    SILENCE = "silence"
    NOTED = "alert or operation"
    TO_CANCEL = "operation to cancel"
    TO_REJECT = "operation to reject"
    TO_SETTLE = "operation to settle"


class Args(BaseModel):
    """Arguments of one command: the fields named in `words` are bare words in that order, the others `key=value`.

    `rest` names the last of `words` when it takes all further words (a tuple of strings). A field with a default may
    be left out. Field descriptions are what `/cm help` shows. A form offers choices for a field that is annotated with
    an Offer. `tail` names the second and last of `words` when it takes the rest of the line as typed; the first one
    may be two words then, if it begins with one of `kinds`, as in `alert 17`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    words: ClassVar[tuple[str, ...]] = ()
    rest: ClassVar[str] = ""
    tail: ClassVar[str] = ""
    kinds: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def typed(cls) -> dict[str, FieldInfo]:
        """Return the fields by their typed names: the alias if there is one (`for` cannot be a Python name)."""
        return {field.alias or name: field for name, field in cls.model_fields.items()}


def offered(field: FieldInfo) -> Offer | None:
    """Return the choices that a form offers for a field, None for free text."""
    return next((mark for mark in field.metadata if isinstance(mark, Offer)), None)


@frozen
class Details:
    """The full form of a short answer; `key` is the value of the button that opens it.

    `render` makes it: that may wait until the short answer is sent.
    """

    key: str
    render: Callable[[], Message]


@frozen
class Reply:
    """One answer to a command; a later answer replaces it. With `private` only the sender sees it.

    With `keeps_form` nothing came of a form, by a refusal or a dry run: it stays open with its fields.
    `facts` are the typed values that the message shows (facts.py, or the value that its view takes), None for none.
    A short answer has `details`: a button opens them, and a terminal shows them instead.
    """

    message: Message
    private: bool = True
    facts: object = None
    keeps_form: bool = False
    details: Details | None = None


@frozen
class Caller:
    """The person who typed, and the channel (Slack ids); `key` is the inbound key of a stored command, else "".

    For a typed command `key` is its trigger id, and `answer_to` its response_url. `thread` is the ts of the thread in
    which a mention is answered, "" for a typed command. `proven` is True if the person typed a code for this command,
    `agent` if an agent asks in the person's name.
    """

    user: str
    channel: str
    key: str = ""
    answer_to: str = ""
    thread: str = ""
    proven: bool = False
    agent: bool = False


class Proposer(Protocol):
    """Proposes changes: preflight, card in the operations channel, row in the store.

    Both methods raise UserError if it is not possible, NotAllowed if the person has no right to it.
    """

    async def propose(self, caller: Caller, cluster: Cluster, change_request: ChangeRequest) -> Reply:
        """Propose a change; the reply links to the card, or says why there is none."""

    async def replace(
        self, caller: Caller, cluster: Cluster, wanted: Replacement, change_request: ChangeRequest
    ) -> Reply:
        """Propose the next step of a replacement; the flags of `change_request` count, its request is ignored."""


class OperationBook(Protocol):
    """The operations and the undelivered messages; methods raise UserError, NotAllowed, StoreError."""

    async def listed(self, cluster: str | None, *, open_only: bool) -> Sequence[Operation]:
        """Return operations, newest first."""

    async def shown(self, op_id: int) -> Operation:
        """Return one operation."""

    async def of_disks(self, cluster: str) -> Sequence[Operation]:
        """Return the newest operations that drop one disk or declare it broken, unless they did not take place."""

    async def cancel(self, caller: Caller, op_id: int) -> Reply:
        """Cancel an operation that waits for approval."""

    async def reject(self, caller: Caller, op_id: int, *, reason: str) -> Reply:
        """Reject a waiting operation; those who may approve it may."""

    async def settle(self, caller: Caller, op_id: int, *, done: bool, reason: str) -> Reply:
        """Record the outcome of an operation whose outcome is unknown."""

    async def undelivered(self) -> Sequence[Undelivered]:
        """Return the messages that Slack refused for good, newest first."""

    async def redeliver(self, caller: Caller) -> Reply:
        """Retry the messages that Slack refused."""


class AlertBook(Protocol):
    """The alerts and silences; every method raises StoreError, those that change something UserError."""

    async def open(self, cluster: str | None = None) -> tuple[Alert, ...]:
        """Return the posted alerts that are not resolved, the most severe first."""

    async def alert(self, alert_id: int) -> Alert:
        """Return one alert of a configured cluster, open or not."""

    async def listed(self) -> tuple[Alert, ...]:
        """Return the open alerts, and those that only a silence holds back, the most severe first."""

    async def acknowledge(
        self, alert_id: int, by: str, *, seconds: float | None = None, take: bool = False, seen: str | None = None
    ) -> Alert:
        """Acknowledge an alert and those of the same cause in its message, for `seconds` or without an end.

        With `take` also one that another person holds.
        """

    async def acknowledged_with(self, alert: Alert) -> tuple[Alert, ...]:
        """Return the alerts in the message of this one that the same person acknowledged."""

    async def give_back(self, alert_id: int, by: str, *, seen: str | None = None) -> Alert:
        """End an acknowledgement before its time; its holder may."""

    async def silence(
        self,
        cluster: str,
        rule: str,
        subject: str = "",
        *,
        seconds: float,
        by: str,
        reason: str,
        key: str = "",
        begins: float = 0.0,
    ) -> SilenceResult:
        """Silence a rule (or `*`) of a cluster, or one subject of it, and post that in the alert channel.

        It begins at `begins` (Unix seconds, 0: now). An equal silence that holds then is extended. Raises UserError if
        an equal silence lasts as long or longer.
        """

    async def of_cluster(self, cluster: str) -> tuple[tuple[Alert, ...], tuple[Silence, ...]]:
        """Return what `open` and `silences` return for one cluster."""

    async def silences(self, cluster: str | None = None) -> tuple[Silence, ...]:
        """Return the active silences."""

    async def planned(self, cluster: str | None = None) -> tuple[Silence, ...]:
        """Return the silences that begin later, the first to begin first."""

    async def start_maintenance(
        self,
        cluster: str,
        scope: MaintenanceScope,
        *,
        seconds: float,
        by: str,
        reason: str,
        beside: Sequence[int] = (),
        key: str = "",
    ) -> SilenceResult:
        """Start the maintenance of a host, or extend it, and post that in the alert channel.

        `beside` are the ids of the other maintenances that the verdict knew; raises UserError if there are others now.
        """

    async def muted(self) -> Mapping[int, int]:
        """Return how many open alerts each active silence mutes now, by its id."""

    async def unsilence(self, silence_id: int, by: str) -> Lifted:
        """Lift a silence early, and post in the alert channel which silences still apply."""


class ReportBook(Protocol):
    """Reports; every method raises StoreError."""

    async def summary(self, clusters: Sequence[str], since: float) -> Summary:
        """Return what happened since a time (Unix seconds), and what is open."""

    async def handover(self, clusters: Sequence[str], since: float | None = None) -> Handover:
        """Return the hand-over for the next shift, since the last hand-over or a given time."""

    async def timeseries(self, cluster: str, window: float) -> Timeseries:
        """Return the space of a cluster over the last `window` seconds."""


class AuditBook(Protocol):
    """Reads the audit log; raises StoreError."""

    async def newest(self, asked: AuditQuery, limit: int) -> Found:
        """Return the newest matching rows."""

    async def sheet(self, asked: AuditQuery) -> CsvExport:
        """Return the matching rows as a CSV file."""


class NoteBook(Protocol):
    """Notes on alerts and operations; every method raises StoreError, UserError."""

    async def place(self, subject: NoteSubject) -> NotePlace:
        """Find where a note on it belongs."""

    async def keep(
        self, place: NotePlace, text: str, *, by: str, source: str, at: float = 0.0, author: str | None = None
    ) -> KeptNote:
        """Keep a note, once for its source, and post it in the thread."""

    async def of(self, subject: NoteSubject) -> Sequence[Note]:
        """Return the notes on an alert or operation, the oldest first."""

    async def of_rule(self, rule: str, clusters: Collection[str], limit: int) -> Sequence[Note]:
        """Return the last notes on alerts of a rule, the oldest first."""


class TimelineBook(Protocol):
    """Timelines; every method raises StoreError."""

    async def of_alert(self, alert: Alert) -> Timeline:
        """Return what happened while an alert lasted."""

    async def of_operation(self, op: Operation) -> Timeline:
        """Return what happened while an operation lasted."""

    async def between(self, clusters: Sequence[str], since: float, until: float) -> Timeline:
        """Return what happened on clusters within a time."""


class FileShare(Protocol):
    """Uploads files."""

    async def upload(
        self, channel: str, name: str, content: bytes, *, title: str, comment: str = "", thread_ts: str | None = None
    ) -> None:
        """Share a file in a channel or in a thread there; raises SlackError, for example if the bot is not in it."""


NOTHING_GIVEN: Mapping[str, str] = MappingProxyType({})
"""A form without arguments that are known already."""


class FormPort(Protocol):
    """Opens forms in Slack."""

    async def open(self, caller: Caller, kind: str, cluster: str, given: Mapping[str, str] = NOTHING_GIVEN) -> None:
        """Open the form of a change for the caller; "" leaves the kind or the cluster to be chosen.

        `given` are arguments by name, with which the form is filled.

        Raises NotAllowed after the form shows the refusal, UserError if Slack does not open the form.
        """


@frozen
class Call:
    """One command that is about to run: the caller, the cluster (by its scope), and the ports."""

    caller: Caller
    clusters: Mapping[str, Cluster]
    cluster: Cluster | None
    now: float
    proposer: Proposer
    operations: OperationBook
    access: Access
    alerts: AlertBook
    reports: ReportBook
    remembered: Callable[[str], ClusterNote]
    """The last known condition of a cluster, empty before the first poll."""
    audit: AuditBook
    share: FileShare | None
    """None if answers are private: everyone in a channel sees its files."""
    forms: FormPort
    rules: Callable[[str], Sequence[Rule]]
    """Returns the configured alert rules of a cluster, because the verdict uses the same thresholds."""
    docs_url: str = ""
    """The base address of the manual (ends with a slash), "" if it is not served."""
    zone_of: Callable[[str], str] = lambda _: "UTC"
    """Returns the time zone of a cluster, in which its people type times."""
    windows: Callable[[str], Sequence[Window]] = lambda _: ()
    """Returns the maintenance windows of a cluster."""
    notes: NoteBook | None = None
    """None where only reading commands run."""
    timelines: TimelineBook | None = None
    """None where only reading commands run."""
    settings: SettingsPort | None = None
    """None where no process runs whose settings could be read again."""

    @property
    def the_cluster(self) -> Cluster:
        """The cluster of a ONE_CLUSTER command; the dispatcher guarantees one."""
        if self.cluster is None:
            raise AssertionError("dispatch runs a ONE_CLUSTER command with a cluster only")
        return self.cluster


Run = Callable[[Call, Any], AsyncIterator[Reply]]


@frozen
class Command:
    """One subcommand: `path` has its words (`("task", "enable")`), `run` yields its replies.

    A command that `changes` a cluster is stored before it is acknowledged. A command that `opens` a form checks the
    right once the form is open, because Slack lets a form open for three seconds only. `manual` is the page of docs/
    that says more: help links it where the manual is served.
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
    manual: str = ""
