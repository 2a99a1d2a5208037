"""Notes on alerts and operations: in threads, in lists, and the answers to those who keep them. No I/O."""

import re
from collections.abc import Sequence

from bot.interactions.message import BlockJson, Message
from bot.interactions.notes import KeptNote, Note
from bot.views.blocks import clip, context, count, date, escape, message, section

MAX_SHOWN = 10
_MAX_TEXT = 500
_LINK = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_ENTITY = re.compile(r"&(amp|lt|gt);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}


def note_text(mrkdwn: str) -> str:
    """Return what a message of Slack says as plain text: people as `@U…`, links with their address."""
    return _ENTITY.sub(lambda match: _ENTITIES[match[1]], _LINK.sub(_unlinked, mrkdwn)).strip()


def _unlinked(match: re.Match[str]) -> str:
    target, label = match[1], match[2]
    if target[:1] == "@":
        return f"@{target[1:]}"
    if target[:1] == "#":
        return f"#{label or target[1:]}"
    if target[:1] == "!":
        return label or f"@{target.rpartition('^')[2].lstrip('!')}"
    return f"{label} ({target})" if label and label != target else target


def author(note: Note) -> str:
    """Name who wrote a note."""
    return f"<@{escape(note.by)}>" if note.by else "cmbot"


def note_line(note: Note) -> Message:
    """The reply in the thread of the alert or operation."""
    words = escape(note.text)
    if note.typed:
        text = f"📝 {author(note)} noted: {words}"
    else:
        kept = "" if note.kept_by == note.by else f" by {author(note)}"
        text = f"📝 <@{escape(note.kept_by)}> kept a message{kept} as a note: {words}"
    return message(text, section(text), context(f"Note on {note.subject} of {escape(note.cluster)}"))


def note_kept(kept: KeptNote) -> Message:
    """The answer to the person who kept a note."""
    note = kept.note
    if kept.known:
        text = f"This is a note on {note.subject} already."
    else:
        text = f"Kept as a note on {note.subject} of {escape(note.cluster)}; its thread shows it."
    where = "`/cm timeline` shows it among the other events."
    return message(text, section(text), context(where))


def notes_blocks(notes: Sequence[Note], *, title: str = "Notes") -> list[BlockJson]:
    """The last notes of an alert, an operation or a rule; none without notes."""
    if not notes:
        return []
    shown = [f"• {one_note(note)}" for note in notes[-MAX_SHOWN:]]
    more = [f"_… {count(len(notes) - MAX_SHOWN, 'older one')}_"] if len(notes) > MAX_SHOWN else []
    return [section("\n".join((f"*{title}*", *more, *shown)))]


def with_notes(runbook: Message, notes: Sequence[Note]) -> Message:
    """A runbook, and behind it the last notes on alerts of its rule."""
    if not notes:
        return runbook
    shown = "\n".join(f"• {one_note(note, named=True)}" for note in notes)
    return message(runbook.text, *runbook.blocks, section(f"*Notes on alerts of this rule*\n{shown}"))


def one_note(note: Note, *, named: bool = False) -> str:
    """One note on one line."""
    about = f" on {note.subject}" if named else ""
    return f"{date(note.at, 'minute')} {author(note)}{about}: {clip(escape(note.text), _MAX_TEXT)}"
