"""Which blocks this workspace takes: learned from its first refusal, and remembered while the process runs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog

from bot.common.errors import SlackError
from bot.interactions.message import Message
from bot.views.containers import has_containers, without_containers

log = structlog.get_logger(__name__)

T = TypeVar("T")

REFUSED = frozenset({"invalid_blocks", "invalid_blocks_format"})
"""Slack's codes for a block that a workspace does not take."""


@dataclass(slots=True)
class BlockSupport:
    """Sends messages with the blocks that the workspace takes.

    A refusal counts against containers only if Slack takes the same message without them. It is forgotten when the
    process ends, because Slack enables blocks workspace by workspace.
    """

    containers: bool = True

    async def send(self, call: Callable[[Message], Awaitable[T]], message: Message) -> T:
        """Call with the message, or with a plainer one; raises what `call` raises."""
        if not has_containers(message):
            return await call(message)
        if self.containers:
            try:
                return await call(message)
            except SlackError as error:
                if error.code not in REFUSED:
                    raise
        answer = await call(without_containers(message))
        if self.containers:
            log.warning("blocks.unsupported", kind="container")
            self.containers = False
        return answer
