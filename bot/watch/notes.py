"""Notes on alerts and operations: kept once, shown in the thread, and in the audit log."""

from collections.abc import Callable, Collection, Mapping

from bot.alerting.model import AlertState
from bot.alerting.problems import NoSuchAlert
from bot.audit.chain import AuditEntry
from bot.common.errors import Refused
from bot.common.frozen import frozen
from bot.common.json_object import JsonValue
from bot.common.message_key import MessageKey
from bot.interactions.notes import (
    MAX_NOTE,
    MAX_NOTES,
    KeptNote,
    NoSuchThread,
    Note,
    NoteEmpty,
    NoteKind,
    NotePlace,
    NoteSubject,
    NoteTooLong,
    SeveralAlerts,
    TooManyNotes,
)
from bot.operations.operation_problems import NoSuchOperation
from bot.store.database import Store
from bot.store.unit_of_work import UnitOfWork
from bot.views.notes import note_line
from bot.watch.folded_messages import shown_now

_MAX_AUDITED = 300


@frozen
class NoteService:
    """Implements the note port of commands; `channels` are the alert channels. Raises StoreError, Refused."""

    store: Store
    wake: Callable[[], None]
    clock: Callable[[], float]
    channels: Mapping[str, str]

    async def place(self, subject: NoteSubject) -> NotePlace:
        """Find where a note on it belongs; Refused if there is no such alert or operation."""
        async with self.store.read() as uow:
            return await self._place(uow, subject)

    async def place_of_message(self, channel: str, *stamps: str) -> NotePlace:
        """Find the alert or operation in whose thread a message is, by the ts of the message or of its thread."""
        async with self.store.read() as uow:
            for ts in filter(None, stamps):
                key = await uow.notes.thread_at(channel, ts)
                if key is not None and key.root.group_channel is not None:
                    raise Refused(SeveralAlerts())
                if key is not None and (number := (await shown_now(uow, key.root)).alert_id):
                    return await self._place(uow, NoteSubject(NoteKind.ALERT, number))
                if key is not None and (card := key.root.card_id):
                    op = await uow.operations.of_card(card)
                    return await self._place(uow, NoteSubject(NoteKind.OPERATION, op.id if op else card))
        raise Refused(NoSuchThread())

    async def _place(self, uow: UnitOfWork, subject: NoteSubject) -> NotePlace:
        if subject.kind is NoteKind.OPERATION:
            op = await uow.operations.get(subject.number)
            if op is None:
                raise Refused(NoSuchOperation(subject.number))
            card = MessageKey.card(op.card_id)
            return NotePlace(subject, op.cluster, op.channel, card, card)
        alert = await uow.alerts.get(subject.number)
        if alert is None or alert.cluster not in self.channels or alert.state is AlertState.PENDING:
            raise Refused(NoSuchAlert(subject.number))
        own = MessageKey.alert(alert.id)
        parent = MessageKey.parse(alert.notes.group) if alert.notes.group else MessageKey.alert(alert.message_id)
        return NotePlace(subject, alert.cluster, self.channels[alert.cluster], own, parent, alert.rule)

    async def keep(
        self, place: NotePlace, text: str, *, by: str, source: str, at: float = 0.0, author: str | None = None
    ) -> KeptNote:
        """Keep a note that `by` typed, or that `author` wrote at `at` (Unix seconds) in a message.

        The same `source` is kept once. Refused for a text that is empty or too long, and for too many notes.
        """
        words = text.strip()
        if not words:
            raise Refused(NoteEmpty()).at("text")
        if len(words) > MAX_NOTE:
            raise Refused(NoteTooLong(len(words))).at("text")
        now = self.clock()
        note = Note(
            place.subject,
            place.cluster,
            place.thread,
            at or now,
            by if author is None else author,
            words,
            by,
            now,
            rule=place.rule,
            source=source,
        )
        async with self.store.begin() as uow:
            known = await uow.notes.from_source(place.thread, source)
            if known is None and await uow.notes.count(place.thread) >= MAX_NOTES:
                raise Refused(TooManyNotes(place.subject))
            stored = None if known else await uow.notes.add(note)
            if stored is None:
                return KeptNote(known or note, known=True)
            # The message of an old alert may be forgotten: then the note stands in the channel.
            posted = await uow.outbox.get(place.parent) is not None
            await uow.outbox.put(
                place.thread.note(stored.id), place.channel, note_line(stored), parent=place.parent if posted else None
            )
            await uow.audit.append(_entry(stored))
        self.wake()
        return KeptNote(stored)

    async def of(self, subject: NoteSubject) -> tuple[Note, ...]:
        """The notes in the thread of an alert or operation, the oldest first."""
        async with self.store.read() as uow:
            thread = MessageKey.alert(subject.number)
            if subject.kind is NoteKind.OPERATION:
                op = await uow.operations.get(subject.number)
                thread = MessageKey.card(op.card_id if op else subject.number)
            return tuple(await uow.notes.of_thread(thread))

    async def of_rule(self, rule: str, clusters: Collection[str], limit: int) -> tuple[Note, ...]:
        """The last notes on alerts of a rule, the oldest first."""
        async with self.store.read() as uow:
            return tuple(await uow.notes.of_rule(rule, clusters, limit))


def _entry(note: Note) -> AuditEntry:
    detail: dict[str, JsonValue] = {"note": note.id, "text": note.text[:_MAX_AUDITED], "author": note.by}
    op = note.subject.number if note.subject.kind is NoteKind.OPERATION else 0
    if not op:
        detail |= {"alert": note.subject.number, "rule": note.rule}
    return AuditEntry(note.kept_at, note.kept_by, "note.kept", note.cluster, op_id=op, detail=detail)
