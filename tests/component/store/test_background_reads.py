"""The reads of polls leave connections to those of people."""

import asyncio

from bot.store.database import Store


async def test_reads_of_people_go_on_while_many_polls_read(store: Store) -> None:
    begun, ended = [], asyncio.Event()

    async def poll() -> None:
        async with store.background_read() as uow:
            begun.append(await uow.alerts.open("prod"))
            await ended.wait()

    polls = [asyncio.create_task(poll()) for _ in range(20)]
    try:
        async with asyncio.timeout(20):
            while not begun:  # noqa: ASYNC110 - a row of the database shows nothing of it
                await asyncio.sleep(0.01)
            async with store.read() as uow:
                assert await uow.alerts.open("prod") == []
            assert len(begun) < len(polls)
            ended.set()
            await asyncio.gather(*polls)
    finally:
        for each in polls:
            each.cancel()
        await asyncio.gather(*polls, return_exceptions=True)
    assert len(begun) == len(polls)
