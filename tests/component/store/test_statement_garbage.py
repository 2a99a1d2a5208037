"""Statements that polls make again and again leave no copies of tables for the collector of garbage."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Column

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.grouping import ChannelHistory
from bot.common.message_key import MessageKey
from bot.interactions.message import Message
from bot.store.database import Store


@contextmanager
def garbage() -> Iterator[list[object]]:
    """What only the collector finds of the work in the block, once the block has ended."""
    found: list[object] = []
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found += gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


async def write(store: Store, number: int) -> None:
    async with store.begin() as uow:
        await uow.cluster_states.put("prod", ClusterState(at=float(number)))
        await uow.channel_histories.put(ChannelHistory("C1", (("prod", float(number)),)))
        await uow.outbox.put(MessageKey.alert(1), "C1", Message(f"edit {number}", ()))
        line = MessageKey.alert(1).line(number)
        await uow.outbox.put(line, "C1", Message("a line", ()), parent=MessageKey.alert(1))


async def test_writes_of_a_poll_copy_no_table(store: Store) -> None:
    for number in range(2):
        # The first time of each statement is kept by the library.
        await write(store, number)
    with garbage() as found:
        for number in range(2, 5):
            await write(store, number)
    assert [each for each in found if isinstance(each, Column)] == []
