"""Transactions are counted by access and outcome, for the metrics."""

import pytest

from bot.common.errors import Conflict, StoreError
from bot.store.database import Store


async def test_transactions_are_counted_by_access_and_outcome(store: Store) -> None:
    before = store.transactions.copy()
    async with store.read() as uow:
        await uow.operations.unfinished()
    async with store.begin() as uow:
        await uow.scheduled_runs.try_write("one")
    with pytest.raises(Conflict):
        async with store.begin():
            raise Conflict("Another writer was first.")
    with pytest.raises(KeyError):
        async with store.begin():
            raise KeyError
    with pytest.raises(StoreError):
        async with store.begin():
            raise StoreError("The disk is full.")
    assert store.transactions - before == {
        ("read", "committed"): 1,
        ("write", "committed"): 1,
        ("write", "rolled_back"): 2,
        ("write", "failed"): 1,
    }
    assert store.commits == store.transactions["write", "committed"]
