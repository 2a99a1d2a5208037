"""Run the calls of agents: a few at once, each within a time; a failure is an answer too."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot.cli.agents.answers import AgentAnswer, answered, failure
from bot.cli.agents.propose import PROPOSE, Proposals
from bot.cli.agents.tools import tool_named
from bot.cli.terminal.ask import ask
from bot.cli.terminal.show import as_json, as_text
from bot.common.errors import CmbotError
from bot.runtime.reading import Reader
from bot.views.errors import error_text

log = structlog.get_logger(__name__)

MAX_RUNNING = 4
"""Calls that run at once."""
MAX_WAITING = 16
"""Calls that wait for one of those; more are refused."""
DEADLINE = 90.0
"""Seconds of one call: the volumes of a large cluster take up to a minute to read."""


@dataclass(slots=True)
class AgentCalls:
    """Answers the calls of all sessions with one reader; without `proposals` nothing can be proposed."""

    reader: Reader
    deadline: float = DEADLINE
    proposals: Proposals | None = None
    _running: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_RUNNING))
    _held: int = 0

    async def answer(self, name: str, arguments: Mapping[str, Any]) -> AgentAnswer:
        """Run one tool."""
        if self._held >= MAX_RUNNING + MAX_WAITING:
            return failure(f"{self._held} calls are under way: ask again in a few seconds.")
        self._held += 1
        try:
            if name == PROPOSE and self.proposals is not None:
                # It waits for another process, within its own time, and must not be cut off.
                found = await self.proposals.propose(arguments)
            else:
                async with asyncio.timeout(self.deadline), self._running:
                    found = await self._answer(name, arguments)
        except TimeoutError:
            found = failure(f"{name:.60}: not answered within {self.deadline:g} s. Name one cluster, or ask again.")
        except CmbotError as error:
            found = failure(error_text(error))
        except Exception:  # the edge of agents: the caller gets an answer
            log.exception("agents.failed", tool=name[:60])
            found = failure("This was not answered, because cmbot itself failed. Its log has the error.")
        finally:
            self._held -= 1
        log.info("agents.answered", tool=name[:60], failed=found.failed)
        return found

    async def _answer(self, name: str, arguments: Mapping[str, Any]) -> AgentAnswer:
        tool = tool_named(name)
        reader = self.reader
        runs = tool.parsed(arguments, tuple(reader.clusters))
        answers = await ask(reader, runs)
        if not any(each.reply for each in answers):
            named = (f"{each.cluster}: {each.error}" if each.cluster else each.error for each in answers)
            return failure(" ".join(dict.fromkeys(named)))
        command = runs[0].command.path[0]
        data = as_json(command, answers, at=reader.clock(), without_store=reader.without_store)
        if tool.verdict:
            return answered(data, as_text(answers, without_store=reader.without_store))
        data = {key: value for key, value in data.items() if key not in {"status", "verdict"}}
        return answered(data, as_text(answers, without_store=""))
