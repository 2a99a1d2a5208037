"""Timelines and runbooks as JSON with stable keys (docs/agents.md). No I/O."""

from bot.alerting.history import AlertRecord
from bot.cli.terminal.cluster_json import iso
from bot.common.json_object import JsonObject
from bot.interactions.facts import RuleRunbook
from bot.interactions.notes import Note
from bot.interactions.timeline import Fact, OperationEvent, SilenceEvent, Timeline, TimelineEvent
from bot.views.timeline import event_words


def timeline_json(found: Timeline) -> JsonObject:
    """The events of a timeline, the oldest first."""
    return {
        "about": str(found.subject) if found.subject else None,
        "title": found.title or None,
        "clusters": list(found.clusters),
        "since": iso(found.since),
        "until": iso(found.until),
        "older_events": found.left_out,
        "events": [_event(found, event) for event in found.events],
    }


def _event(found: Timeline, event: TimelineEvent) -> JsonObject:
    return {
        "at": iso(event.at),
        "cluster": event.cluster,
        "kind": _kind(event.fact),
        "about": str(event.about) if event.about else None,
        "of_subject": found.of_subject(event),
        "by": event.by or None,
        "text": event_words(event),
    }


def _kind(fact: Fact) -> str:
    match fact:
        case AlertRecord():
            return "alert"
        case OperationEvent():
            return "operation"
        case SilenceEvent():
            return "silence"
        case Note():
            return "note"
        case _:
            return "change"


def runbook_json(found: RuleRunbook) -> JsonObject:
    """What a rule means, why it matters, and what to do."""
    return {
        "rule": found.rule.key,
        "about": found.rule.about,
        "severity": found.rule.severity.name.lower(),
        "why": found.runbook.why,
        "steps": list(found.runbook.steps),
        "notes": found.runbook.notes or None,
        "page": found.rule.runbook,
    }
