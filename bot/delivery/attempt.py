"""One delivery: find, post, edit or delete the message of one claim; defines the Poster port.

A reply that its thread refuses is posted in the channel, with a link to the thread. A message that Slack does not let
us edit is reported as frozen; the worker then posts a new message with a link to the old one.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import structlog

from bot.common.errors import SlackError
from bot.common.frozen import frozen
from bot.common.message_key import MessageKey
from bot.delivery.block_support import BlockSupport, call_plainer
from bot.delivery.retry_policy import (
    FINAL_FOR_DELETE,
    FINAL_FOR_EDIT,
    FINAL_FOR_REPLY,
    FINAL_WITH_BLOCKS,
    MESSAGE_DELETED,
    PARENT_DELETED,
    RetryDecision,
)
from bot.interactions.message import Message
from bot.store.repositories.outbox_claims import Claim
from bot.telemetry.tracer import Fact
from bot.views.fallback import as_channel_message, as_moved, as_replacement, rerouted

log = structlog.get_logger(__name__)

T = TypeVar("T")

CLOCK_SLACK = 600.0
"""Seconds by which Slack's clock and ours may differ in a search for a message."""


class Poster(Protocol):
    """The calls that the outbox needs; each raises SlackError, SlackRetryable or SlackLost.

    `Message.metadata` becomes the payload of the message's metadata, whose event type is `cmbot`; the outbox puts
    `slot` and `version` into it.
    """

    async def post(
        self, channel: str, message: Message, *, thread_ts: str | None = None, broadcast: bool = False
    ) -> str:
        """Post a new message, into a thread when `thread_ts` is given; returns its ts."""

    async def update(self, channel: str, ts: str, message: Message) -> None:
        """Replace what the message shows."""

    async def delete(self, channel: str, ts: str) -> None:
        """Delete the message."""

    async def find(
        self, channel: str, message_key: MessageKey, *, after: float, thread_ts: str | None = None
    ) -> Sequence[str]:
        """Return the ts of our own messages of that key posted after `after` (Unix seconds), oldest first."""

    async def permalink(self, channel: str, ts: str) -> str:
        """Return the address of a message."""


@frozen
class Sent:
    """The message is `ts` and shows `version` (0: unknown); `searched` is set after a search for an earlier post."""

    ts: str
    version: int
    searched: bool = False


@frozen
class Gone:
    """The message was deleted, as asked."""


@frozen
class Deleted:
    """A person deleted the message in Slack, or (with `parent`) the message of its thread."""

    ts: str
    parent: bool = False


@frozen
class Frozen:
    """Slack does not let us edit the message any more; `error` is Slack's code."""

    ts: str
    error: str


@frozen
class Unsaid:
    """The reply was left out: its thread refuses replies, and the message above shows the same."""


@frozen
class Failed:
    """Slack refused the call or did not answer."""

    error: str
    verdict: RetryDecision


Done = Sent | Gone | Deleted | Frozen | Unsaid
Outcome = Done | Failed


