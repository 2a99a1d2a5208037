"""Open alerts and operations for the Home tab, with the addresses of the cards."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.alerting.model import Alert
from bot.interactions.command import AlertBook
from bot.operations.model import Operation
from bot.workflow.proposals import Permalink, link_to


class Cards(Protocol):
    """The part of the operation repository that the Home tab needs; every method raises StoreError."""

    async def open_on(self, cluster: str | None) -> Sequence[Operation]:
        """Return the operations that have not ended."""

    async def posted_at(self, op: Operation) -> str:
        """Return the timestamp of a card, "" until it is posted."""

    async def refused_messages(self) -> int:
        """Return how many messages Slack refused for good."""


@dataclass(frozen=True, slots=True)
class OpenNow:
    """Implements `Open` of `bot/slack/home.py`."""

    book: AlertBook
    repository: Cards
    permalink: Permalink

    async def alerts(self) -> Sequence[Alert]:
        """Return the open alerts, the most severe first."""
        return await self.book.open()

    async def operations(self) -> Sequence[Operation]:
        """Return the open operations."""
        return await self.repository.open_on(None)

    async def undelivered(self) -> int:
        """Return how many messages Slack refused for good."""
        return await self.repository.refused_messages()

    async def card_of(self, op: Operation) -> str:
        """Return the address of an operation's card, "" if it is not known."""
        return await link_to(self.permalink, op.channel, await self.repository.posted_at(op))
