"""/cm note: keeps a note on an alert or an operation."""

from collections.abc import AsyncIterator
from typing import Annotated

from pydantic import Field, field_validator

from bot.common.errors import UserError
from bot.interactions.command import Args, Call, Command, Offer, Reply, Scope
from bot.interactions.notes import MAX_NOTE, TYPED, NoteKind, subject_named
from bot.permissions.roles import Role
from bot.views.notes import note_kept, note_text
from bot.views.text import MAX_ESCAPED

_ABOUT = "what it is about: alert 17 (or 17 alone), or op 12"


class NoteArgs(Args):
    """The alert or operation, and the text."""

    words = ("about", "text")
    tail = "text"
    kinds = frozenset(NoteKind) | {"operation"}
    about: Annotated[str, Offer.NOTED] = Field(max_length=40, description=_ABOUT)
    text: str = Field(max_length=MAX_NOTE * MAX_ESCAPED, description="the note: the rest of the line, without quotes")

    @field_validator("about")
    @classmethod
    def _is_a_subject(cls, value: str) -> str:
        if subject_named(value) is None:
            raise ValueError(_ABOUT)
        return value


async def run_note(call: Call, args: NoteArgs) -> AsyncIterator[Reply]:
    """Keep a note."""
    subject = subject_named(args.about)
    if call.notes is None or subject is None:
        raise UserError("Notes are kept in Slack only.")
    place = await call.notes.place(subject)
    await call.access.require(call.caller.user, Role.OPERATOR, place.cluster)
    kept = await call.notes.keep(
        place, note_text(args.text), by=call.caller.user, source=f"{TYPED}{call.caller.key}" if call.caller.key else ""
    )
    yield Reply(note_kept(kept))


NOTE = Command(
    path=("note",),
    summary="Keep a note on an alert or an operation: in its thread, for the next shift and the post-mortem.",
    args=NoteArgs,
    run=run_note,
    scope=Scope.NO_CLUSTER,
    role=Role.OPERATOR,
    changes=True,
    examples=("/cm note alert 17 fan 3 was loud, the vendor is on the way", "/cm note op 12 agreed with the data team"),
    notes=(
        "All words behind the number are the note, as typed. It is kept with its author and its time, and shown in the "
        "thread, by /cm op, in the runbook of the alert's rule, in the hand-over and in /cm timeline. "
        "The shortcut *Keep as note* in the menu of a message keeps what that message says. At most 2,000 characters."
    ),
)
