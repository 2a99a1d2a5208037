"""Work that came from Slack: accepted once, done once."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, select, update

from bot.common.errors import Fenced
from bot.store.repositories.outbox_claims import is_active
from bot.store.schema import inbound
from bot.store.session import Session


class InboxRows:
    """Deliveries by their key: `trigger_id` of commands, clicks and views, `event_id` of events.

    `owner` is who uses this unit of work; "" is somebody who claims nothing.
    """

    def __init__(self, session: Session, owner: str = "") -> None:
        self._session = session
        self._owner = owner

    async def insert_if_new(
        self, key: str, kind: str, payload: Mapping[str, Any], now: float, *, done: bool = False
    ) -> bool:
        """Persist the delivery; False when it had come before. One that is `done` at once is only remembered."""
        new = self._session.insert(inbound).values(
            key=key, kind=kind, payload=dict(payload), seen_at=now, claimed_by="", claimed_until=0.0, done=done
        )
        return bool(await self._session.change(new.on_conflict_do_nothing(index_elements=["key"])))

    async def pending(self, now: float, limit: int = 100) -> list[tuple[str, str, dict[str, Any]]]:
        """What is neither done nor claimed, oldest first: (key, kind, payload)."""
        free = (~inbound.c.done) & self._free(now)
        query = select(inbound).where(free).order_by(inbound.c.seen_at, inbound.c.key).limit(limit)
        return [(row["key"], row["kind"], dict(row["payload"])) for row in await self._session.rows(query)]

    async def claim(self, key: str, owner: str, *, now: float, until: float) -> bool:
        """Take it to work on until `until`; False when it is done, unknown or still claimed, be it by `owner`."""
        this = (inbound.c.key == key) & (~inbound.c.done) & self._free(now)
        return bool(
            await self._session.change(update(inbound).where(this).values(claimed_by=owner, claimed_until=until))
        )

    def _free(self, now: float) -> ColumnElement[bool]:
        """Not claimed, or no more; a living process takes its own work up again, by its own clock."""
        others = (inbound.c.claimed_by != self._owner) & is_active(inbound.c.claimed_by)
        return (inbound.c.claimed_until <= now) & ~others

    async def done(self, key: str) -> None:
        """Mark it done; its payload is not needed any more, its key is.

        Raises Fenced when somebody else has claimed it since: what was done for it here must not be committed.
        """
        this = inbound.c.key == key
        ours = this & (inbound.c.claimed_by == self._owner) if self._owner else this
        if await self._session.change(update(inbound).where(ours).values(done=True, payload={})):
            return
        if await self._session.value(select(inbound.c.key).where(this)) is not None:
            raise Fenced("Another process took this work over, so nothing was written.")
