"""One read asked of several hosts: the next joins when one failed or keeps us waiting; the first answer counts."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from bot.common.errors import AuthRejected, ClusterError, ClusterRefused, ClusterUnreachable, NoLeader

T = TypeVar("T")

HEDGE_SECONDS = 1.0
"""How long one host may hold a read before another is asked beside it."""
MOST_TOLD = 5
"""Hosts of which one by one is told why they failed."""


async def first_answer(ask: Callable[[str], Awaitable[T]], hosts: Sequence[str]) -> T:
    """What a host tells first. A refusal is final: a host that says no speaks for the cluster.

    Raises that refusal; once every host failed, what they said of the cluster itself, else the first trouble met in a
    sentence that names all of them. Nothing is left running.
    """
    begun: set[asyncio.Future[T]] = set()
    asked: set[asyncio.Future[T]] = set()
    troubles: list[ClusterError] = []
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
                troubles.append(_passing(error))
        raise _told(troubles)
    finally:
        # Those that ended together with the one that counted, too: an error nobody fetches is complained about.
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)


def _passing(error: BaseException) -> ClusterError:
    """A trouble that another host may not have; what none can mend is raised at once."""
    if not isinstance(error, ClusterError):
        raise error
    if isinstance(error, ClusterRefused) and not isinstance(error, NoLeader | AuthRejected):
        raise error
    return error


def _told(troubles: Sequence[ClusterError]) -> ClusterError:
    """What to tell of all troubles, in the order met."""
    if not troubles:
        return ClusterUnreachable("No host is configured.")
    of_cluster = [trouble for trouble in troubles if isinstance(trouble, NoLeader | AuthRejected)]
    if of_cluster:
        return of_cluster[-1]
    sentences = [trouble.sentence for trouble in troubles[:MOST_TOLD]]
    left = len(troubles) - len(sentences)
    return troubles[0].retold(" ".join([*sentences, *([f"And {left} more failed."] if left else [])]))
