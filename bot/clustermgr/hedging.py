"""Hedged reads: when a host fails or is slow, the next host is read too; the first answer counts."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from bot.common.errors import AuthRejected, ClusterError, ClusterRefused, ClusterUnreachable, NoLeader

T = TypeVar("T")

HEDGE_SECONDS = 1.0
"""Time after which the next host is read as well."""
MAX_LISTED = 5
"""Failed hosts that an error lists one by one."""


async def first_answer(ask: Callable[[str], Awaitable[T]], hosts: Sequence[str]) -> T:
    """Return the first answer. A refusal is final: one host refuses for the whole cluster.

    Raises that refusal. When every host failed, raises an error about the cluster itself if a host gave one, else the
    first error, with a sentence that names all hosts. No task is left running.
    """
    begun: set[asyncio.Future[T]] = set()
    asked: set[asyncio.Future[T]] = set()
    errors: list[ClusterError] = []
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
                errors.append(_retryable(error))
        raise _combined(errors)
    finally:
        # Fetch the errors of all tasks: asyncio logs an error that is never fetched.
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)


def _retryable(error: BaseException) -> ClusterError:
    """Return an error that another host may not have; raise one that is the same for all hosts."""
    if not isinstance(error, ClusterError):
        raise error
    if isinstance(error, ClusterRefused) and not isinstance(error, NoLeader | AuthRejected):
        raise error
    return error


def _combined(errors: Sequence[ClusterError]) -> ClusterError:
    """Combine the errors of all hosts into one, in their order."""
    if not errors:
        return ClusterUnreachable("No host is configured.")
    of_cluster = [error for error in errors if isinstance(error, NoLeader | AuthRejected)]
    if of_cluster:
        return of_cluster[-1]
    sentences = [error.sentence for error in errors[:MAX_LISTED]]
    left = len(errors) - len(sentences)
    return errors[0].reworded(" ".join([*sentences, *([f"And {left} more failed."] if left else [])]))
