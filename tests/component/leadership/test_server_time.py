"""Clock of a process: with a database server it follows the server and not the system clock."""

import time

import pytest

from bot.runtime.clock import ProcessClock
from bot.runtime.startup import follow_server
from bot.store.database import Store


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
async def test_clock_follows_postgresql_or_with_sqlite_the_system(
    store: Store, database_url: str, ahead: float
) -> None:
    clock = ProcessClock(lambda: time.time() + ahead)
    await follow_server(clock, store)
    followed = database_url.startswith("postgresql")
    assert abs(clock() - time.time() - (0.0 if followed else ahead)) < 60
