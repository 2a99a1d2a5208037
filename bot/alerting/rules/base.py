"""What a rule is: a frozen value that looks at a Scene and answers with findings, or that it cannot tell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.model import Alert, Finding, Severity
from bot.alerting.own_network import Isolation
from bot.clustermgr.models import Snapshot, Stat

MAX_LINES = 50
MAX_PARTS = 1000


class CannotTell(Enum):
    """The type of CANNOT_TELL."""

    CANNOT_TELL = "cannot tell"


CANNOT_TELL = CannotTell.CANNOT_TELL
"""A rule's answer when the look shows neither that something is wrong nor that it is right: alerts stay as they are."""

Answer = tuple[Finding, ...] | CannotTell


@dataclass(frozen=True, slots=True)
class LeaderTerm:
    """The last look at a leader: what it told `at` that time (Unix seconds), when it had led for `led` seconds."""

    at: float
    led: float
    stat: Stat


@dataclass(frozen=True, slots=True)
class RuleContext:
    """All that a rule may look at; `memory` has this look in it already.

    `previous` is an earlier look, far enough back to prove a voter healthy; times in Unix seconds. `isolation` says
    that no cluster answers from here, and whose alert says so. `watched` are the keys of the rules that are enabled:
    what one of them tells, another may leave to it. `terms` are the last looks at earlier leaders, whose counters are
    known for a while yet.
    """

    snapshot: Snapshot
    memory: ClusterState
    now: float
    previous: Snapshot | None = None
    isolation: Isolation | None = None
    watched: frozenset[str] = frozenset()
    terms: tuple[LeaderTerm, ...] = ()

    @property
    def cluster(self) -> str:
        """The cluster's configured name."""
        return self.snapshot.cluster


class Unit(Enum):
    """What a threshold counts."""

    SECONDS = "seconds"
    NUMBER = "number"
    PERCENT = "percent"


@dataclass(frozen=True, slots=True)
class Threshold:
    """One number of a rule that the settings may change."""

    default: float
    unit: Unit
    about: str


@dataclass(frozen=True, slots=True)
class Names:
    """One list of words of a rule that the settings may replace by another of the `known` ones."""

    default: tuple[str, ...]
    known: tuple[str, ...]
    about: str


@dataclass(frozen=True, slots=True)
class RuleConfig:
    """What a rule is configured to: how severe its findings are at most, its thresholds and lists of words by name."""

    severity: Severity
    values: Mapping[str, float]
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    def at_most(self, severity: Severity) -> Severity:
        """A milder severity, unless the settings made the rule milder still."""
        return min(self.severity, severity)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that the watch looks for; all times in seconds.

    A finding must last `hold` before it is told and be gone for `clear` before it counts as resolved; while an alert
    fires and nobody acknowledged it, it is told again every `remind` (0: never). `resolved` words what became of it.
    """

    key: str
    about: str
    severity: Severity
    hold: float
    clear: float
    remind: float
    looks: Callable[[RuleContext, RuleConfig], Answer]
    resolved: Callable[[RuleContext, Alert], str]
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    lists: Mapping[str, Names] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    enabled: bool = True

    @property
    def runbook(self) -> str:
        """The section of docs/alerts.md that tells what to do."""
        return f"alerts.md#{self.key}"

    def answer(self, context: RuleContext) -> Answer:
        """What it sees."""
        defaults = {name: threshold.default for name, threshold in self.thresholds.items()}
        names = {name: known.default for name, known in self.lists.items()}
        return self.looks(context, RuleConfig(self.severity, {**defaults, **self.values}, {**names, **self.names}))
