"""Channel histories in the store: what each Slack channel received lately, for the grouping of alerts."""

from sqlalchemy import Executable, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.alerting.grouping import ChannelHistory
from bot.store.schema import channels
from bot.store.session import Session, insert_into
from bot.store.state_codec import decode_history, encode_history


def _put_changed(new: sqlite.Insert | postgresql.Insert) -> Executable:
    changed = channels.c.data.is_distinct_from(new.excluded.data)
    return new.on_conflict_do_update(index_elements=["channel"], set_={"data": new.excluded.data}, where=changed)


_ONE = select(channels.c.data).where(channels.c.channel == bindparam("name"))
_ONE_LOCKED = _ONE.with_for_update()
_PUT = {postgres: _put_changed(insert_into(channels, postgres=postgres)) for postgres in (False, True)}


class ChannelHistories:
    """Channel histories by channel id."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, channel: str) -> ChannelHistory:
        """The stored history, an empty one if there is none; a writing unit of work locks the row until it ends.

        Clusters that share a channel wait for one another here, so each counts the alerts of the others.
        """
        values = {"name": channel}
        if not self._session.writable:
            return decode_history(channel, dict(await self._session.value(_ONE, values) or {}))
        stored = await self._session.value(_ONE_LOCKED, values)
        if stored is None:
            # Without a row there is no lock: two first writers would both find nothing.
            await self._session.change(
                self._session.insert(channels).values(channel=channel, data={}).on_conflict_do_nothing()
            )
            stored = await self._session.value(_ONE_LOCKED, values)
        return decode_history(channel, dict(stored or {}))

    async def put(self, history: ChannelHistory) -> None:
        """Store the history; an unchanged row is not written."""
        values = {"channel": history.channel, "data": encode_history(history)}
        await self._session.change(_PUT[self._session.postgres], values)

    async def known(self) -> list[str]:
        """The channels with a stored history."""
        rows = await self._session.rows(select(channels.c.channel).order_by(channels.c.channel))
        return [row["channel"] for row in rows]
