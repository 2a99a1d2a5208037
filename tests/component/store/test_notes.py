"""Notes and the events of alerts in both databases."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from bot.alerting.history import AlertRecord
from bot.alerting.model import Alert, AlertState, LegacyDetail, Severity
from bot.common.message_key import MessageKey
from bot.interactions.message import Message
from bot.interactions.notes import MAX_NOTE, MAX_NOTES, Note, NoteKind, NotePlace, NoteSubject
from bot.store.database import Store
from bot.store.schema import posts
from bot.views.alert_text.table import alert_text
from bot.watch.notes import NoteService
from bot.watch.timeline import Timelines
from tests.support.databases import Clock
from tests.support.refusals import refused

ALERT = NoteSubject(NoteKind.ALERT, 1)


@pytest.fixture
def notes(store: Store, clock: Clock) -> NoteService:
    return NoteService(store, lambda: None, clock, {"prod": "C1"})


async def opened(store: Store, clock: Clock, **changes: Any) -> Alert:
    alert = Alert(
        "prod", "disk_broken", "", AlertState.FIRING, Severity.WARNING, LegacyDetail("Broken."), clock.now - 60
    )
    alert = replace(replace(alert, fired_at=clock.now - 60, changed_at=clock.now - 60), **changes)
    async with store.begin() as uow:
        return await uow.alerts.save(alert, alert_text(alert))


async def texts(store: Store) -> list[str]:
    async with store.read() as uow:
        return [note.text for note in await uow.notes.of_thread(MessageKey.alert(1))]


async def place(notes: NoteService, store: Store, clock: Clock) -> NotePlace:
    await opened(store, clock)
    return await notes.place(ALERT)


async def test_the_same_source_is_kept_once(notes: NoteService, store: Store, clock: Clock) -> None:
    """Also after a restart between the note and the end of its command."""
    where = await place(notes, store, clock)
    first = await notes.keep(where, "loud", by="U1", source="command 1")
    again = await notes.keep(where, "loud", by="U1", source="command 1")
    assert (first.known, again.known, again.note) == (False, True, first.note)
    assert await texts(store) == ["loud"]
    async with store.read() as uow:
        assert [row.action for row in await uow.audit.range()] == ["note.kept"]


async def test_note_is_posted_in_the_thread_or_in_the_channel_if_that_is_forgotten(
    notes: NoteService, store: Store, clock: Clock
) -> None:
    where = await place(notes, store, clock)
    await notes.keep(where, "first", by="U1", source="1")
    async with store.begin() as uow:
        await uow.outbox.put(MessageKey.alert(1), "C1", Message("Broken.", ()))
    await notes.keep(where, "second", by="U1", source="2")
    async with store.read() as uow:
        alone = await uow.outbox.get(MessageKey.alert(1).note(1))
        reply = await uow.outbox.get(MessageKey.alert(1).note(2))
    assert alone is not None
    assert reply is not None
    assert (alone.parent, reply.parent) == (None, MessageKey.alert(1))


async def test_text_is_limited(notes: NoteService, store: Store, clock: Clock) -> None:
    where = await place(notes, store, clock)
    with refused("The note is empty"):
        await notes.keep(where, " \n ", by="U1", source="1")
    with refused("at most 2,000"):
        await notes.keep(where, "x" * (MAX_NOTE + 1), by="U1", source="1")
    await notes.keep(where, "x" * MAX_NOTE, by="U1", source="1")


async def test_number_of_notes_is_limited(notes: NoteService, store: Store, clock: Clock) -> None:
    where = await place(notes, store, clock)
    async with store.begin() as uow:
        for number in range(MAX_NOTES):
            key = MessageKey.alert(1)
            await uow.notes.add(Note(ALERT, "prod", key, 1.0, "U1", "x", "U1", 1.0, source=f"{number}"))
    with refused("There are 200 notes on alert #1 already"):
        await notes.keep(where, "one more", by="U1", source="new")


async def test_alert_that_is_not_posted_or_of_no_configured_cluster_has_no_notes(
    notes: NoteService, store: Store, clock: Clock
) -> None:
    await opened(store, clock, state=AlertState.PENDING)
    await opened(store, clock, cluster="gone")
    for number in (1, 2, 3):
        with refused(f"no alert #{number}"):
            await notes.place(NoteSubject(NoteKind.ALERT, number))


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (MessageKey.group("C1", 1), "of several alerts"),
        (MessageKey.status("C1"), "in no thread"),
        (None, "in no thread"),
    ],
)
async def test_other_messages_than_of_one_alert_or_operation_are_refused(
    notes: NoteService, store: Store, key: MessageKey | None, words: str
) -> None:
    if key is not None:
        async with store.begin() as uow:
            await uow.outbox.put(key, "C1", Message("Many.", ()))
            await uow.outbox._session.change(update(posts).values(ts="1.2"))
    with refused(words):
        await notes.place_of_message("C1", "9.9", "1.2")


async def test_timeline_of_an_alert_of_an_older_release_has_what_its_row_knows(store: Store, clock: Clock) -> None:
    """No event of it was recorded; the one that was since is there once."""
    at = clock.now
    alert = await opened(store, clock, acked_by="U1", acked_at=at - 30, state=AlertState.ACKNOWLEDGED)
    async with store.begin() as uow:
        await uow.alert_events.add([AlertRecord(alert.id, "prod", "acknowledged", at - 30, "U1", Severity.WARNING)])
    found = await Timelines(store, clock).of_alert(alert)
    kinds = [event.fact.kind for event in found.events if isinstance(event.fact, AlertRecord)]
    assert kinds == ["fired", "acknowledged"]


async def test_note_written_after_the_alert_is_in_its_timeline(notes: NoteService, store: Store, clock: Clock) -> None:
    await opened(store, clock, state=AlertState.RESOLVED, resolved_at=clock.now - 10)
    where = await notes.place(ALERT)
    await notes.keep(where, "it was the fan", by="U1", source="1")
    async with store.read() as uow:
        alert = await uow.alerts.get(1)
    assert alert is not None
    found = await Timelines(store, clock).of_alert(alert)
    assert [event.fact.text for event in found.events if isinstance(event.fact, Note)] == ["it was the fan"]
