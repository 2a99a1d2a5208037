"""Inbound rows: what Slack delivered and agents propose, stored once and done once; the codec of their payloads."""

from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import ColumnElement, func, select, update

from bot.common.errors import Fenced
from bot.common.json_object import JsonObject
from bot.interactions.events import AgentProposal, Click, Invocation, Submission, Work
from bot.store.repositories.outbox_claims import is_active
from bot.store.schema import inbox_rows
from bot.store.session import Session

_TYPES: Mapping[str, type[Work]] = {
    "Invocation": Invocation,
    "Click": Click,
    "Submission": Submission,
    "AgentProposal": AgentProposal,
}
"""The stored kind of each type of work."""
_STORED: Mapping[type[Work], str] = {each: kind for kind, each in _TYPES.items()}


class Malformed(ValueError):
    """A payload that no release writes."""


def encode_work(work: Work) -> tuple[str, JsonObject]:
    """Return the kind and the payload as they are stored."""
    return _STORED[type(work)], asdict(work)


def decode_work(kind: str, payload: JsonObject) -> Work:
    """Return the work that `encode_work` stored.

    Raises LookupError or TypeError for a row of another release, Malformed for one that no release writes.
    """
    found = _TYPES[kind]
    if not isinstance(payload, Mapping):
        raise Malformed("The payload is no object.")
    work = found(**payload)
    if isinstance(work, AgentProposal) and (wrong := _of_wrong_type(work)):
        raise Malformed(f"Fields of another type: {', '.join(wrong)}.")
    return work


def _of_wrong_type(work: AgentProposal) -> list[str]:
    """Return the fields of another type: any program with the right to write the database can store such a row."""
    values: Mapping[str, object] = asdict(work)
    texts = [name for name in ("key", "user", "command", "cluster") if not isinstance(values[name], str)]
    at = [] if type(values["at"]) in {int, float} else ["at"]
    return [*texts, *at, *([] if _of_words(work.values) else ["values"])]


def _of_words(values: object) -> bool:
    return isinstance(values, Mapping) and all(isinstance(value, str) for value in values.values())


class InboxRows:
    """Deliveries by their key: `trigger_id` of commands, clicks and views, `event_id` of events, random for agents.

    `owner` is the process that uses this unit of work, "" for one that claims nothing.
    """

    def __init__(self, session: Session, owner: str) -> None:
        self._session = session
        self._owner = owner

    async def insert_if_new(self, key: str, kind: str, payload: JsonObject, now: float, *, done: bool = False) -> bool:
        """Store the delivery; False if it is stored already. With `done` it needs no further work."""
        new = self._session.insert(inbox_rows).values(
            key=key, kind=kind, payload=dict(payload), seen_at=now, claimed_by="", claimed_until=0.0, done=done
        )
        return bool(await self._session.change(new.on_conflict_do_nothing(index_elements=["key"])))

    async def pending(self, now: float, limit: int = 100) -> list[tuple[str, str, JsonObject]]:
        """Return what is neither done nor claimed, oldest first: (key, kind, payload)."""
        free = (~inbox_rows.c.done) & self._free(now)
        query = select(inbox_rows).where(free).order_by(inbox_rows.c.seen_at, inbox_rows.c.key).limit(limit)
        return [(row["key"], row["kind"], row["payload"]) for row in await self._session.rows(query)]

    async def claim(self, key: str, owner: str, *, now: float, until: float) -> bool:
        """Claim the row until `until`; False if it is done, unknown or still claimed, also by `owner`."""
        this = (inbox_rows.c.key == key) & (~inbox_rows.c.done) & self._free(now)
        return bool(
            await self._session.change(update(inbox_rows).where(this).values(claimed_by=owner, claimed_until=until))
        )

    def _free(self, now: float) -> ColumnElement[bool]:
        """Match rows without a valid claim; an active process may resume its own work, by its own clock."""
        others = (inbox_rows.c.claimed_by != self._owner) & is_active(inbox_rows.c.claimed_by)
        return (inbox_rows.c.claimed_until <= now) & ~others

    async def payload(self, key: str) -> JsonObject | None:
        """Return what is stored under the key, None for an unknown one."""
        row = await self._session.row(select(inbox_rows.c.payload).where(inbox_rows.c.key == key))
        return None if row is None else dict(row["payload"])

    async def count(self, kind: str, since: float) -> int:
        """Count the deliveries of a kind since a time, done or not."""
        wanted = (inbox_rows.c.kind == kind) & (inbox_rows.c.seen_at >= since)
        return int(await self._session.value(select(func.count()).select_from(inbox_rows).where(wanted)))

    async def withdraw(self, key: str) -> bool:
        """Mark the row done, so that no process begins it; False if one has begun it."""
        this = (inbox_rows.c.key == key) & (~inbox_rows.c.done) & (inbox_rows.c.claimed_by == "")
        return bool(await self._session.change(update(inbox_rows).where(this).values(done=True, payload={})))

    async def done(self, key: str) -> None:
        """Mark the row done and drop its payload; the key stays, to detect a second delivery.

        Raises Fenced if another process has claimed the row since: this transaction must not commit.
        """
        this = inbox_rows.c.key == key
        ours = this & (inbox_rows.c.claimed_by == self._owner) if self._owner else this
        if await self._session.change(update(inbox_rows).where(ours).values(done=True, payload={})):
            return
        if await self._session.value(select(inbox_rows.c.key).where(this)) is not None:
            raise Fenced("Another process took this work over, so nothing was written.")
