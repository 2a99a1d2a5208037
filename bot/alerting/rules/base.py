"""Rule: a frozen value that evaluates a RuleContext and answers with findings, or that it cannot tell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.external import ExternalAlert
from bot.alerting.model import Alert, Finding, Outcome, Severity
from bot.alerting.outcomes import Ended, LeaderNow
from bot.alerting.own_network import Isolation
from bot.alerting.volume_risk import VolumeRisks, risks_of
from bot.clustermgr.health import VoterHealth, voter_health
from bot.clustermgr.models import Snapshot, Stat
from bot.common.frozen import frozen

MAX_LINES = 50
MAX_PARTS = 1000


class CannotTell(Enum):
    """The type of CANNOT_TELL."""

    CANNOT_TELL = "cannot tell"


CANNOT_TELL = CannotTell.CANNOT_TELL
"""A rule's answer if the poll proves neither that something is wrong nor that all is well: alerts stay as they are."""

Answer = tuple[Finding, ...] | CannotTell


@frozen
class LeaderTerm:
    """The last poll of a leader: its state `at` that time (Unix seconds), when it had led for `led` seconds."""

    at: float
    led: float
    stat: Stat


@dataclass(frozen=True)
class RuleContext:
    """All facts that a rule may use; `state` includes this poll already.

    `previous` is an earlier poll, far enough back to prove a voter healthy; times in Unix seconds. `isolation` is set
    if no cluster answers from here, and names the cluster whose alert says so. `watched` are the keys of the enabled
    rules: one rule may leave a problem to another. `terms` are the last polls of earlier leaders, whose counters
    still count for a while.
    """

    snapshot: Snapshot
    state: ClusterState
    now: float
    previous: Snapshot | None = None
    isolation: Isolation | None = None
    watched: frozenset[str] = frozenset()
    terms: tuple[LeaderTerm, ...] = ()
    external: tuple[ExternalAlert, ...] = ()
    """What Alertmanagers reported of this cluster, firing or over."""
    computed: dict[type, object] = field(default_factory=dict, compare=False, repr=False)
    """What was computed from these facts for one rule and serves others, by its type."""

    @cached_property
    def volume_risks(self) -> VolumeRisks:
        """The risk of each volume that is read, the worst first; computed once, because several rules use it."""
        survey = self.snapshot.volumes
        return VolumeRisks() if survey is None else risks_of(survey, self.snapshot.expired_disks)

    @cached_property
    def voter_health(self) -> Mapping[int, VoterHealth]:
        """The health of every voter by peer id, empty without a leader; computed once, because several rules use it."""
        return voter_health(self.previous, self.snapshot)

    @property
    def cluster(self) -> str:
        """The cluster's configured name."""
        return self.snapshot.cluster


class Unit(Enum):
    """The unit of a threshold."""

    SECONDS = "seconds"
    NUMBER = "number"
    PERCENT = "percent"


@frozen
class Threshold:
    """One number of a rule that the settings may change."""

    default: float
    unit: Unit
    about: str


@frozen
class Names:
    """One list of words of a rule that the settings may replace by another of the `known` ones."""

    default: tuple[str, ...]
    known: tuple[str, ...]
    about: str


@frozen
class RuleConfig:
    """Configuration of a rule: the highest severity of its findings, its thresholds and lists of words by name."""

    severity: Severity
    values: Mapping[str, float]
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    def at_most(self, severity: Severity) -> Severity:
        """The lower of this severity and the configured one."""
        return min(self.severity, severity)


@frozen
class Rule:
    """One kind of problem that the watch looks for; all times in seconds.

    A finding must last `for_seconds` (`hold` in the settings) before it is announced, and be gone for `clear` before
    its alert is resolved. While an alert fires without an acknowledgement, a reminder comes every `remind` (0: never).
    `finds` returns the problems; `resolved` gives the facts of an alert's end.
    """

    key: str
    about: str
    severity: Severity
    for_seconds: float
    clear: float
    remind: float
    finds: Callable[[RuleContext, RuleConfig], Answer]
    resolved: Callable[[RuleContext, Alert], Outcome]
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    lists: Mapping[str, Names] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    enabled: bool = True
    config: RuleConfig = field(init=False, compare=False, repr=False)
    """The configuration of these fields."""

    def __post_init__(self) -> None:
        """Make the configuration once: each poll needs it."""
        values = {name: threshold.default for name, threshold in self.thresholds.items()}
        names = {name: known.default for name, known in self.lists.items()}
        config = RuleConfig(self.severity, {**values, **self.values}, {**names, **self.names})
        object.__setattr__(self, "config", config)

    @property
    def runbook(self) -> str:
        """The section of docs/alerts.md with the next steps."""
        return f"alerts.md#{self.key}"

    def answer(self, context: RuleContext) -> Answer:
        """The findings in this context."""
        return self.finds(context, self.config)


def ended(_: RuleContext, __: Alert) -> Outcome:
    """The end of an alert that needs no further fact."""
    return Ended()


def leader_now(context: RuleContext, _: Alert) -> Outcome:
    """The end of an alert about a missing leader: the leader and its term."""
    return LeaderNow(context.state.leader, context.state.term)
