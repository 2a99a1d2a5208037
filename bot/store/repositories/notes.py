"""Notes in the store, and the thread of a message."""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import ColumnElement, RowMapping, func, select, text

from bot.common.message_key import MessageKey
from bot.interactions.notes import Note, NoteKind, NoteSubject
from bot.store.schema import notes, posts
from bot.store.session import Session


class Notes:
    """Notes on alerts and operations; none is changed."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, note: Note) -> Note | None:
        """Store a note and return it with its id; None if its source was kept in this thread already."""
        values = {name: getattr(note, name) for name in _PLAIN}
        new = self._session.insert(notes).values(**values, thread=str(note.thread), number=note.subject.number)
        once = new.on_conflict_do_nothing(index_elements=["thread", "source"], index_where=_KEPT).returning(notes.c.id)
        made = await self._session.value(once)
        return None if made is None else replace(note, id=made)

    async def from_source(self, thread: MessageKey, source: str) -> Note | None:
        """The note that was kept from this source in this thread, or None."""
        row = await self._session.row(select(notes).where(notes.c.thread == str(thread), notes.c.source == source))
        return None if row is None else _note(row)

    async def of_thread(self, thread: MessageKey, limit: int = 1000) -> list[Note]:
        """The last `limit` notes of one thread, the oldest first."""
        return await self._newest(notes.c.thread == str(thread), limit)

    async def count(self, thread: MessageKey) -> int:
        """Number of notes of one thread."""
        found = select(func.count()).select_from(notes).where(notes.c.thread == str(thread))
        return int(await self._session.value(found))

    async def of_rule(self, rule: str, clusters: Collection[str], limit: int) -> list[Note]:
        """The last `limit` notes on alerts of a rule in these clusters, the oldest first."""
        return await self._newest((notes.c.rule == rule) & notes.c.cluster.in_(list(clusters)), limit)

    async def between(self, since: float, until: float, cluster: str, limit: int = 1000) -> list[Note]:
        """The last `limit` notes of a cluster that were written within a time, the oldest first."""
        within = (notes.c.cluster == cluster) & (notes.c.at >= since) & (notes.c.at <= until)
        return await self._newest(within, limit)

    async def _newest(self, condition: ColumnElement[bool], limit: int) -> list[Note]:
        query = select(notes).where(condition).order_by(notes.c.at.desc(), notes.c.id.desc()).limit(limit)
        return [_note(row) for row in reversed(await self._session.rows(query))]

    async def thread_at(self, channel: str, ts: str) -> MessageKey | None:
        """The key of cmbot's message in Slack, None for a message that is not cmbot's, or too old to be known."""
        query = select(posts.c.slot).where(posts.c.channel == channel, posts.c.ts == ts).limit(1)
        slot = await self._session.value(query)
        return None if slot is None else MessageKey.parse(slot)


_KEPT = text("source <> ''")
"""The condition of the unique index, as it was created: PostgreSQL infers the index from no parameter."""
_PLAIN = ("cluster", "rule", "at", "by", "kept_by", "kept_at", "text", "source")


def _note(row: RowMapping) -> Note:
    thread = MessageKey.parse(row["thread"])
    kind = NoteKind.OPERATION if thread.of_operation else NoteKind.ALERT
    plain = {name: row[name] for name in _PLAIN}
    return Note(NoteSubject(kind, row["number"]), thread=thread, id=row["id"], **plain)
