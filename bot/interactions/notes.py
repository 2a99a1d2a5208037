"""Notes that people keep on an alert or an operation, what they are about, and why one is refused. No I/O."""

import re
from enum import StrEnum

from bot.common.errors import Problem
from bot.common.frozen import frozen
from bot.common.message_key import MessageKey

MAX_NOTE = 2000
"""Characters of one note."""
MAX_NOTES = 200
"""Notes on one alert or operation."""
_SUBJECT = re.compile(r"(?:(alert|op|operation)\s*)?#?\s*(\d{1,15})", re.IGNORECASE | re.ASCII)


class NoteKind(StrEnum):
    """What a note is about."""

    ALERT = "alert"
    OPERATION = "op"


@frozen
class NoteSubject:
    """The alert or operation that a note is about, by its number."""

    kind: NoteKind
    number: int

    def __str__(self) -> str:
        """Return how people name it."""
        return f"{'alert' if self.kind is NoteKind.ALERT else 'operation'} #{self.number}"


def subject_named(text: str) -> NoteSubject | None:
    """Return what `17`, `alert 17`, `#17` or `op 12` names; a bare number is an alert's. None for any other text."""
    found = _SUBJECT.fullmatch(text.strip())
    if found is None or not int(found[2]):
        return None
    kind = NoteKind.ALERT if (found[1] or "alert").lower() == "alert" else NoteKind.OPERATION
    return NoteSubject(kind, int(found[2]))


@frozen
class Note:
    """A note; times in Unix seconds, people as Slack user ids.

    `by` wrote it at `at` ("" for cmbot itself); `kept_by` kept it at `kept_at`. `thread` is the key of the message in
    whose thread it stands, `rule` that of an alert ("" for an operation), `source` what it was kept from, once.
    """

    subject: NoteSubject
    cluster: str
    thread: MessageKey
    at: float
    by: str
    text: str
    kept_by: str
    kept_at: float
    rule: str = ""
    source: str = ""
    id: int = 0

    @property
    def typed(self) -> bool:
        """True if it was typed as a note, False if it was kept from a message."""
        return self.source.startswith(TYPED)


TYPED = "command "
"""Beginning of the source of a typed note; the key of its command follows."""


@frozen
class NotePlace:
    """Where a note on an alert or operation belongs: its cluster, its channel, and the thread of its message."""

    subject: NoteSubject
    cluster: str
    channel: str
    thread: MessageKey
    parent: MessageKey
    rule: str = ""


@frozen
class KeptNote:
    """A note that was just kept, or was kept before (`known`)."""

    note: Note
    known: bool = False


@frozen
class NoteEmpty(Problem):
    """The note has no text."""


@frozen
class NoteTooLong(Problem):
    """The note has `length` characters."""

    length: int


@frozen
class TooManyNotes(Problem):
    """The alert or operation has as many notes as it may have."""

    subject: NoteSubject


@frozen
class NoSuchThread(Problem):
    """The message is in no thread of an alert or an operation."""


@frozen
class SeveralAlerts(Problem):
    """The message is in the thread of several alerts."""
