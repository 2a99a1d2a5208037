"""`cmbot replicas` over each database: active replicas, the clusters that each polls, and unpolled clusters."""

import io

import pytest
from rich.console import Console

from bot.cli.main import main
from bot.cli.replicas import read_replicas, table, unheld
from bot.leadership.model import HOUSEKEEPING, Replica, watch_of
from bot.operations.model import Operation, OpState
from bot.operations.requests import MemberRemove
from bot.store.database import Store
from bot.views.step_text import WORDING
from tests.component.leadership.test_membership import expire, member
from tests.support.databases import Clock

OPERATION = Operation("prod", MemberRemove(3), "U1", 0.0, 9e9, state=OpState.RUNNING, runner="one")


async def shown(url: str, clock: Clock) -> tuple[str, tuple[str, ...]]:
    """Return the text on the terminal, and the clusters that no replica watches."""
    assignments, running = await read_replicas(url, clock)
    out = io.StringIO()
    Console(file=out, width=200).print(table(assignments, running))
    return out.getvalue(), unheld(assignments)


async def test_table_shows_what_each_replica_watches_and_runs(store: Store, database_url: str, clock: Clock) -> None:
    one = member(store, "one", tasks=[HOUSEKEEPING, watch_of("prod"), watch_of("archive")])
    two = member(store, "two", tasks=[watch_of("prod")])
    await one.beat()
    await two.beat()
    async with store.begin() as uow:
        await uow.operations.add(OPERATION, WORDING)
    text, alone = await shown(database_url, clock)
    first, second = text.splitlines()[1:3]
    assert "one (housekeeping)" in first
    assert "archive, prod" in first
    assert "1 on prod" in first
    assert second.startswith("two")
    assert not alone


async def test_table_expired_replica_leaves_its_clusters_unwatched(
    store: Store, database_url: str, clock: Clock
) -> None:
    one = member(store, "one", tasks=[watch_of("prod")])
    await one.beat()
    await expire(store, "one")
    text, alone = await shown(database_url, clock)
    assert ": expired" in text
    assert alone == ("prod",)


async def test_table_hostile_replica_name_cannot_steer_the_terminal(
    store: Store, database_url: str, clock: Clock
) -> None:
    async with store.begin() as uow:
        await uow.replicas.beat(Replica("evil\x1b[31m\nname", 0.0, 0.0, 9e12))
    text, _ = await shown(database_url, clock)
    assert "\x1b" not in text


def test_replicas_command_takes_a_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["replicas", "--help"])
    assert "--config" in capsys.readouterr().out
