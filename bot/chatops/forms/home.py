"""What is open now, for the Home tab: alerts, operations, and where their cards are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.alerting.model import Alert
from bot.interactions.command import AlertBook
from bot.operations.model import Operation
from bot.workflow.proposals import Permalink, link_to


class Cards(Protocol):
    """The slice of the ledger that is needed; every method raises StoreError."""

    async def open_on(self, cluster: str | None) -> Sequence[Operation]:
        """The operations to which something can still happen."""

    async def posted_at(self, op: Operation) -> str:
        """The timestamp of a card, "" while it is not posted."""

    async def refused_messages(self) -> int:
        """How many messages Slack refused for good."""


@dataclass(frozen=True, slots=True)
class OpenNow:
    """Implements slack.home.Open."""

    book: AlertBook
    repository: Cards
    permalink: Permalink

    async def alerts(self) -> Sequence[Alert]:
        """The open alerts, the gravest first."""
        return await self.book.open()

    async def operations(self) -> Sequence[Operation]:
        """The open operations."""
        return await self.repository.open_on(None)

    async def undelivered(self) -> int:
        """How many messages Slack refused for good."""
        return await self.repository.refused_messages()

    async def card_of(self, op: Operation) -> str:
        """The address of an operation's card, "" when Slack or the store does not tell it."""
        return await link_to(self.permalink, op.channel, await self.repository.posted_at(op))
