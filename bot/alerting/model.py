"""Alert values: Finding (a problem in one snapshot), Alert (a finding over time), Silence (a time-limited mute)."""

from enum import IntEnum, StrEnum

from bot.common.frozen import frozen


class Severity(IntEnum):
    """Severity of a finding; higher is worse."""

    INFO = 1
    WARNING = 2
    CRITICAL = 3


class AlertState(StrEnum):
    """pending (held back before it is announced), firing, acknowledged, resolved."""

    PENDING = "pending"
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@frozen
class Detail:
    """The facts of a finding, without words: one subclass a rule or family of rules (details.py)."""

    def doubted(self, _: "Detail") -> "Detail":
        """These facts with what makes later ones less sure, of a finding that proves no improvement."""
        return self


@frozen
class LegacyDetail(Detail):
    """The text of an alert that was stored without facts, as 0.1.0 did, or by a rule that is not known here.

    `step` is the next step that the finding named, `op` the operation that caused it, `approved` its approvers.
    """

    sentence: str
    lines: tuple[str, ...] = ()
    more: int = 0
    step: str = ""
    op: int = 0
    approved: tuple[str, ...] = ()


@frozen
class LegacyText:
    """A fact within a detail that was stored as text."""

    text: str


@frozen
class Outcome:
    """The facts of an alert's end, without words (outcomes.py)."""


@frozen
class LegacyOutcome(Outcome):
    """The text of an alert's end that was stored without facts."""

    sentence: str


@frozen
class EnableTask:
    """A fix that switches a background task on."""

    task: str


@frozen
class TransferLeader:
    """A fix that moves the leadership to another voter."""

    peer: int


Fix = EnableTask | TransferLeader
Pair = tuple[str, str]
"""A rule and a subject."""


@frozen
class Finding:
    """One problem that a rule finds in a Snapshot.

    `subject` separates the alerts of one rule within a cluster ("": there is at most one). `weight` grows as the same
    subject gets worse (number of broken disks). `parts` are the names of what it consists of: a new part is worse
    at any weight; None if the rule has no parts. `covers` are alerts that are not announced beside this one
    (inhibition.py). `fix` is the change that solves it.
    A `partial` finding may raise an alert or make it worse, but proves no improvement. A `doubtful` finding neither
    raises nor changes nor ends an alert, but its time counts towards `hold`.
    """

    rule: str
    subject: str
    severity: Severity
    detail: Detail
    weight: int = 1
    parts: tuple[str, ...] | None = None
    covers: tuple[Pair, ...] = ()
    fix: Fix | None = None
    partial: bool = False
    doubtful: bool = False


@frozen
class Muted:
    """The silence under which an alert is quiet: its id and its author (Slack user id)."""

    id: int
    by: str


@frozen
class RecentPeak:
    """The worst state of an alert that has improved since; it counts until `until` (Unix seconds)."""

    severity: Severity
    weight: int
    parts: tuple[str, ...]
    until: float


@frozen
class EngineNotes:
    """Notes of the engine about an alert, kept from step to step; no finding overwrites them. None: not so.

    `lifted`: ids of silences that no longer hold for it, as it got worse. `muted`: the silence under which it is quiet
    now. `silenced`: ids of all silences that ever muted it. `calling_since`: start of the wait for an acknowledgement,
    if that is not when it fired. `escalated_at`: when a group was called. `group`: the key of the group message that
    lists it instead of an own message. `replied_at`: when a reply last said that it got worse. `unreported`: the parts
    that came since, without a reply (empty: it only grew). `peak`: its worst state lately, if it is milder now.
    `unknown_since`: since when no poll can evaluate it; `unknown_for`: seconds of that while it was pending.
    `acked_until`: when the acknowledgement ends by itself. `holder_reminded_at`: when its holder was last reminded.
    `folded`: rule and subject of the alert of the same cause in whose message it is announced (folding.py).
    `message`: the id of the alert whose message it took over (takeover.py).
    """

    lifted: tuple[int, ...] = ()
    muted: Muted | None = None
    silenced: tuple[int, ...] = ()
    calling_since: float | None = None
    escalated_at: float | None = None
    group: str | None = None
    replied_at: float | None = None
    unreported: tuple[str, ...] | None = None
    peak: RecentPeak | None = None
    unknown_since: float | None = None
    unknown_for: float | None = None
    acked_until: float | None = None
    holder_reminded_at: float | None = None
    folded: Pair | None = None
    message: int | None = None


