"""Snapshots changed host by host: the raft state of one node, its delay, or its error."""

from dataclasses import replace
from typing import Any

from bot.alerting.cluster_state.state import ClusterState, update
from bot.alerting.model import Alert, AlertState, LegacyDetail, Severity
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule, RuleContext
from bot.alerting.rules.table import rule_named
from bot.clustermgr.models import HostAnswer, Snapshot
from bot.common.errors import ClusterError
from tests.support.alert_words import outcome, sentence
from tests.support.watch_builders import host


def having(snapshot: Snapshot, node: int, *, took: float | None = None, **raft: Any) -> Snapshot:
    """The look with other raft fields, or another duration (seconds), of one node's own answer."""
    return replace(snapshot, answers=tuple(_changed(polled, node, took, raft) for polled in snapshot.answers))


def _changed(polled: HostAnswer, node: int, took: float | None, raft: dict[str, Any]) -> HostAnswer:
    if polled.host != host(node) or polled.stat is None:
        return polled
    status = polled.stat.raft_status.model_copy(update=raft)
    stat = polled.stat.model_copy(update={"raft_status": status})
    return replace(polled, stat=stat, took=polled.took if took is None else took)


def failing(snapshot: Snapshot, *nodes: int, error: ClusterError) -> Snapshot:
    """The look at which these nodes gave an error."""
    hosts = {host(node) for node in nodes}
    answers = (
        HostAnswer(polled.host, 0.01, error=error) if polled.host in hosts else polled for polled in snapshot.answers
    )
    return replace(snapshot, answers=tuple(answers))


def after(*answers: Snapshot) -> RuleContext:
    """The scene of the last look, with what was remembered of all of them; the one before it is the earlier look."""
    state, before = ClusterState(), None
    for polled in answers:
        state, before, last = update(state, polled), polled, before
    return RuleContext(answers[-1], state, answers[-1].at, last)


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
