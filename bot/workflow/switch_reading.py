"""Reading one background task's switch in time."""

import asyncio

from bot.common.errors import ClusterTimeout
from bot.interactions.command import ClusterPort

READ_SECONDS = 5.0
"""How long a switch may take to read; a linear read without a quorum holds for ten seconds."""


async def read_switch(cluster: ClusterPort, key: str, *, seconds: float = READ_SECONDS) -> str | None:
    """The raw stored value, None when unset; raises ClusterError."""
    try:
        async with asyncio.timeout(seconds):
            return await cluster.api.config_get(key)
    except TimeoutError as error:
        raise ClusterTimeout(
            f"{cluster.name} did not tell the value of {key} in time: it may have no quorum."
        ) from error
