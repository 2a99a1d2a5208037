"""Silences in the store."""

from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import RowMapping, bindparam, delete, insert, select, update

from bot.alerting.model import MaintenanceScope, Silence, WindowScope
from bot.store.column_types import encode
from bot.store.schema import silences
from bot.store.session import Session

_SCOPE = TypeAdapter(MaintenanceScope)
_WINDOW = TypeAdapter(WindowScope)
_OF_CLUSTER = select(silences).where(silences.c.cluster == bindparam("name")).order_by(silences.c.until, silences.c.id)


class Silences:
    """Silences that people asked for."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, silence: Silence) -> Silence:
        """Store a silence; returns it with its id."""
        values = _row_of(silence)
        made = await self._session.value(insert(silences).values(values).returning(silences.c.id))
        return replace(silence, id=made)

    async def extend(self, silence: Silence) -> None:
        """Replace the stored silence of the same id."""
        values = _row_of(silence)
        await self._session.change(update(silences).where(silences.c.id == silence.id).values(values))

    async def get(self, silence_id: int) -> Silence | None:
        """A silence by id, ended or not, or None."""
        row = await self._session.row(select(silences).where(silences.c.id == silence_id))
        return None if row is None else _silence(row)

    async def active(self, now: float, cluster: str | None = None) -> list[Silence]:
        """Silences in force at `now`, the first to end first."""
        return [silence for silence in await self.held(now, cluster) if silence.in_force(now)]

    async def held(self, now: float, cluster: str | None = None) -> list[Silence]:
        """Silences that are not over at `now`, also those that begin later; the first to end first."""
        query = select(silences).where(silences.c.until > now).order_by(silences.c.until, silences.c.id)
        rows = await self._session.rows(query if cluster is None else query.where(silences.c.cluster == cluster))
        return [_silence(row) for row in rows]

    async def of_cluster(self, now: float, cluster: str) -> tuple[list[Silence], list[Silence]]:
        """Silences of a cluster that are not over at `now`, and those whose end was not announced yet."""
        stored = [_silence(row) for row in await self._session.rows(_OF_CLUSTER, {"name": cluster})]
        return [each for each in stored if each.until > now], [each for each in stored if each.until <= now]

    async def end_with(self, alert_id: int) -> int:
        """Delete the silences that end with this alert; returns how many."""
        return await self._session.change(delete(silences).where(silences.c.alert == alert_id))

    async def remove(self, silence_id: int) -> bool:
        """Delete a silence; False if there was none."""
        return bool(await self._session.change(delete(silences).where(silences.c.id == silence_id)))


def _row_of(silence: Silence) -> dict[str, Any]:
    values = {name: value for name, value in asdict(silence).items() if name not in {"id", "scope", "window"}}
    return {**values, "scope": _stored(_SCOPE, silence.scope), "window": _stored(_WINDOW, silence.window)}


def _stored(adapter: TypeAdapter[Any], value: object) -> str:
    return "" if value is None else encode(adapter.dump_python(value, mode="json"))


def _silence(row: RowMapping) -> Silence:
    """Return the silence of a row.

    A scope or window that cannot be read is dropped: without one, the silence of a maintenance mutes nothing.
    """
    return Silence(**{**row, "scope": _read(_SCOPE, row["scope"]), "window": _read(_WINDOW, row["window"])})


def _read(adapter: TypeAdapter[Any], stored: str) -> Any:
    if stored:
        with suppress(ValidationError):
            return adapter.validate_json(stored)
    return None
