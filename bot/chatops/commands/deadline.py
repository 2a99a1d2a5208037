"""Reads of a command: answered within the deadline of five seconds, whichever host is silent."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from bot.common.errors import ClusterBadAnswer, ClusterFailed, ClusterTimeout, ClusterUnreachable

T = TypeVar("T")

READ_SECONDS = 4.5
"""Linear reads block for ten seconds without a quorum (docs/clustermgr.md), which is too long for an answer."""


async def in_time(asked: Awaitable[T], cluster: str, what: str) -> T:
    """Return the result of `asked`; raises ClusterTimeout that names `what` if it takes longer than READ_SECONDS.

    When no host could be asked, the sentence names the cluster too.
    """
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await asked
    except (ClusterUnreachable, ClusterTimeout, ClusterBadAnswer, ClusterFailed) as error:
        raise error.reworded(f"{cluster} did not tell {what}: {error.sentence}") from error
    except TimeoutError as error:
        raise ClusterTimeout(
            f"{cluster} did not tell {what} within {READ_SECONDS:g} s: "
            f"it may have no leader or no quorum. See /cm stat {cluster}"
        ) from error
