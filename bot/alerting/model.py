"""Alert values: Finding (what a rule sees now), Alert (a finding with a life), Silence (a time-limited mute)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any


class Severity(IntEnum):
    """How urgent: higher is worse."""

    INFO = 1
    WARNING = 2
    CRITICAL = 3


class AlertState(StrEnum):
    """pending (holding before it is told), firing, acknowledged, resolved."""

    PENDING = "pending"
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule sees wrong in a Snapshot.

    `subject` tells alerts of one rule apart within a cluster ("" when there is one at most); `weight` grows as
    the same subject gets worse (number of broken disks); `sentence` is one full sentence with the number in it;
    `lines` are details (one a line, plain text, unescaped); `data` is what views and the next tick need (JSON):
    `parts` names what it consists of (a new part is worse, whatever the weight), `more` counts what `lines` leave out,
    `covers` lists the [rule, subject] pairs that need no alert of their own beside it (see covering.py), `fix` is a
    command, without its `/cm`, that mends it.
    A `partial` finding may raise an alert or make it grow, but is no proof that anything got better. A `doubtful` one
    neither raises nor changes nor ends an alert, but the time that it takes counts: what comes and goes is told.
    """

    rule: str
    subject: str
    severity: Severity
    sentence: str
    lines: tuple[str, ...] = ()
    weight: int = 1
    data: Mapping[str, Any] = field(default_factory=dict)
    partial: bool = False
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Alert:
    """A Finding with a life; times in Unix seconds, 0 when it has not happened.

    `id` is 0 until the store gave one. `since` is when it was first seen, `fired_at` when it was first told,
    `clear_since` when its finding was last gone, `reminded_at` when it last called for attention. `version` counts
    what a reader would notice: the compare-and-set key. `data` is the finding's, and `lifted`: the ids of silences
    that no longer hold for it, as it got worse under them.
    """

    cluster: str
    rule: str
    subject: str
    state: AlertState
    severity: Severity
    sentence: str
    since: float
    lines: tuple[str, ...] = ()
    weight: int = 1
    data: Mapping[str, Any] = field(default_factory=dict)
    fired_at: float = 0.0
    resolved_at: float = 0.0
    clear_since: float = 0.0
    changed_at: float = 0.0
    reminded_at: float = 0.0
    acked_by: str = ""
    acked_at: float = 0.0
    resolution: str = ""
    id: int = 0
    version: int = 0

    @property
    def open(self) -> bool:
        """Whether it still has a life to live."""
        return self.state is not AlertState.RESOLVED

    @property
    def gone_at(self) -> float:
        """When a resolved alert's finding was last gone: it is resolved only once that has lasted for a while."""
        return self.clear_since or self.resolved_at

    @property
    def lasted(self) -> float:
        """Seconds from when it was first seen until its finding was gone."""
        return max(0.0, self.gone_at - self.since)

    @property
    def key(self) -> tuple[str, str, str]:
        """One open alert at most per (cluster, rule, subject)."""
        return (self.cluster, self.rule, self.subject)


@dataclass(frozen=True, slots=True)
class Silence:
    """A mute until `until` (Unix seconds); `rule` may be `*`; `subject` "" means any; `weight` is what it tolerates.

    `alert` is the id of the alert with which it ends, if that is before its time; 0 when with none.
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