NO_NOTES = EngineNotes()


@frozen
class Alert:
    """A finding over time; times in Unix seconds, 0 when it has not happened.

    `id` is 0 until the store assigned one. `since` is when the finding was first seen, `fired_at` when it was first
    announced, `clear_since` when the finding was last gone, `reminded_at` when it last called for attention. `version`
    counts changes that a reader notices: the compare-and-set key.
    """

    cluster: str
    rule: str
    subject: str
    state: AlertState
    severity: Severity
    detail: Detail
    since: float
    weight: int = 1
    parts: tuple[str, ...] | None = None
    covers: tuple[Pair, ...] = ()
    fix: Fix | None = None
    notes: EngineNotes = NO_NOTES
    fired_at: float = 0.0
    resolved_at: float = 0.0
    clear_since: float = 0.0
    changed_at: float = 0.0
    reminded_at: float = 0.0
    acked_by: str = ""
    acked_at: float = 0.0
    outcome: Outcome | None = None
    id: int = 0
    version: int = 0

    @property
    def open(self) -> bool:
        """True unless the alert is resolved."""
        return self.state is not AlertState.RESOLVED

    @property
    def group(self) -> str | None:
        """Key of the group message that lists the alert, None if it has its own message."""
        return self.notes.group

    @property
    def message_id(self) -> int:
        """The id of the alert whose message is this one's own: its id, or that of the alert which it took over."""
        return self.notes.message or self.id

    @property
    def pair(self) -> Pair:
        """Its rule and subject."""
        return (self.rule, self.subject)

    @property
    def gone_at(self) -> float:
        """When the finding of a resolved alert was last gone; the alert was resolved some time after that."""
        return self.clear_since or self.resolved_at

    @property
    def lasted(self) -> float:
        """Seconds from the first sight of the finding until it was gone."""
        return max(0.0, self.gone_at - self.since)

    @property
    def key(self) -> tuple[str, str, str]:
        """One open alert at most per (cluster, rule, subject)."""
        return (self.cluster, self.rule, self.subject)


@frozen
class MaintenanceScope:
    """What is expected of one host while it is stopped: the scope of its maintenance.

    `hosts` are its configured addresses, `peers` its raft members, `disks` its disks (ids) and `zones` their zones.
    `whole` are the zones that have no writable disk without it. `expired` is the number of other disks that had lost
    their heartbeat at the start. `margin` is the promise: the number of units that the worst volume with a unit on
    the host can lose while it is away, None if no volume has one. `writable` is the percent of the space that its
    disks leave writable (None: not known), `chunks` the percent of free chunks that they leave in each of their zones.
    """

    host: str
    hosts: tuple[str, ...] = ()
    peers: tuple[int, ...] = ()
    disks: tuple[int, ...] = ()
    zones: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    expired: int = 0
    margin: int | None = None
    writable: int | None = None
    chunks: tuple[tuple[str, int], ...] = ()


@frozen
class WindowScope:
    """What one maintenance window of the settings mutes: its name and key there, its rules and severities.

    `rules` empty: all that a silence of `*` mutes.
    """

    name: str
    key: str
    rules: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = (Severity.INFO, Severity.WARNING)


@frozen
class Silence:
    """A mute until `until` (Unix seconds); `rule` may be `*`; `subject` "" means any; it tolerates up to `weight`.

    `alert` is the id of the alert whose end also ends the silence; 0: none. With a `scope` it is the maintenance of a
    host: it mutes what the scope expects, and ends early when anything else fails. With a `window` it is one
    occurrence of a maintenance window, and `by` is "". `begins` is when it starts (0: when it was created);
    `announced` is False until its start was announced.
    """

    cluster: str
    rule: str
    subject: str
    until: float
    by: str
    reason: str = ""
    created_at: float = 0.0
    weight: int = 0
    id: int = 0
    alert: int = 0
    scope: MaintenanceScope | None = None
    window: WindowScope | None = None
    begins: float = 0.0
    announced: bool = True

    def in_force(self, now: float) -> bool:
        """True between its start and its end."""
        return self.begins <= now < self.until


@frozen
class AlertText:
    """An alert in words: one full sentence, details one a line, how many details are left out, and its end.

    All is plain text: raw, unescaped, each on one line.
    """

    sentence: str
    lines: tuple[str, ...] = ()
    more: int = 0
    outcome: str = ""
