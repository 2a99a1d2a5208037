"""Questions by mention: what was asked, answered once and in the thread of the question.

A mention carries no trigger, so it opens no form; it only reads. `guidance.py` answers one that asks for a change.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from bot.chatops.commands.parser import addressed
from bot.chatops.commands.registry import COMMANDS
from bot.chatops.commands.usage import SLASH
from bot.chatops.dispatcher import Dispatcher
from bot.chatops.inbox import Inbox
from bot.chatops.slack_gateway import Asked, SlackGateway
from bot.common.errors import SlackError, StoreError
from bot.common.frozen import frozen
from bot.interactions.command import Reply
from bot.interactions.events import Invocation, Mention

log = structlog.get_logger(__name__)

_MENTION = re.compile(r"<@([A-Z0-9]{3,40})(?:\|[^<>]*)?>")
_LEADING = " \t\u00a0:,;-–—`"  # noqa: RUF001 - people write dashes
_TRAILING = " \t\u00a0?!`"


def command_in(text: str, me: str) -> str | None:
    """Return the command behind the first mention of `me`, on its line; None if the message asks nothing of us.

    Words before the mention are taken for a greeting only if a command follows: "ask @cmbot" is talk about us.
    """
    found = next((each for each in _MENTION.finditer(text) if each[1] == me), None)
    if found is None:
        return None
    before = _MENTION.sub("", text[: found.start()])
    line = _first_line(text[found.end() :])
    if not before.strip():
        return line
    named, _ = addressed(line, COMMANDS, clusters=(), default_cluster=None)
    return line if line and named is not None and named.path else None


def _first_line(text: str) -> str:
    line = next((line for line in text.splitlines() if line.strip(_LEADING)), "")
    line = line.lstrip(_LEADING).rstrip(_TRAILING)
    return line[len(SLASH) :].lstrip() if line == SLASH or line.startswith(f"{SLASH} ") else line


@dataclass(slots=True)
class _ThreadAnswer:
    """Sends the answers to one question: each takes the place of the one before, the last private one is sent last."""

    slack: SlackGateway
    asked: Asked
    ts: str = ""
    waiting: list[Reply] = field(default_factory=list)

    async def send(self, reply: Reply) -> None:
        """Send a public answer; keep a private one, which could not be edited. Raises SlackError."""
        if reply.private and not self.ts:
            self.waiting = [reply]
            return
        # What all saw begin must end for all.
        self.ts = await self.slack.say(self.asked, Reply(reply.message, private=False), instead_of=self.ts)

    async def end(self) -> None:
        """Send the private answer that waits."""
        for reply in self.waiting:
            await self.slack.say(self.asked, reply)


@frozen
class Mentions:
    """Answers mentions; `me` returns our user id and raises SlackError."""

    dispatcher: Dispatcher
    slack: SlackGateway
    inbox: Inbox
    me: Callable[[], Awaitable[str]]

    async def answer(self, mention: Mention) -> None:
        """Answer a mention in its thread, unless any replica has answered it before. Never raises SlackError."""
        try:
            text = command_in(mention.text, await self.me())
            if text is None or not await self._is_new(mention):
                return
            await self._answer(mention, text)
        except SlackError as error:
            log.warning("answer.lost", user=mention.user, error=str(error), code=error.code)

    async def _answer(self, mention: Mention, text: str) -> None:
        thread = mention.thread_ts or mention.ts
        said = _ThreadAnswer(self.slack, Asked(mention.channel, thread, mention.user, begun=bool(mention.thread_ts)))
        asked = Invocation(mention.key, mention.user, mention.channel, text, "")
        await self.dispatcher.answer_in_thread(asked, said.send, thread)
        await said.end()

    async def _is_new(self, mention: Mention) -> bool:
        """Record the event; if the database is down, each delivery is answered."""
        try:
            return await self.inbox.once(mention.key, "mention")
        except StoreError as error:
            log.debug("mention.store_down", error=str(error))
            return True
