"""What is remembered of each Slack channel between two ticks: what it was told lately, for storms."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from bot.store.schema import channels
from bot.store.session import Session


class ChannelHistories:
    """One JSON object per channel."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, channel: str) -> dict[str, Any]:
        """What is remembered, {} when nothing is; a writing unit of work keeps it locked until it ends.

        Clusters that share a channel wait for one another here, so each counts what the others told.
        """
        query = select(channels.c.data).where(channels.c.channel == channel)
        if self._session.writable:
            # There must be a row to lock, or two that come first would both find nothing.
            await self._session.change(
                self._session.insert(channels).values(channel=channel, data={}).on_conflict_do_nothing()
            )
            query = query.with_for_update()
        return dict(await self._session.value(query) or {})

    async def put(self, channel: str, data: Mapping[str, Any]) -> None:
        """Remember `data` instead; writes nothing when it is the same."""
        new = self._session.insert(channels).values(channel=channel, data=dict(data))
        await self._session.change(
            new.on_conflict_do_update(
                index_elements=["channel"],
                set_={"data": new.excluded.data},
                where=channels.c.data.is_distinct_from(new.excluded.data),
            )
        )

    async def known(self) -> list[str]:
        """The channels of which something is remembered."""
        rows = await self._session.rows(select(channels.c.channel).order_by(channels.c.channel))
        return [row["channel"] for row in rows]
