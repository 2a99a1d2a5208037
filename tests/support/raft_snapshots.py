"""Made-up looks changed host by host: what one node tells of raft, how long it takes, what error it gives."""

from dataclasses import replace
from typing import Any

from bot.alerting.cluster_state.state import ClusterState, update
from bot.alerting.model import Alert, AlertState, LegacyDetail, Severity
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule, RuleContext
from bot.alerting.rules.table import rule_named
from bot.clustermgr.models import HostLook, Snapshot
from bot.common.errors import ClusterError
from tests.support.alert_words import outcome, sentence
from tests.support.watch_builders import host


def having(snapshot: Snapshot, node: int, *, took: float | None = None, **raft: Any) -> Snapshot:
    """The look with other raft fields, or another duration (seconds), of one node's own answer."""
    return replace(snapshot, looks=tuple(_changed(look, node, took, raft) for look in snapshot.looks))


def _changed(look: HostLook, node: int, took: float | None, raft: dict[str, Any]) -> HostLook:
    if look.host != host(node) or look.stat is None:
        return look
    status = look.stat.raft_status.model_copy(update=raft)
    stat = look.stat.model_copy(update={"raft_status": status})
    return replace(look, stat=stat, took=look.took if took is None else took)


def failing(snapshot: Snapshot, *nodes: int, error: ClusterError) -> Snapshot:
    """The look at which these nodes gave an error."""
    hosts = {host(node) for node in nodes}
    looks = (HostLook(look.host, 0.01, error=error) if look.host in hosts else look for look in snapshot.looks)
    return replace(snapshot, looks=tuple(looks))


def after(*looks: Snapshot) -> RuleContext:
    """The scene of the last look, with what was remembered of all of them; the one before it is the earlier look."""
    memory, before = ClusterState(), None
    for look in looks:
        memory, before, last = update(memory, look, previous=before), look, before
    return RuleContext(looks[-1], memory, looks[-1].at, last)


def said(answer: Answer) -> dict[str, str] | None:
    """The sentences of an answer by subject, None when it cannot tell or only doubts."""
    if answer is CANNOT_TELL or any(finding.doubtful for finding in answer):
        return None
    return {finding.subject: sentence(finding) for finding in answer}


def grades(answer: Answer) -> set[Severity]:
    """How severe its findings are."""
    return set() if answer is CANNOT_TELL else {finding.severity for finding in answer}


def resolution(rule: str, subject: str, view: RuleContext) -> str:
    """What is said of an alert of that rule that ends with this scene."""
    found = rule_named(rule)
    assert found is not None
    alert = Alert("prod", rule, subject, AlertState.FIRING, Severity.WARNING, LegacyDetail("It is so."), 0)
    return outcome(found.resolved(view, alert), alert)


def rule_of(key: str) -> Rule:
    """The rule of that key as it comes."""
    found = rule_named(key)
    assert found is not None
    return found


def ask(rule: str, view: RuleContext, **values: float) -> Answer:
    """What the rule of that key says, with other thresholds where given."""
    found = rule_named(rule)
    assert found is not None
    return replace(found, values=values).answer(view)
