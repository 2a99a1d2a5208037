"""The judgement that a request is sent on: made again right before sending when it is no longer fresh."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from bot.common.errors import UserError
from bot.operations.model import Operation
from bot.workflow.evaluation import Evaluation

FRESH_SECONDS = 3.0
"""How old a judgement may be when the request is sent: a write to the database may have waited for a lock meanwhile."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A judgement, how it is made again, and what becomes of a running operation that it no longer lets through.

    `judge` may raise UserError. `end` takes the running operation and the new judgement, or the sentence of that error;
    it returns the operation as it ended, or None when it may be sent. `monotonic` is the clock of `Evaluation.at`.
    """

    evaluation: Evaluation
    judge: Callable[[], Awaitable[Evaluation]]
    end: Callable[[Operation, Evaluation | str], Awaitable[Operation | None]]
    monotonic: Callable[[], float] = time.monotonic

    @property
    def stale(self) -> bool:
        """Whether it is too old to send anything on it."""
        return self.monotonic() - self.evaluation.at > FRESH_SECONDS

    async def confirm(self, running: Operation) -> tuple[Operation, bool]:
        """The operation as it is to be sent, and True; or as it ended because the cluster moved, and False.

        What a new judgement saw is kept in the operation and stored with its next step: a write in between could wait
        for a lock and make this judgement stale too. Raises StoreError, Conflict, Fenced from `end`.
        """
        if not self.stale:
            return running, True
        found = await self._again()
        ended = await self.end(running, found)
        if ended is not None or isinstance(found, str):
            return ended or running, False
        return replace(running, seen=found.seen), True

    async def _again(self) -> Evaluation | str:
        try:
            return await self.judge()
        except UserError as error:
            return str(error)
