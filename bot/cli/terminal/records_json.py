"""Alerts, operations and clusters as JSON with stable keys (docs/terminal.md). No I/O."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from bot.alerting.folding import folded_into
from bot.alerting.model import Alert, Silence
from bot.cli.terminal import cluster_json, history_json
from bot.cli.terminal.cluster_json import iso
from bot.common.json_object import JsonObject
from bot.interactions.facts import OneDisk, OpenAlerts, OperationRows, Polled, RuleRunbook, TaskStates
from bot.interactions.message import Undelivered
from bot.interactions.timeline import Timeline
from bot.operations.model import Operation
from bot.views.alert_text.table import alert_text
from bot.views.clusters import ClusterLine
from bot.views.disk_list import DiskList
from bot.views.op_parts import title
from bot.views.risk import RiskReport


def results(command: str, facts: object) -> Sequence[Mapping[str, Any]]:
    """Return the objects of one answer: one for a cluster, or one for each alert, operation or cluster."""
    if isinstance(facts, Polled):
        return [cluster_json.members_json(facts) if command == "members" else cluster_json.stat_json(facts)]
    if isinstance(facts, OpenAlerts):
        return [_alert(alert, facts.alerts) for alert in facts.alerts]
    if isinstance(facts, OperationRows):
        return [_operation(op) for op in facts.operations]
    if isinstance(facts, tuple):
        return [_cluster(line) for line in facts if isinstance(line, ClusterLine)]
    known = _OF_CLUSTER.get(type(facts))
    return [known(facts)] if known else []


_OF_CLUSTER: Mapping[type, Callable[[Any], JsonObject]] = MappingProxyType(
    {
        DiskList: cluster_json.disks_json,
        OneDisk: cluster_json.disk_json,
        TaskStates: cluster_json.tasks_json,
        RiskReport: cluster_json.risk_json,
        Timeline: history_json.timeline_json,
        RuleRunbook: history_json.runbook_json,
    }
)


def beside(facts: object) -> Mapping[str, Any]:
    """Return what an answer has besides its results: silences, and messages that Slack refused."""
    if isinstance(facts, OpenAlerts):
        return {"silences": [_silence(each) for each in facts.silences]}
    if isinstance(facts, OperationRows):
        return {"undelivered": [_undelivered(each) for each in facts.undelivered]}
    return {}


def _alert(alert: Alert, alerts: Sequence[Alert]) -> JsonObject:
    text, first = alert_text(alert), folded_into(alert, alerts)
    return {
        "alert": alert.id,
        "cluster": alert.cluster,
        "rule": alert.rule,
        "subject": alert.subject,
        "severity": alert.severity.name.lower(),
        "state": str(alert.state),
        "since": iso(alert.since),
        "sentence": text.sentence,
        "lines": list(text.lines),
        "acknowledged_by": alert.acked_by or None,
        "acknowledged_at": iso(alert.acked_at),
        "acknowledged_until": iso(alert.notes.acked_until or 0.0),
        "silenced": alert.notes.muted is not None,
        "in_message_of": None if first is None else first.id,
    }


def _silence(held: Silence) -> JsonObject:
    return {
        "silence": held.id,
        "cluster": held.cluster,
        "rule": held.rule,
        "subject": held.subject or None,
        "until": iso(held.until),
        "by": held.by,
        "reason": held.reason or None,
        "maintenance_of": held.scope.host if held.scope else None,
    }


def _operation(op: Operation) -> JsonObject:
    return {
        "operation": op.id,
        "cluster": op.cluster,
        "kind": str(op.kind),
        "title": title(op),
        "state": str(op.state),
        "open": not op.final,
        "requested_by": op.requester,
        "by_agent": op.options.agent,
        "approved_by": list(op.approvals),
        "reason": op.reason or None,
        "created_at": iso(op.created_at),
        "expires_at": iso(op.expires_at),
    }


def _undelivered(each: Undelivered) -> JsonObject:
    return {"channel": each.channel, "text": each.text, "error": each.error, "at": iso(each.at)}


def _cluster(line: ClusterLine) -> JsonObject:
    noted = line.noted
    return {
        "cluster": line.name,
        "level": noted.level or None,
        "sentence": line.sentence or None,
        "leader": {"peer": noted.leader, "host": noted.leader_host or None} if noted.leader else None,
        "term": noted.term or None,
        "hosts": line.hosts,
        "answered": noted.answered,
        "at": iso(noted.at),
    }