@dataclass(slots=True)
class Delivery:
    """One claim and the method of the current call."""

    poster: Poster
    claim: Claim
    posted_after: Callable[[float], float]
    support: BlockSupport = field(default_factory=BlockSupport)
    method: str = "find"

    @property
    def facts(self) -> dict[str, Fact]:
        """Attributes of its span."""
        of = self.claim
        return {"message": str(of.message_key), "channel": of.channel, "attempt": of.attempts}

    async def run(self) -> Done:
        """Post, edit or delete the message as claimed; raises SlackError."""
        found = await self._known()
        if self.claim.removed:
            await self._delete(found)
            return Gone()
        if found:
            return await self._settle(*found)
        try:
            ts = await self._plainly(self._post, await self._message())
        except SlackError as error:
            if self.claim.thread_ts is None or error.code not in PARENT_DELETED | FINAL_FOR_REPLY:
                raise
            if error.code in FINAL_FOR_REPLY:
                return await self._reply_in_channel(self.claim.thread_ts, error.code)
            return Deleted(self.claim.thread_ts, parent=True)
        return Sent(ts, self.claim.version, searched=self.claim.maybe_sent)

    async def _reply_in_channel(self, thread_ts: str, code: str) -> Sent | Unsaid:
        """Post a reply in the channel; leave out a quiet reply about an operation, because its card shows the same."""
        claim = self.claim
        log.warning("outbox.thread_refused", slot=str(claim.message_key), channel=claim.channel, code=code)
        if claim.message_key.of_operation and not claim.broadcast:
            return Unsaid()
        self.claim = replace(claim, thread_ts=None)
        found = await find(self.poster, self.claim, self.posted_after) if claim.maybe_sent else ()
        if found:
            return Sent(found[0], 0)
        link = await self._link(claim.channel, thread_ts)
        ts = await self._plainly(self._post, as_channel_message(await self._message(), link))
        return Sent(ts, claim.version, searched=claim.maybe_sent)

    async def _known(self) -> Sequence[str]:
        claim = self.claim
        if claim.ts is not None or not claim.maybe_sent:
            return [] if claim.ts is None else [claim.ts]
        return await find(self.poster, claim, self.posted_after)

    async def _settle(self, ts: str, *doubles: str) -> Sent | Deleted | Frozen:
        claim = self.claim
        for double in doubles:
            await delete_double(self.poster, claim.channel, double)
        if claim.ts is None:
            # An earlier post was found. Its content is known only if the row never had another one.
            return Sent(ts, 1 if claim.version == 1 else 0)
        message = await self._message()
        self.method = "update"
        try:
            await self._plainly(self._update, message)
        except SlackError as error:
            if error.code in FINAL_FOR_EDIT:
                return Frozen(ts, error.code)
            if error.code not in MESSAGE_DELETED:
                raise
            return Deleted(ts)
        return Sent(ts, claim.version)

    async def _delete(self, found: Sequence[str]) -> None:
        self.method = "delete"
        for ts in found:
            await delete(self.poster, self.claim.channel, ts)

    async def _post(self, message: Message) -> str:
        self.method = "post"
        claim = self.claim
        return await self.poster.post(claim.channel, message, thread_ts=claim.thread_ts, broadcast=claim.broadcast)

    async def _update(self, message: Message) -> None:
        await self.poster.update(self.claim.channel, self.claim.ts or "", message)

    async def _plainly(self, call: Callable[[Message], Awaitable[T]], message: Message) -> T:
        return await call_plainer(call, message, FINAL_WITH_BLOCKS, self.support, refused=self._log_refused)

    def _log_refused(self, error: SlackError) -> None:
        slot = str(self.claim.message_key)
        log.warning("outbox.blocks_refused", slot=slot, code=error.code, error=str(error))

    async def _message(self) -> Message:
        claim = self.claim
        message = Message.from_json(claim.content)
        channel, _, ts = claim.former.partition("/")
        if ts:
            link = await self._link(channel, ts)
            moved = channel != claim.channel == claim.home
            message = as_moved(message, link, channel) if moved else as_replacement(message, link)
        if claim.channel != claim.home and claim.parent is None:
            message = rerouted(message, claim.home)
        marks = {"slot": str(claim.message_key), "version": str(claim.version)}
        return replace(message, metadata={**(message.metadata or {}), **marks})

    async def _link(self, channel: str, ts: str) -> str:
        """Return the address of a message, "" if Slack does not give it."""
        try:
            return await self.poster.permalink(channel, ts)
        except SlackError as error:
            log.info("outbox.no_link", slot=str(self.claim.message_key), code=error.code)
            return ""


async def find(poster: Poster, claim: Claim, posted_after: Callable[[float], float]) -> Sequence[str]:
    """Search the channel for posts of the claim; without the scope to read, return none. Raises SlackError.

    `posted_after` converts the time of the row to Slack's clock.
    """
    after = posted_after(claim.created_at) - CLOCK_SLACK
    try:
        return await poster.find(claim.channel, claim.message_key, after=after, thread_ts=claim.thread_ts)
    except SlackError as error:
        if error.code != "missing_scope":
            raise
        log.warning("outbox.cannot_look", slot=str(claim.message_key), channel=claim.channel, error=str(error))
        return []


async def delete(poster: Poster, channel: str, ts: str) -> None:
    """Delete a message that may not exist any more; raises SlackError."""
    try:
        await poster.delete(channel, ts)
    except SlackError as error:
        if error.code not in MESSAGE_DELETED:
            raise


async def delete_others(
    poster: Poster, claim: Claim, sent: Sent, held: str | None, posted_after: Callable[[float], float]
) -> None:
    """Delete the messages of the claim other than `held`, the one of its row; a failure is logged."""
    try:
        if held != sent.ts:
            log.warning("outbox.double", slot=str(claim.message_key), channel=claim.channel)
            await delete_double(poster, claim.channel, sent.ts)
        elif sent.searched:
            # The earlier post may have been carried out between our search and our post.
            for ts in await find(poster, claim, posted_after):
                if ts != held:
                    await delete_double(poster, claim.channel, ts)
    except SlackError as error:
        log.warning("outbox.double_left", slot=str(claim.message_key), channel=claim.channel, error=str(error))


async def delete_double(poster: Poster, channel: str, ts: str) -> None:
    """Delete a duplicate; it stays if Slack does not let us delete it. Raises SlackError."""
    try:
        await delete(poster, channel, ts)
    except SlackError as error:
        if error.code not in FINAL_FOR_DELETE:
            raise
        log.warning("outbox.double_left", channel=channel, code=error.code)
