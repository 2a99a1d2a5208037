"""Topics of reasons and alerts, the most severe first: writes, quorum, data, space, reach, settings."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Protocol

from bot.alerting.model import Severity


class Topic(IntEnum):
    """Topic of a problem, the most severe first."""

    WRITES = 0
    QUORUM = 1
    DATA = 2
    SPACE = 3
    REACH = 4
    SETTINGS = 5


_RULES: Mapping[Topic, tuple[str, ...]] = {
    Topic.WRITES: ("no_leader", "leader_flapping", "apply_stalled"),
    Topic.QUORUM: ("quorum_at_risk", "peer_down", "peer_lagging", "membership_changed", "leader_changed"),
    Topic.DATA: (
        "volumes_lost",
        "volumes_at_risk",
        "volumes_unreachable",
        "disk_not_empty",
        "disk_broken",
        "disk_expired",
        "repair_stuck",
        "drop_stuck",
        "disk_dropping",
        "scheduler_silent",
        "tasks_failing",
    ),
    Topic.SPACE: ("writable_low", "chunks_low", "volumes_low", "no_volume"),
    Topic.REACH: (
        "cluster_unreachable",
        "own_network",
        "watch_blind",
        "host_unreachable",
        "hosts_disagree",
        "stale_host",
        "leader_unseen",
        "api_error",
        "auth_rejected",
        "slow_answers",
        "external",
    ),
    Topic.SETTINGS: (
        "read_only",
        "learner_ready",
        "task_off_with_work",
        "task_off_too_long",
        "switch_meaningless",
        "switch_changed",
    ),
}
TOPICS: Mapping[str, Topic] = MappingProxyType({rule: topic for topic, rules in _RULES.items() for rule in rules})
_PLACES: Mapping[str, int] = MappingProxyType({rule: place for place, rule in enumerate(TOPICS)})


def topic_of(rule: str) -> Topic:
    """Return the topic of a rule's alerts."""
    return TOPICS.get(rule, Topic.SETTINGS)


def place_of(rule: str) -> int:
    """Return the place of a rule among all rules, the most severe topic first, and in a topic the most severe rule."""
    return _PLACES.get(rule, len(_PLACES))


class Ranked(Protocol):
    """What the order of alerts goes by."""

    @property
    def severity(self) -> Severity:
        """Its severity."""

    @property
    def rule(self) -> str:
        """Its rule."""

    @property
    def since(self) -> float:
        """Since when it is wrong (Unix seconds)."""


def most_severe_first(alert: Ranked) -> tuple[float, ...]:
    """Key to sort alerts: by severity, then the worst topic and rule, then the oldest."""
    return (-alert.severity, place_of(alert.rule), alert.since)
