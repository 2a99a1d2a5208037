"""Which forms of blocks the workspace takes: learned from its first refusal, and remembered in the store.

Slack brings new kinds of blocks to workspaces one by one. The form that a workspace took after a refusal is used from
then on, so that a refused call is not repeated with every answer, and tried again after a week.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar

import structlog

from bot.common.errors import CmbotError, SlackError, StoreError
from bot.interactions.message import Message
from bot.store.database import Store
from bot.store.repositories.workspaces import Workspace
from bot.views.plain_forms import RICHEST, BlockForms, TableForm, forms, learned

log = structlog.get_logger(__name__)

T = TypeVar("T")

TRY_AGAIN = 7 * 86400.0
"""Seconds after which a richer form is tried again."""


async def _no_team() -> str:
    return ""


class BlockSupport:
    """The forms of tables and containers that the workspace takes; without a store they are forgotten with the process.

    `team` returns the id of the workspace ("" if it is not known); it raises SlackError. `clock` returns Unix seconds.
    """

    def __init__(
        self,
        store: Store | None = None,
        clock: Callable[[], float] = lambda: 0.0,
        team: Callable[[], Awaitable[str]] = _no_team,
    ) -> None:
        self._store, self._clock, self._team = store, clock, team
        self._known: dict[str, Workspace] = {}
        self._here = ""

    async def load(self) -> None:
        """Read what was learned before; a failing store is left alone, because the form can be learned again."""
        if self._store is None:
            return
        try:
            async with self._store.read() as uow:
                self._known = {each.team: each for each in await uow.workspaces.every()}
        except StoreError as error:
            log.warning("blocks.not_loaded", error=str(error))

    def at_home(self, team: str) -> None:
        """Note which workspace this is."""
        self._here = team

    @property
    def takes(self) -> BlockForms:
        """The forms to send first."""
        found = self._known.get(self._here)
        if found is None or self._clock() - found.since >= TRY_AGAIN or found.tables not in set(TableForm):
            return RICHEST
        return BlockForms(TableForm(found.tables), found.containers)

    async def learn(self, found: BlockForms, why: str) -> None:
        """Note that the workspace takes no richer forms; `why` is Slack's refusal."""
        log.warning("blocks.plainer", tables=found.tables.value, containers=found.containers, error=why)
        if not self._here:
            try:
                self._here = await self._team()
            except CmbotError as error:
                log.info("blocks.workspace_unknown", error=str(error))
        noted = Workspace(self._here, found.tables.value, self._clock(), containers=found.containers)
        self._known[self._here] = noted
        if self._store is None or not self._here:
            return
        try:
            async with self._store.begin() as uow:
                await uow.workspaces.put(noted)
        except StoreError as error:
            log.warning("blocks.not_stored", error=str(error))


async def call_plainer(
    call: Callable[[Message], Awaitable[T]],
    message: Message,
    codes: Collection[str],
    support: BlockSupport,
    *,
    refused: Callable[[SlackError], None] = lambda _: None,
) -> T:
    """Call; if Slack refuses the blocks with one of `codes`, call again with plainer content.

    It begins with the forms that the workspace is known to take. `refused` is called with each refusal.
    """
    errors: list[SlackError] = []
    first, known = message, support.takes
    for shown in forms(message, known):
        if not errors:
            first = shown
        try:
            done = await call(shown)
        except SlackError as error:
            if error.code not in codes:
                raise
            errors.append(error)
            refused(error)
            continue
        if errors and (found := learned(first, shown, known)):
            await support.learn(found, str(errors[0]))
        return done
    raise errors[-1]
