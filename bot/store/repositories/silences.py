"""Silences in the store."""

from dataclasses import asdict, replace

from sqlalchemy import delete, insert, select, update

from bot.alerting.model import Silence
from bot.store.schema import silences
from bot.store.session import Session


class Silences:
    """The mutes that people asked for."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, silence: Silence) -> Silence:
        """Store it; returns it with its id."""
        values = {name: value for name, value in asdict(silence).items() if name != "id"}
        made = await self._session.value(insert(silences).values(values).returning(silences.c.id))
        return replace(silence, id=made)

    async def extend(self, silence: Silence) -> None:
        """Replace what is stored under its id: its end, who set it and why, and what it tolerates."""
        values = {name: value for name, value in asdict(silence).items() if name != "id"}
        await self._session.change(update(silences).where(silences.c.id == silence.id).values(values))

    async def get(self, silence_id: int) -> Silence | None:
        """One, ended or not, or None."""
        row = await self._session.row(select(silences).where(silences.c.id == silence_id))
        return None if row is None else Silence(**row)

    async def active(self, now: float, cluster: str | None = None) -> list[Silence]:
        """Those that mute at `now`, the first to end first."""
        query = select(silences).where(silences.c.until > now).order_by(silences.c.until, silences.c.id)
        rows = await self._session.rows(query if cluster is None else query.where(silences.c.cluster == cluster))
        return [Silence(**row) for row in rows]

    async def ended(self, now: float, cluster: str) -> list[Silence]:
        """Those of a cluster whose time is over and that nobody removed yet."""
        this = (silences.c.until <= now) & (silences.c.cluster == cluster)
        query = select(silences).where(this).order_by(silences.c.until, silences.c.id)
        return [Silence(**row) for row in await self._session.rows(query)]

    async def end_with(self, alert_id: int) -> int:
        """Delete those that end with this alert; returns how many."""
        return await self._session.change(delete(silences).where(silences.c.alert == alert_id))

    async def remove(self, silence_id: int) -> bool:
        """Delete it; False when it was gone already."""
        return bool(await self._session.change(delete(silences).where(silences.c.id == silence_id)))
