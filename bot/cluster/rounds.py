"""What changes slowly and is asked now and then, of the leader: the stored switches and the disks being dropped."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot.cluster.client import ClusterApi
from bot.cluster.dialect import keys_of
from bot.cluster.models import Disk
from bot.cluster.tasks import Dialect, DialectVerdict

ROUND_SECONDS = 60.0
"""Seconds between two rounds."""
NOTHING: Mapping[str, str | None] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Round:
    """What one round told; `switches` is empty where the dialect, and with it the keys, cannot be told."""

    dialect: Dialect | None
    switches: Mapping[str, str | None]
    dropping: tuple[Disk, ...]


async def make_round(
    api: ClusterApi, dialect: Callable[[], Awaitable[DialectVerdict]], first: Callable[[], Awaitable[str | None]]
) -> Round:
    """Ask one thing after the other over the connection that is open anyway; raises ClusterError.

    `first` tells whom to ask; a host that answers /stat may hold such a read for ten seconds once it is removed.
    """
    host = await first()
    dropping = await api.disk_dropping(first=host)
    told = (await dialect()).dialect
    keys = keys_of(told) if told else ()
    return Round(told, {key: await api.config_get(key, host=host) for key in keys}, dropping)
