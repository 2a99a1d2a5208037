"""Reads of a command: answered within the deadline of five seconds, whichever host is silent."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from bot.errors import ClusterTimeout, ClusterUnreachable

T = TypeVar("T")

READ_SECONDS = 4.5
"""Linear reads hold for ten seconds without a quorum (docs/clustermgr.md): nobody waits that long for an answer."""

HEDGE_SECONDS = 1.0
"""How long one host may hold a read before another is asked beside it."""


async def first_answer(ask: Callable[[str], Awaitable[T]], hosts: Sequence[str]) -> T:
    """What `ask` gives first, begun with one host and every HEDGE_SECONDS with a further one beside it.

    A host that hangs holds nobody up for longer; the first outcome counts, an error too, as `ask` has tried them all.
    """
    asked: list[asyncio.Task[T]] = []
    try:
        for host in hosts:
            asked.append(asyncio.ensure_future(ask(host)))
            last = len(asked) == len(hosts)
            done, _ = await asyncio.wait(
                asked, timeout=None if last else HEDGE_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if done:
                return done.pop().result()
        raise ClusterUnreachable("No host is configured.")
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


def leader_first(hosts: Sequence[str], leader: object) -> tuple[str, ...]:
    """The hosts, the one last known to lead before the others."""
    return tuple(sorted(hosts, key=lambda host: host != leader))


async def in_time(asked: Awaitable[T], cluster: str, what: str) -> T:
    """What `asked` gives; raises ClusterTimeout, naming `what`, when it takes longer than READ_SECONDS."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await asked
    except TimeoutError as error:
        raise ClusterTimeout(
            f"{cluster} did not tell {what} within {READ_SECONDS:g} s: "
            f"it may have no leader or no quorum. See /cm stat {cluster}"
        ) from error
