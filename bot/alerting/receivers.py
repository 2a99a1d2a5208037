"""Receivers of alerts outside Slack: which alerts each takes, and which changes it must hear of. No I/O."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self

from bot.alerting.model import AlertState, Severity
from bot.common.frozen import frozen

EXTERNAL_RULE = "external"
"""The rule of alerts that came in from an Alertmanager."""


class ReceiverKind(StrEnum):
    """What a receiver is."""

    ALERTMANAGER = "alertmanager"
    WEBHOOK = "webhook"
    PAGERDUTY = "pagerduty"
    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"


ROBOTS = frozenset({ReceiverKind.WECOM, ReceiverKind.DINGTALK, ReceiverKind.FEISHU})
"""Receivers that take text for people."""


class When(StrEnum):
    """When a receiver is sent alerts."""

    ALWAYS = "always"
    SLACK_DOWN = "slack_down"


@frozen
class OutputAlert:
    """An alert as receivers get it: plain text without markup, times in Unix seconds (0: has not happened).

    `key` names the alert for good, among all installations. `acked_by` is the Slack user who holds it.
    """

    id: int
    key: str
    cluster: str
    rule: str
    subject: str
    severity: Severity
    state: AlertState
    summary: str
    details: tuple[str, ...] = ()
    outcome: str = ""
    since: float = 0.0
    fired_at: float = 0.0
    resolved_at: float = 0.0
    acked_by: str = ""
    silenced: bool = False

    @property
    def open(self) -> bool:
        """True unless the alert is resolved."""
        return self.state is not AlertState.RESOLVED

    def to_json(self) -> dict[str, Any]:
        """The stored form."""
        plain = {name: getattr(self, name) for name in _names(self) if name not in {"severity", "state", "details"}}
        return {**plain, "severity": int(self.severity), "state": self.state.value, "details": list(self.details)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The alert of a stored form; keys that this release does not know are ignored."""
        found = {name: stored[name] for name in _names(cls) if name in stored}
        found |= {"severity": Severity(stored["severity"]), "state": AlertState(stored["state"])}
        return cls(**{**found, "details": tuple(str(line) for line in stored.get("details", ()))})


def _names(alert: OutputAlert | type[OutputAlert]) -> Iterator[str]:
    return (each.name for each in fields(alert))


@frozen
class Receiver:
    """One receiver: its clusters (empty: all), its lowest severity, and when it is sent alerts."""

    name: str
    kind: ReceiverKind
    clusters: frozenset[str] = frozenset()
    severity: Severity = Severity.INFO
    when: When = When.ALWAYS

    def to_json(self) -> dict[str, Any]:
        """The form in which replicas report it to each other."""
        return {
            "kind": self.kind.value,
            "clusters": sorted(self.clusters),
            "severity": int(self.severity),
            "when": self.when.value,
        }

    @classmethod
    def from_json(cls, name: str, stored: Mapping[str, Any]) -> Self:
        """The receiver that a replica reported; raises ValueError, KeyError for one of a later release."""
        severity, when = Severity(stored["severity"]), When(stored["when"])
        return cls(name, ReceiverKind(stored["kind"]), frozenset(map(str, stored["clusters"])), severity, when)

    def takes(self, alert: OutputAlert) -> bool:
        """True if the receiver gets this alert. One that came from an Alertmanager never goes back to one."""
        if alert.rule == EXTERNAL_RULE and self.kind is ReceiverKind.ALERTMANAGER:
            return False
        return alert.severity >= self.severity and (not self.clusters or alert.cluster in self.clusters)

    def mark(self, alert: OutputAlert) -> str:
        """What the receiver must hear of: while two versions of an alert have the same mark, it gets no news."""
        return _MARKS[self.kind](alert)


def _of_pager(alert: OutputAlert) -> str:
    return f"{alert.state} {int(alert.severity)}"


def _of_robot(alert: OutputAlert) -> str:
    return f"{'firing' if alert.open else 'resolved'} {int(alert.severity)}"


def _of_alertmanager(alert: OutputAlert) -> str:
    return f"{_of_robot(alert)} {alert.summary}"


def _of_webhook(alert: OutputAlert) -> str:
    return f"{_of_pager(alert)} {alert.acked_by} {alert.silenced} {alert.summary}"


_MARKS = MappingProxyType(
    {
        ReceiverKind.ALERTMANAGER: _of_alertmanager,
        ReceiverKind.WEBHOOK: _of_webhook,
        ReceiverKind.PAGERDUTY: _of_pager,
        **dict.fromkeys(sorted(ROBOTS), _of_robot),
    }
)
