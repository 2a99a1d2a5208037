"""The inbox while the database is locked: a delivery that was refused is not stored later."""

import asyncio
from pathlib import Path

import pytest

from bot.chatops.inbox import Inbox
from bot.common.errors import StoreError
from bot.interactions.events import Invocation
from bot.store.database import Store
from tests.support.databases import Clock, write_locked

pytestmark = pytest.mark.fast_time

WORK = Invocation("T1", "U0ANNA", "C0OPS", "stat", "")


async def ended(inbox: Inbox) -> None:
    """Wait until no write runs any more."""
    while inbox.late:
        await asyncio.wait(set(inbox.late))
        await asyncio.sleep(0)


async def test_delivery_refused_under_a_lock_is_not_stored_later(tmp_path: Path, clock: Clock) -> None:
    url = f"sqlite:///{tmp_path}/cmbot.db"
    async with Store.open(url) as store:
        await store.migrate()
        inbox = Inbox(store, "p1", clock)
        async with write_locked(url):
            with pytest.raises(StoreError, match=r"^The database did not answer in time\.$"):
                await inbox.accept(WORK)
            assert len(inbox.late) == 1
        await ended(inbox)
        assert list(await inbox.pending()) == []
        assert await inbox.accept(WORK)
        assert list(await inbox.pending()) == [WORK]


async def test_work_under_way_is_not_claimed_twice(store: Store, clock: Clock) -> None:
    inbox = Inbox(store, "p1", clock)
    assert await inbox.accept(WORK)
    async with inbox.claimed(WORK.key, 60.0) as first, inbox.claimed(WORK.key, 60.0) as second:
        assert (first, second) == (True, False)
    clock.now += 61
    async with inbox.claimed(WORK.key, 60.0) as again:
        assert again
