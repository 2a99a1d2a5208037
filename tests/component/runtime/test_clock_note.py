"""The note about a clock that was set: one for each channel of this replica's clusters, kept until it is stored."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from bot.common.errors import StoreError
from bot.leadership.model import Hold
from bot.runtime.clock import Jump
from bot.runtime.jobs import check_clock
from bot.runtime.parts import App
from bot.store.database import Store


@dataclass
class Guard:
    """A guard that found one jump."""

    jumps: list[Jump] = field(default_factory=lambda: [Jump(100.0, 3600.0, 3600.0)])
    ahead: float = 3600.0

    def check(self) -> None:
        """Find nothing more."""


class Down:
    """A database that does not answer."""

    def begin(self) -> None:
        raise StoreError("The database is locked.")


def app(store: object) -> Any:
    """The parts that the job needs; this replica polls prod and archive, another one polls test."""
    channels = {"prod": "C0STORAGE", "archive": "C0STORAGE", "test": "C0TEST"}
    return SimpleNamespace(
        store=store,
        clock_guard=Guard(),
        metrics=SimpleNamespace(clock=lambda _ahead: None),
        membership=SimpleNamespace(
            name="cm-a", hold=lambda task: None if task.endswith("test") else Hold(task, "cm-a", 1, 0.0)
        ),
        settings=SimpleNamespace(
            clusters=[SimpleNamespace(name=name, alert_channel=at) for name, at in channels.items()]
        ),
        outbox=SimpleNamespace(wake=lambda: None),
    )


async def test_jump_is_posted_once_in_each_own_channel(store: Store) -> None:
    parts = app(store)
    await check_clock(cast("App", parts))
    await check_clock(cast("App", parts))
    async with store.read() as uow:
        assert await uow.outbox.depth() == 1
    assert parts.clock_guard.jumps == []


async def test_jump_is_kept_while_the_database_does_not_answer(store: Store) -> None:
    parts = app(Down())
    await check_clock(cast("App", parts))
    assert len(parts.clock_guard.jumps) == 1
    parts.store = store
    await check_clock(cast("App", parts))
    async with store.read() as uow:
        assert await uow.outbox.depth() == 1
