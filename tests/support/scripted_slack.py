"""A Slack for the outbox that behaves like the real one, with its losses and refusals."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial

from bot.common.errors import SlackError, SlackLost, SlackRetryable
from bot.common.message_key import MessageKey
from bot.interactions.message import Message
from tests.support.databases import Clock


class Fault(Enum):
    """Fault of one call."""

    LOST_BEFORE = "the request never arrived"
    LOST_AFTER = "it was carried out, the answer was lost"
    DOUBLED = "it was carried out twice, the answers were lost"
    LATE = "the answer was lost, and it is carried out only with the next post"
    LIMITED = "429, Retry-After 7"
    DOWN = "no connection"


@dataclass(slots=True)
class Posted:
    """A message as people see it."""

    ts: str
    text: str
    slot: str
    version: str
    thread_ts: str | None
    blocks: int
    shown: str = ""
    """The text of its blocks."""


@dataclass(slots=True)
class FakeSlack:
    """Implements the outbox's Poster.

    `fault(method, channel)` says what goes wrong next, `refuse` gives the code by which a channel or method is refused.
    """

    clock: Clock
    fault: Callable[[str, str], Fault | None] = lambda _method, _channel: None
    refuse: dict[str, str] = field(default_factory=dict)
    errors: list[SlackError] = field(default_factory=list)
    """Errors that the next calls raise."""
    will_refuse: dict[str, str] = field(default_factory=dict)
    """The code by which a slot's posts are refused."""
    shown: dict[str, list[Posted]] = field(default_factory=dict)
    calls: list[tuple[float, str, str]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    posted: asyncio.Event = field(default_factory=asyncio.Event)
    _late: list[Callable[[], str]] = field(default_factory=list)
    _count: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    def texts(self, channel: str = "C1") -> list[str]:
        """What the channel shows, oldest first."""
        return [posted.text for posted in self.shown.get(channel, [])]

    def methods(self) -> list[str]:
        """The methods called, in order."""
        return [method for _, method, _ in self.calls]

    async def post(
        self, channel: str, message: Message, *, thread_ts: str | None = None, broadcast: bool = False
    ) -> str:
        del broadcast
        fault = await self._call("post", channel)
        while self._late:
            self._late.pop(0)()
        if code := self.will_refuse.get((message.metadata or {})["slot"]):
            raise SlackError("Slack said no.", code=code)
        if any(block["type"] in {"broken", "data_visualization"} for block in message.blocks):
            raise SlackError("Slack refused the blocks.", code="invalid_blocks")
        if thread_ts is not None and (code := self.refuse.get("reply")):
            raise SlackError("Slack said no.", code=code)
        if thread_ts is not None and self._find(channel, thread_ts) is None:
            raise SlackError("There is no such thread.", code="thread_not_found")
        if fault is Fault.LATE:
            self._late.append(partial(self._show, channel, message, thread_ts))
        else:
            ts = self._show(channel, message, thread_ts)
        if fault is Fault.DOUBLED:
            self._show(channel, message, thread_ts)
        await self._answer(fault)
        self.posted.set()
        return ts

    async def update(self, channel: str, ts: str, message: Message) -> None:
        fault = await self._call("update", channel)
        posted = self._find(channel, ts)
        if posted is None:
            raise SlackError("There is no such message.", code="message_not_found")
        assert message.metadata is not None
        posted.text, posted.version, posted.blocks = message.text, message.metadata["version"], len(message.blocks)
        await self._answer(fault)

    async def delete(self, channel: str, ts: str) -> None:
        fault = await self._call("delete", channel)
        posted = self._find(channel, ts)
        if posted is None:
            raise SlackError("There is no such message.", code="message_not_found")
        self.shown[channel].remove(posted)
        await self._answer(fault)

    async def permalink(self, channel: str, ts: str) -> str:
        await self._call("permalink", channel)
        return f"https://example.slack.com/archives/{channel}/p{ts}"

    async def find(
        self, channel: str, message_key: MessageKey, *, after: float, thread_ts: str | None = None
    ) -> Sequence[str]:
        fault = await self._call("find", channel)
        await self._answer(fault)
        found = [posted for posted in self.shown.get(channel, []) if posted.slot == str(message_key)]
        return [posted.ts for posted in found if posted.thread_ts == thread_ts and float(posted.ts) > after]

    async def _call(self, method: str, channel: str) -> Fault | None:
        self.calls.append((self.clock.now, method, channel))
        self.entered.set()
        await self.gate.wait()
        await asyncio.sleep(0)
        if code := self.refuse.get(channel) or self.refuse.get(method):
            raise SlackError("Slack said no.", code=code)
        if self.errors:
            raise self.errors.pop()
        fault = self.fault(method, channel)
        if fault is Fault.LIMITED:
            raise SlackRetryable("Slack asks to wait.", code="ratelimited", retry_after=7.0)
        if fault is Fault.DOWN:
            raise SlackRetryable("Slack cannot be reached.", code="unreachable")
        if fault is Fault.LOST_BEFORE:
            raise SlackLost("No answer.", code="connection_lost")
        return fault

    async def _answer(self, fault: Fault | None) -> None:
        await asyncio.sleep(0)
        if fault is not None:
            raise SlackLost("No answer.", code="connection_lost")

    def _show(self, channel: str, message: Message, thread_ts: str | None) -> str:
        self._count += 1
        ts = f"{self.clock.now:.0f}.{self._count:06d}"
        marks = message.metadata
        assert marks is not None
        said = json.dumps(message.blocks, ensure_ascii=False)
        posted = Posted(ts, message.text, marks["slot"], marks["version"], thread_ts, len(message.blocks), said)
        self.shown.setdefault(channel, []).append(posted)
        return ts

    def _find(self, channel: str, ts: str) -> Posted | None:
        return next((posted for posted in self.shown.get(channel, []) if posted.ts == ts), None)
