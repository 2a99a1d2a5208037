"""Timelines: read from the store what happened on clusters within a time; writes nothing."""

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter

from bot.alerting.cluster_state.observations import MemberChange
from bot.alerting.cluster_state.state import ClusterState, LeaderChange
from bot.alerting.history import AlertRecord
from bot.alerting.model import Alert
from bot.alerting.reports.facts import Happening, SwitchEvent
from bot.audit.chain import AuditRow
from bot.audit.query import AuditQuery
from bot.common.frozen import frozen
from bot.common.message_key import MessageKey
from bot.interactions.notes import NoteKind, NoteSubject
from bot.interactions.timeline import (
    MAX_EVENTS,
    OperationEvent,
    SilenceEvent,
    Timeline,
    TimelineEvent,
    of_alert,
    of_operation,
)
from bot.operations.model import Operation
from bot.store.database import Store
from bot.store.unit_of_work import UnitOfWork
from bot.views.alert_text.table import outcome_sentence, sentence_of
from bot.views.op_parts import title

BEFORE = 300.0
"""Seconds before an alert or operation that its timeline shows too: what led to it."""
_SILENCES = "silence."
_LONG = 86400.0
"""Seconds; no operation takes longer from its proposal to its end, apart from a switch with a lease."""


@frozen
class Timelines:
    """Implements the timeline port of commands; raises StoreError."""

    store: Store
    clock: Callable[[], float]

    async def of_alert(self, alert: Alert) -> Timeline:
        """The time of an alert: from a little before it was seen until it ended, or now."""
        until = alert.resolved_at or self.clock()
        return await self.between((alert.cluster,), alert.since - BEFORE, until, of_alert(alert.id), sentence_of(alert))

    async def of_operation(self, op: Operation) -> Timeline:
        """The time of an operation: from a little before it was proposed until its last step, or now."""
        until = op.history[-1].at if op.final and op.history and not op.lease_until else self.clock()
        return await self.between((op.cluster,), op.created_at - BEFORE, until, of_operation(op.id), title(op))

    async def between(
        self, clusters: Sequence[str], since: float, until: float, subject: NoteSubject | None = None, about: str = ""
    ) -> Timeline:
        """All events of clusters within a time; the notes on the subject also when they were written later."""
        found: list[TimelineEvent] = []
        async with self.store.read() as uow:
            for cluster in clusters:
                found += await _events(uow, cluster, since, until)
            if subject is not None:
                found += await _later_notes(uow, subject, until)
        found.sort(key=attrgetter("at"))
        kept = tuple(found[-MAX_EVENTS:])
        return Timeline(since, until, tuple(clusters), kept, subject, about, len(found) - len(kept))


async def _events(uow: UnitOfWork, cluster: str, since: float, until: float) -> list[TimelineEvent]:
    records = await uow.alert_events.between(since, until, cluster, MAX_EVENTS)
    alerts = [alert for alert in await uow.alerts.recent(since, cluster) if alert.since <= until]
    operations = await uow.operations.recent(MAX_EVENTS, since - _LONG, cluster)
    state = await uow.cluster_states.get(cluster)
    asked = AuditQuery(since, cluster=cluster)
    rows = await uow.audit.newest(asked, limit=MAX_EVENTS)
    found = [
        *_of_alerts(records, alerts),
        *(
            TimelineEvent(event.at, cluster, OperationEvent(op, event), event.by, of_operation(op.id))
            for op in operations
            for event in op.history
        ),
        *_of_state(state, cluster),
        *(
            TimelineEvent(row.at, cluster, SilenceEvent(row), row.actor, _silenced(row))
            for row in rows
            if row.action.startswith(_SILENCES)
        ),
        *(
            TimelineEvent(note.at, cluster, note, note.by, note.subject)
            for note in await uow.notes.between(since, until, cluster, MAX_EVENTS)
        ),
    ]
    return [event for event in found if since <= event.at <= until]


def _of_alerts(records: Sequence[AlertRecord], alerts: Sequence[Alert]) -> Iterator[TimelineEvent]:
    """The recorded events, and those of alerts of an older release, which has recorded none."""
    known = {(record.alert, record.kind) for record in records}
    older = (
        AlertRecord(alert.id, alert.cluster, kind, at, by, alert.severity, sentence)
        for alert in alerts
        for kind, at, by, sentence in (
            ("fired", alert.fired_at, "", sentence_of(alert)),
            ("acknowledged", alert.acked_at, alert.acked_by, sentence_of(alert)),
            ("resolved", alert.resolved_at if alert.fired_at else 0.0, "", outcome_sentence(alert)),
        )
        if at and (alert.id, kind) not in known
    )
    for record in (*records, *older):
        yield TimelineEvent(record.at, record.cluster, record, record.by, of_alert(record.alert))


def _of_state(state: ClusterState, cluster: str) -> Iterator[TimelineEvent]:
    """Changes of the leader, the members and the switches, as the watch saw them."""
    switches = (SwitchEvent(each, state.dialect) for each in state.switch_changes)
    changes: tuple[LeaderChange | MemberChange, ...] = (*state.changes, *state.member_changes)
    for change in changes:
        yield TimelineEvent(change.at, cluster, Happening(change.at, cluster, change))
    for each in switches:
        yield TimelineEvent(each.change.at, cluster, Happening(each.change.at, cluster, each))


def _silenced(row: AuditRow) -> NoteSubject | None:
    """The alert that a silence of one alert is about."""
    number = row.details.get("alert")
    return of_alert(number) if isinstance(number, int) and number > 0 else None


async def _later_notes(uow: UnitOfWork, subject: NoteSubject, until: float) -> list[TimelineEvent]:
    """The notes on the subject that were written after its time, as in a post-mortem."""
    thread = MessageKey.alert(subject.number)
    if subject.kind is NoteKind.OPERATION:
        op = await uow.operations.get(subject.number)
        thread = MessageKey.card(op.card_id if op else subject.number)
    notes = await uow.notes.of_thread(thread)
    return [TimelineEvent(note.at, note.cluster, note, note.by, subject) for note in notes if note.at > until]
