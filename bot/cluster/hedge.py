"""One read asked of several hosts: the next joins when one failed or keeps us waiting; the first answer counts."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from bot.errors import AuthRejected, ClusterError, ClusterRefused, ClusterUnreachable, NoLeader

T = TypeVar("T")

HEDGE_SECONDS = 1.0
"""How long one host may hold a read before another is asked beside it."""


async def first_answer(ask: Callable[[str], Awaitable[T]], hosts: Sequence[str]) -> T:
    """What a host tells first. A refusal is final: a host that says no speaks for the cluster.

    Raises that refusal, else the first trouble met once every host failed. Nothing is left running.
    """
    begun: set[asyncio.Future[T]] = set()
    asked: set[asyncio.Future[T]] = set()
    trouble: ClusterError = ClusterUnreachable("No host is configured.")
    waiting = list(hosts)
    try:
        while waiting or asked:
            if waiting:
                asked.add(asyncio.ensure_future(ask(waiting.pop(0))))
                begun |= asked
            timeout = HEDGE_SECONDS if waiting else None
            done, asked = await asyncio.wait(asked, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                error = task.exception()
                if error is None:
                    return task.result()
                trouble = _graver(trouble, error)
        raise trouble
    finally:
        # Those that ended together with the one that counted, too: an error nobody fetches is complained about.
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)


def _graver(before: ClusterError, error: BaseException) -> ClusterError:
    """Which of two troubles to tell; what no other host can mend is raised at once."""
    if not isinstance(error, ClusterError):
        raise error
    if isinstance(error, ClusterRefused) and not isinstance(error, NoLeader | AuthRejected):
        raise error
    return before if before.host and not isinstance(error, NoLeader | AuthRejected) else error
