"""Keeps a message as a note: what the message shortcut *Keep as note* does."""

from contextlib import suppress

from bot.common.frozen import frozen
from bot.interactions.command import Reply
from bot.interactions.events import Click
from bot.interactions.notes import MAX_NOTE
from bot.permissions.access import Access
from bot.permissions.roles import Role
from bot.views.blocks import clip
from bot.views.notes import note_kept, note_text
from bot.watch.notes import NoteService


@frozen
class NoteKeeper:
    """Carries out the message shortcut for notes."""

    notes: NoteService
    access: Access

    async def keep(self, click: Click) -> Reply:
        """Keep the message of a shortcut as a note on the alert or operation in whose thread it is.

        The value of the click has `thread` (the ts of its thread, "" for none), `author` (a Slack user id) and `text`
        of the message. Raises UserError, NotAllowed, StoreError.
        """
        # A person without any right does not learn which alerts and operations exist.
        await self.access.require_somewhere(click.user, Role.OPERATOR)
        place = await self.notes.place_of_message(click.channel, click.message_ts, click.text("thread"))
        await self.access.require(click.user, Role.OPERATOR, place.cluster)
        at = 0.0
        with suppress(ValueError):
            at = float(click.message_ts)
        kept = await self.notes.keep(
            place,
            clip(note_text(click.text("text")), MAX_NOTE),
            by=click.user,
            source=f"{click.channel}/{click.message_ts}",
            at=at,
            author=click.text("author"),
        )
        return Reply(note_kept(kept))
